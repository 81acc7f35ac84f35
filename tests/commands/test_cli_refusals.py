"""Whatever is typed: one line on stderr that says what is wrong and what to do, exit code 2, nothing written."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prompt import Run, Said
from sqlalchemy import Engine

from tests.conftest import url_of
from tracker import cli

LOG = ["log", "A pause", "--announced", "2025-09-02", "--type", "measure.paused",
       "--subject", "measure:us-ieepa-fentanyl-mx", "--target", "MX", "--until", "2025-12-02"]  # fmt: skip


def but(*changes: str) -> list[str]:
    """The command with other values for some options."""
    words = [*LOG]
    for option, value in zip(changes[::2], changes[1::2], strict=True):
        if option in words:
            words[words.index(option) + 1] = value
        else:
            words += [option, value]
    return words


def refused(run: Run, *arguments: str) -> str:
    """The line on stderr."""
    said = run(*arguments, code=2)
    return one_line(said)


def one_line(said: Said) -> str:
    assert said.out == ""
    assert said.err.startswith("tracker: ")
    assert said.err.count("\n") == 1, said.err
    return said.err.removeprefix("tracker: ").rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lgo"], "no such command 'lgo'. Did you mean 'log'?"),
        (["state"], "missing argument 'CODE'"),
        (["state", "GB", "--as-off", "2025"], "no such option"),
        (["state", "ZZ"], "'ZZ' is not a partner that is followed here"),
        (["state", ""], "'' is not a partner"),
        (["state", "GB\x00"], "is not a partner"),
        (["state", "GB", "--as-of", "2025-13-01"], "--as-of: '2025-13-01' is not a point in time: write a date"),
        (["state", "GB", "--as-of", ""], "--as-of: '' is not a point in time"),
        (["state", "GB", "--known-at", "2199-01-01"], "--known-at 2199-01-01 lies in the future"),
        (["state", "GB", "--known-position", "9" * 30], "is not in the log: it holds positions 0 to "),
        (["state", "GB", "--known-position", "-1"], "is not in the log"),
        (["state", "GB", "--known-position", "x"], "'x' is not a valid integer"),
        (["state", "GB", "--known-at", "2025-08-01", "--known-position", "1"], "give --known-at or --known-position"),
        (["state", "GB", "--as-of", "9999-12-31"], "--as-of: '9999-12-31' is outside the years 1900 to 2199"),
        (["verify", "--url", "nope"], "--url: 'nope' is no address of a service: write https://"),
        (["relay", "nats", "--url", "http://127.0.0.1:4222"], "--url: 'http' is none of NATS: write nats://"),
        (["diff", "GB"], "from when? Give --from"),
        (["diff", "GB", "--from", "x"], "--from: 'x' is not a point in time"),
        (["events", "no-such-event"], "there is no event and no development 'no-such-event'"),
        (["events", "a\x00b"], "there is no event"),
        (["events", "--limit", "0"], "0 is not in the range"),
        (["digest", "--sector", "foo"], "'foo' is a sector that no partner's profile names; these do: Agriculture"),
        (["digest", "--partner", "ZZ"], "'ZZ' is not a partner that is followed here"),
        (["timeline", "gbr"], "is not a partner"),
        (["log"], "TITLE, --announced, --type, --subject missing: give them, or --file"),
        (["log", "A pause"], "--announced, --type, --subject missing"),
        ([*LOG, "--file", "-"], "give --file or the other options, not both"),
        (but("--type", "measure.pause"), '--type: "measure.pause" is not known here: did you mean measure.paused?'),
        (but("--subject", "Mexico"), '--subject: "Mexico" does not fit: what an event is about'),
        (but("--subject", "measure:us-ieepa-fentanyl-mxx"), "is not on record"),
        (but("--target", "MEX"), '--target: "MEX" does not fit: a partner or bloc'),
        (but("--target", "ZZ"), "ZZ is no country code"),
        (but("--announced", "x"), '--announced: "x" is too short: give a date as stated: 2025, 2025-04'),
        (but("--announced", "2025-09-31"), "--announced: '2025-09-31' is not a date on the calendar"),
        (but("--until", "2025-09-01"), "--until: until 2025-09-01 is not after the start"),
        (but("--rate", "much"), "--rate: 'much' is no rate: write 25"),
        (but("--rate", "1e99"), "is no rate"),
        (but("--source", "me"), "--source: 'me' is no source: write PUBLISHER|KIND"),
        (but("--source", "me|blog"), '--source kind: "blog" is not one of those allowed'),
        (but("--source", "me|press|ftp://x"), "--source url: "),
        (but("--set", "status"), "--set: 'status' has no value: write NAME=VALUE"),
        (but("--set", "statuss=paused"), "--set statuss: is not known here: did you mean status?"),
        (but("--with", "deadline=x"), "--with deadline: is not known here"),
        (but("--zone", "Mars/Olympus"), "--zone: 'Mars/Olympus' is no IANA time zone"),
        (["log", "\udcff"], "an argument is not UTF-8 text"),
        (["log", "--file", "nowhere.json"], "'nowhere.json': No such file or directory"),
        (["log", "--file", "."], "Is a directory"),
        (["correct", "x", "--reason", "y"], "missing option '--file'"),
        (["withdraw", "nobody", "--reason", "x"], "'nobody' names no development"),
        (["withdraw", "D003", "--reason", ""], "--reason is blank: fill it"),
        (["import", "nowhere.jsonl"], "No such file or directory"),
        (["export", "--as", "csv"], "'csv' is not one of 'commands', 'events'"),
        (["export", "-o", "no/such/folder/x"], "No such file or directory"),
        (["digest", "--day", "soon"], "'soon' is not a date"),
        (["digest", "--partner", "ZZ"], "'ZZ' is not a partner"),
        (["subscribe", "nobody"], "'nobody' is not an e-mail address"),
        (["subscribe", "a@b.org", "--hour", "25"], "25 is not an hour of the day"),
        (["subscribe", "a@b.org", "--zone", "Nowhere"], "is not an IANA time zone"),
        (["unsubscribe", "sub-x"], "there is no subscription 'sub-x'"),
        (["key", "create", " "], "give the analyst a name"),
        (["key", "revoke", "nobody"], "no key in force"),
        (["catalogue", "--check", "--release"], "give --check or --release, not both"),
    ],
)  # fmt: skip
def test_bad_input(seeded: Run, arguments: list[str], said: str) -> None:
    assert said in refused(seeded, *arguments)


def test_a_file_that_is_no_command(seeded: Run, tmp_path: Path) -> None:
    file = tmp_path / "command.json"
    for raw, said in (
        (b"", "there is nothing in it"),
        (b"\x89PNG\x00", "this is not JSON"),
        (b'{"title": "\xff"}', "this is not UTF-8 text"),
        (b'{"titel": "x"}', "/titel: is not known here: did you mean title?"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1,2", "this is not JSON: it ends too early"),
        (b" " * 1_000_001, "is longer than 1,000,000 bytes"),
    ):
        file.write_bytes(raw)
        line = refused(seeded, "log", "--file", str(file))
        assert said in line
        assert "command.json" in line
        assert said in refused(seeded, "correct", "D003", "--reason", "x", "--file", str(file))


def test_all_settings_that_are_wrong_are_named(tracker: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_PORT", "x")
    monkeypatch.setenv("TRACKER_HOTS", "x")
    line = refused(tracker, "partners")
    assert "TRACKER_PORT=x: must be a whole number" in line
    assert "did you mean TRACKER_HOST?" in line


def test_nothing_is_made_by_looking(tracker: Run, tmp_path: Path) -> None:
    for command in (
        "partners",
        "state GB",
        "events",
        "verify",
        "rebuild",
        "export",
        "key list",
        "subscriptions",
        "digest",
    ):
        assert "there is no record at" in refused(tracker, *command.split())
    for arguments in (LOG, ["withdraw", "x", "--reason", "y"], ["subscribe", "a@example.org"]):
        assert "there is no record at" in refused(tracker, *arguments)
    assert not (tmp_path / "var").exists()


def test_databases_that_cannot_be_used(tracker: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.db").write_text("no database\n" * 100)
    (tmp_path / "empty.db").touch()
    for url, said in (
        (
            "postgresql://nobody:secret@127.0.0.1:1/nothing",
            "it cannot be reached: check TRACKER_DATABASE_URL",
        ),
        (f"sqlite:///{tmp_path}/text.db", "it is damaged, or no SQLite database"),
        (f"sqlite:///{tmp_path}/empty.db", "it was not migrated: run 'tracker migrate'"),
        (f"sqlite:///{tmp_path}", "unable to open"),
    ):
        monkeypatch.setenv("TRACKER_DATABASE_URL", url)
        line = refused(tracker, "partners")
        assert line.startswith("the database ")
        assert url.rpartition("/")[2] in line.partition(": it")[0]
        assert said in line
        assert "secret" not in line


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_told_from_a_server_that_is_not(
    tracker: Run, postgresql: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_DATABASE_URL", url_of(postgresql, "tracker_nowhere"))
    line = refused(tracker, "partners")
    assert (
        "its server has no such database, or lets nobody into it: create it, or check TRACKER_DATABASE_URL"
        in line
    )
    assert 'database "tracker_nowhere" does not exist' in line


def test_a_fault_of_the_default_database_names_it_and_no_setting(tracker: Run, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "tracker.db").write_text("no database\n" * 100)
    line = refused(tracker, "partners")
    assert "var/tracker.db: it is damaged, or no SQLite database" in line
    assert "TRACKER_" not in line


def test_a_clock_comes_before_the_history(seeded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_CLOCK", "2025-09-01T00:00:00Z")
    assert "TRACKER_CLOCK sets the clock of an empty database" in refused(seeded, "partners")


def test_a_locked_database(seeded: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.store.engine._set_up_sqlite", impatient)
    held = sqlite3.connect(tmp_path / "var" / "tracker.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    assert "another process has been writing to it" in refused(seeded, *LOG)
    held.close()


def impatient(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=0")


def test_what_cannot_be_shown_is_replaced(
    seeded: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "ascii").open("w", encoding="ascii") as narrow:
        monkeypatch.setattr("sys.stdout", narrow)
        assert cli.run(["timeline", "GB"]) == 0
    assert "?" in (tmp_path / "ascii").read_text()


WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["-", "--", "--file", "GB", "2025-04-09", "partner:GB", "\x00", "9" * 40]),
)
COMMANDS = [
    command.split()
    for command in (
        "state", "state GB --as-of", "state GB --known-position", "timeline", "diff GB --from", "events",
        "events --subject", "events --type", "measures --partner", "measures --authority", "agreements --partner",
        "negotiation", "deadlines --partner", "commitments --partner",
        "withdraw --reason x", "digest --day", "digest --partner", "digest --sector", "subscribe", "unsubscribe",
        "key revoke",
    )
] + [[*LOG, option] for option in ("--scope", "--from", "--source", "--set", "--with", "--key", "--note")]  # fmt: skip


@given(st.sampled_from(COMMANDS), WORDS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_word_is_an_answer_or_one_line(
    seeded: Run, capsys: pytest.CaptureFixture[str], command: list[str], word: str
) -> None:
    capsys.readouterr()
    code = cli.run([*command, word])
    said = Said(code, *capsys.readouterr())
    assert code in (0, 2), said
    if code == 2:
        one_line(said)
