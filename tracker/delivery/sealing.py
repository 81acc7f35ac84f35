"""Secrets that are not ours: how they lie in the database, and tokens that only we can have made.

Whoever reads the database, or a copy of it, must not be able to sign as us to our receivers, or to stop the digests
of others. So the secret of an endpoint is sealed (Fernet: AES-128-CBC and HMAC-SHA256), and the token of a link in a
mail is an HMAC-SHA256 that is stored nowhere. Both keys are derived (HKDF-SHA256, RFC 5869) from one, which lies apart
from the database: in TRACKER_SECRET_KEY, else in a file of the data folder. Processes of one service need the same one.
"""

import os
import tempfile
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from hmac import compare_digest, digest
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tracker.settings import KEY_BYTES, Settings, SettingsError, make_folder, secret_keys

KEY_FILE = "secret-key"


class OtherKey(SettingsError):
    """What was sealed cannot be opened with the keys that are set."""

    def __init__(self) -> None:
        super().__init__(
            "TRACKER_SECRET_KEY: a secret in the database was sealed with a key that is not set: add that key to the "
            f"variable after a comma, or put the file {KEY_FILE} back into the data folder"
        )


class Sealer:
    """Seals and signs with the first of its keys, and knows again what any of them has made."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """``keys``: of 32 random bytes each."""
        boxes = [Fernet(urlsafe_b64encode(_derived(key, "seal"))) for key in keys]
        self._first, self._boxes = boxes[0], MultiFernet(boxes)
        self._signing = [_derived(key, "token") for key in keys]

    def seal(self, text: str) -> str:
        """The text, encrypted: printable ASCII, another one each time."""
        return self._boxes.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed. OtherKey where none of the keys opens it, or it was changed."""
        try:
            return self._boxes.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise OtherKey from None

    def is_old(self, sealed: str) -> bool:
        """Whether it was not sealed with the first of the keys."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return True
        return False

    def token(self, purpose: str, *parts: str) -> str:
        """43 characters for a link, which nobody can find who does not have the key: of the same purpose and parts
        always the same, of others another."""
        return _token(self._signing[0], (purpose, *parts))

    def same(self, token: str, purpose: str, *parts: str) -> bool:
        """Whether it is the token of these; how long that takes does not tell how much of it is right."""
        given = token.encode("utf-8", "surrogatepass")
        made = (_token(key, (purpose, *parts)).encode() for key in self._signing)
        return any(compare_digest(given, one) for one in made)


def sealer(settings: Settings) -> Sealer:
    """With the keys that are set, else the one in the data folder, made where there is none. SettingsError where it
    cannot be read or made."""
    return Sealer(settings.secret_key or _kept(settings.data_dir / KEY_FILE))


def _kept(file: Path) -> tuple[bytes, ...]:
    try:
        if not file.exists():
            _make(file)
        return secret_keys(file.read_text("ascii").strip())
    except OSError as error:
        raise SettingsError(
            f"TRACKER_SECRET_KEY: is not set, and {file} cannot be read or made ({error.strerror}): set the variable, "
            "or let the service write there"
        ) from None
    except ValueError:
        raise SettingsError(
            f"TRACKER_SECRET_KEY: is not set, and {file} holds no key: put back the file as it was, or remove it, and "
            "make the secrets of all endpoints anew"
        ) from None


def _make(file: Path) -> None:
    """The file appears at once and whole, and where another process was first, its file stays."""
    make_folder(file.parent)
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{KEY_FILE}-")  # mode 0600
    try:
        with os.fdopen(number, "wb") as made:
            made.write(b64encode(os.urandom(KEY_BYTES)) + b"\n")
            made.flush()
            os.fsync(number)
        with suppress(FileExistsError):
            os.link(name, file)
    finally:
        Path(name).unlink()
    _settle(file.parent)


def _settle(folder: Path) -> None:
    """A file is there after a power cut only if its folder was written, too."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _derived(key: bytes, use: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"negotiation-tracker {use}".encode()).derive(key)


def _token(key: bytes, parts: Sequence[str]) -> str:
    """Of the parts with their lengths, so that ("a", "bc") is not ("ab", "c")."""
    coded = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(b"%d:%b," % (len(part), part) for part in coded)
    return urlsafe_b64encode(digest(key, message, sha256)).rstrip(b"=").decode()
