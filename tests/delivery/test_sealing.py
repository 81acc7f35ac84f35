"""What lies in the database is of no use to who reads it, and a link is of no use to who guesses."""

import stat
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.delivery.sealing import KEY_FILE, OtherKey, Sealer, sealer
from tracker.settings import Settings, SettingsError, load

OLD, NEW = b"\1" * 32, b"\2" * 32

SEVERAL = """
import os, sys
from pathlib import Path
from tracker.delivery.sealing import sealer
from tracker.settings import Settings
settings, (ready, go) = Settings(data_dir=Path(sys.argv[1])), os.pipe()
for _ in range(8):
    if os.fork() == 0:
        os.close(go)
        os.read(ready, 1)  # until the other end is closed: all start at once
        os.write(1, sealer(settings).token("link").encode() + b"\\n")
        os._exit(0)
os.close(go)
for _ in range(8):
    assert os.wait()[1] == 0
"""


def kept_in(folder: Path) -> Settings:
    return load({"TRACKER_DATA_DIR": str(folder)})


@given(st.text())
def test_what_was_sealed_is_opened(text: str) -> None:
    sealed = Sealer([OLD]).seal(text)
    assert Sealer([OLD]).open(sealed) == text
    assert sealed.isascii()
    assert sealed.isprintable()


def test_the_same_secret_is_sealed_otherwise_each_time() -> None:
    assert Sealer([OLD]).seal("whsec_a") != Sealer([OLD]).seal("whsec_a")


def test_with_another_key_nothing_opens_and_the_setting_is_named() -> None:
    sealed = Sealer([OLD]).seal("whsec_a")
    with pytest.raises(OtherKey, match=r"^TRACKER_SECRET_KEY: .* add that key"):
        Sealer([NEW]).open(sealed)


@pytest.mark.parametrize("sealed", ["", "whsec_a", "gAAAAA", "é"])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(OtherKey):
        Sealer([OLD]).open(sealed)


def test_a_sealed_secret_that_was_changed_does_not_open() -> None:
    sealed = Sealer([OLD]).seal("whsec_a")
    middle = len(sealed) // 2
    changed = sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1 :]
    with pytest.raises(OtherKey):
        Sealer([OLD]).open(changed)


def test_a_key_is_changed_by_putting_the_new_one_first() -> None:
    before, between, after = Sealer([OLD]), Sealer([NEW, OLD]), Sealer([NEW])
    assert between.open(before.seal("a")) == "a"
    assert after.open(between.seal("a")) == "a"
    assert between.same(before.token("stop", "1"), "stop", "1")
    assert after.same(between.token("stop", "1"), "stop", "1")
    assert not after.same(before.token("stop", "1"), "stop", "1")


def test_a_token_is_256_bits_for_a_link() -> None:
    token = Sealer([OLD]).token("stop", "ana@example.org")
    assert len(token) == 43
    assert token.isascii()
    assert token.replace("-", "").replace("_", "").isalnum()


parts = st.lists(st.text(max_size=4), min_size=1, max_size=3)


@given(parts, parts)
def test_tokens_are_the_same_for_the_same_and_no_others(one: list[str], other: list[str]) -> None:
    one_sealer = Sealer([OLD])
    assert (one_sealer.token(*one) == one_sealer.token(*other)) == (one == other)
    assert one_sealer.same(one_sealer.token(*one), *other) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"), [(("a", "bc"), ("ab", "c")), (("a", ""), ("a",)), (("1:a",), ("a",))]
)
def test_parts_do_not_run_into_one_another(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert Sealer([OLD]).token(*one) != Sealer([OLD]).token(*other)


@pytest.mark.parametrize("guess", ["", "é", "\ud800", "A" * 43])
def test_a_guess_is_not_the_token(guess: str) -> None:
    assert not Sealer([OLD]).same(guess, "stop", "1")


def test_what_is_shown_of_it_is_not_the_key() -> None:
    settings = load({"TRACKER_SECRET_KEY": b64encode(OLD).decode()})
    assert settings.secret_key == (OLD,)
    assert repr(OLD)[2:-1] not in repr(settings)
    assert repr(OLD)[2:-1] not in repr(Sealer([OLD]))


def test_the_setting_takes_several_keys_in_either_base64() -> None:
    key = bytes(range(224, 256))
    forms = b64encode(key), urlsafe_b64encode(key), urlsafe_b64encode(key).rstrip(b"=")
    text = ", ".join(form.decode() for form in forms)
    assert load({"TRACKER_SECRET_KEY": text}).secret_key == (key, key, key)


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    settings = load({"TRACKER_SECRET_KEY": b64encode(OLD).decode(), "TRACKER_DATA_DIR": str(tmp_path)})
    assert Sealer([OLD]).open(sealer(settings).seal("a")) == "a"
    assert not list(tmp_path.iterdir())


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    sealed = sealer(kept_in(folder)).seal("a")
    assert sealer(kept_in(folder)).open(sealed) == "a"
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600


def test_its_file_is_moved_into_the_setting_as_it_is(tmp_path: Path) -> None:
    sealed = sealer(kept_in(tmp_path)).seal("a")
    assert sealer(load({"TRACKER_SECRET_KEY": (tmp_path / KEY_FILE).read_text()})).open(sealed) == "a"


def test_processes_that_start_at_once_have_the_same_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SEVERAL, str(tmp_path / "data")]
    tokens = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1
    assert [file.name for file in (tmp_path / "data").iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("text", ["", "abc\n", "é"])
def test_a_damaged_file_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / KEY_FILE).write_text(text)
    with pytest.raises(
        SettingsError, match=rf"^TRACKER_SECRET_KEY: is not set, and .*{KEY_FILE} holds no key: "
    ):
        sealer(kept_in(tmp_path))
    assert (tmp_path / KEY_FILE).read_text() == text


def test_where_no_file_can_be_made_the_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        SettingsError, match=r"^TRACKER_SECRET_KEY: is not set, and .* cannot be read or made"
    ):
        sealer(Settings(data_dir=tmp_path / "file"))
