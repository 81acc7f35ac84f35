"""The verifier's Ed25519 is that of RFC 8032, and of a signature it takes one way of writing it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.verifier import ed25519

ORDER = 2**252 + 27742317777372353535851937790883648493
VECTORS = [  # RFC 8032, 7.1: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_standard(key: str, message: str, signature: str) -> None:
    parts = [bytes.fromhex(text) for text in (key, message, signature)]
    assert ed25519(*parts)
    assert not ed25519(parts[0], parts[1] + b"x", parts[2])


def test_a_signature_is_written_in_one_way_only() -> None:
    key, message, signature = (bytes.fromhex(text) for text in VECTORS[1])
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not ed25519(key, message, signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("key", [bytes(31), bytes(33), b"\xff" * 32, (2**255 - 19).to_bytes(32, "little"),
                                 (1 | 1 << 255).to_bytes(32, "little")])  # fmt: skip
def test_a_key_that_is_no_point_verifies_nothing(key: bytes) -> None:
    assert not ed25519(key, b"", bytes.fromhex(VECTORS[0][2]))


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 64 * 8 - 1))
def test_it_agrees_with_a_library(seed: bytes, message: bytes, bit: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert ed25519(public, message, signature)
    flipped = (int.from_bytes(signature) ^ 1 << bit).to_bytes(64)
    assert not ed25519(public, message, flipped)
