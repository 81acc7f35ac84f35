"""The tree, its roots and proofs are those of RFC 6962; a proof that was changed proves nothing."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from tracker import verifier
from tracker.store import merkle

LEAVES = [merkle.leaf(str(n).encode()) for n in range(70_001)]


def rfc6962(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1, as it is written there."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + rfc6962(leaves[:k]) + rfc6962(leaves[k:])).digest()


def tiled(leaves: list[bytes]) -> merkle.Nodes:
    """A tree in tiles: the hashes of each level are the roots of the full tiles below."""
    levels = [leaves]
    while len(below := levels[-1]) >= 256:
        full = len(below) // 256
        levels.append([rfc6962(below[256 * n : 256 * n + 256]) for n in range(full)])

    def nodes(level: int, start: int, count: int) -> list[bytes]:
        found = levels[level][start : start + count]
        assert len(found) == count
        assert start // 256 == (start + count - 1) // 256, "all of one tile"
        return found

    return nodes


TREE = tiled(LEAVES)
sizes = st.one_of(
    st.integers(1, 600), st.integers(1, 70_000), st.sampled_from([1, 2, 255, 256, 257, 65536, 65537])
)


def test_the_root_is_that_of_the_standard() -> None:
    for size in [*range(300), 511, 512, 513, 1000, 65535, 65536, 65537, 70_000]:
        expected = rfc6962(LEAVES[:size])
        assert merkle.folded(LEAVES[:size]) == expected
        assert merkle.root(size, TREE) == expected


def test_known_roots() -> None:
    """Of the test vectors of Certificate Transparency: eight small leaves."""
    texts = "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
    root = merkle.folded([merkle.leaf(bytes.fromhex(text)) for text in texts])
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(sizes, st.data())
def test_every_leaf_is_proven_and_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion(index, size, TREE)
    root = merkle.root(size, TREE)
    assert verifier.included(LEAVES[index], index, size, path) == root
    assert verifier.included(LEAVES[size], index, size, path) != root
    assert verifier.included(LEAVES[index], index, size, [*path, root]) is None
    other = data.draw(st.integers(0, size + 300).filter(lambda n: n != index))
    assert verifier.included(LEAVES[index], other, size, path) != root
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert (
            verifier.included(LEAVES[index], index, size, [*path[:at], LEAVES[0][::-1], *path[at + 1 :]])
            != root
        )


@given(sizes, sizes, st.data())
def test_what_continues_is_proven_and_nothing_else(one: int, other: int, data: st.DataObject) -> None:
    old, size = sorted((one, other))
    path = merkle.consistency(old, size, TREE)
    before, after = merkle.root(old, TREE), merkle.root(size, TREE)
    assert verifier.consistent(old, size, before, after, path)
    assert not verifier.consistent(old, size, LEAVES[9], after, path)
    assert not verifier.consistent(old, size, before, LEAVES[9], path)
    assert not verifier.consistent(old, size, before, after, [*path, LEAVES[9]])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:at], LEAVES[0][::-1], *path[at + 1 :]]
        assert not verifier.consistent(old, size, before, after, changed)
        assert not verifier.consistent(old, size, before, after, path[:-1])
