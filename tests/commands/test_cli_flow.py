"""What an operator does at the prompt, from a pause that is logged to the proof that nothing was rewritten."""

import os
import resource
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from commands.program import PROGRAM, environment
from prompt import Run
from sqlalchemy import Pool, event

from tracker.settings import shipped
from tracker.terminal.showing import plain
from tracker.web.api.agreements import Agreements
from tracker.web.api.authorities import Authorities
from tracker.web.api.developments import DevelopmentNow, Outcome
from tracker.web.api.events import EventNow, Events
from tracker.web.api.measures import Measures
from tracker.web.api.negotiations import Commitments, Deadlines, Negotiation
from tracker.web.api.partners import Diff, Partners, PartnerState, Timeline

MEXICO = "measure:us-ieepa-fentanyl-mx"
PAUSE = ["log", "Pause for Mexico", "--announced", "2025-09-02", "--type", "measure.paused", "--subject", MEXICO,
         "--target", "MX", "--scope", "all-goods", "--from", "2025-09-03", "--until", "2025-12-02",
         "--source", "The White House|official|https://example.org/pause"]  # fmt: skip


def test_a_pause_is_rehearsed_logged_seen_corrected_and_withdrawn(seeded: Run, tmp_path: Path) -> None:
    rehearsed = seeded(*PAUSE, "--dry-run").out
    assert "Nothing was recorded; this is what would change." in rehearsed
    assert "in force → paused from 3 September" in rehearsed
    assert "then resumes: Fentanyl and border tariff on Mexico" in rehearsed
    assert standing(seeded) == "in_force"

    logged = msgspec.json.decode(seeded(*PAUSE, "--key", "pause", "--json").out, type=Outcome)
    assert logged.development
    assert "This was recorded before" in seeded(*PAUSE, "--key", "pause").out
    assert standing(seeded) == "paused"
    assert standing(seeded, "--known-position", str((logged.first_position or 0) - 1)) == "in_force"
    assert "Pause for Mexico" in seeded("timeline", "MX").out
    assert "Pause for Mexico" in seeded("digest", "--partner", "MX").out

    file = tmp_path / "correction.json"
    paused = {
        "type": "measure.paused",
        "subject": MEXICO,
        "effects": [{"target": "MX", "until": "2025-12-05"}],
    }
    command = {"title": "Pause for Mexico", "announced": "2025-09-02", "events": [paused]}
    file.write_bytes(msgspec.json.encode(command))
    seeded("correct", logged.development, "--file", str(file), "--reason", "the end was wrong")
    assert "5 December 2025" in seeded("state", "MX", "--as-of", "2025-09-10").out
    seeded("withdraw", logged.events[0].id, "--reason", "it never happened")
    story = seeded("events", logged.development).out
    assert ["logged" in story, "corrected" in story, "withdrawn" in story] == [True] * 3
    assert "withdrawn: it never happened" in seeded("timeline", "MX").out
    assert "chain whole, read models as the events say" in seeded("verify").out


def test_what_was_recorded_is_told_so_although_the_database_failed_since(
    seeded: Run, surroundings: Path
) -> None:
    file, away = surroundings / "var" / "tracker.db", surroundings / "var" / "away.db"
    before = last_position(file)

    def go_away(*_: object) -> None:
        if file.exists() and last_position(file) > before:
            file.rename(away)

    event.listen(Pool, "checkin", go_away)
    try:
        said = seeded(*PAUSE)
        assert "Nothing was recorded" not in said.out
        assert f"position {before + 1}." in said.out
        assert "it is recorded, but its effects could not be read: the database" in said.err
        away.rename(file)
        before += 1
        made = msgspec.json.decode(seeded(*PAUSE, "--json").out)
    finally:
        event.remove(Pool, "checkin", go_away)
    assert (made["last_position"], made["effects_read"], made["effects"]) == (before + 1, False, {})
    away.rename(file)
    assert last_position(file) == before + 1


def last_position(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT max(position) FROM events").fetchone()[0])


def test_a_row_of_the_state_names_the_event_that_made_it_so(seeded: Run) -> None:
    said = seeded("state", "GB").out
    row = next(line for line in said.splitlines() if "Section 232 tariff on steel" in line)
    rate, since, position = row.split()[0], " ".join(row.split()[-4:-1]), row.split()[-1]
    assert (rate, since) == ("25%", "12 Mar 2025")
    assert "2025-02-10" in seeded("events", "--after", str(int(position) - 1), "--limit", "1", "--json").out


def standing(run: Run, *known: str) -> str:
    """The status of the tariff on Mexico on 10 September."""
    found = msgspec.json.decode(
        run("state", "MX", "--as-of", "2025-09-10", *known, "--json").out, type=PartnerState
    )
    items = [item for item in found.measures if (item.subject, item.scope) == (MEXICO, "all-goods")]
    return str(items[0].state["status"])


def test_a_correction_names_a_development_by_the_key_of_its_import(seeded: Run, tmp_path: Path) -> None:
    said = seeded("withdraw", "D056", "--reason", "for the test", "--dry-run", "--json")
    assert msgspec.json.decode(said.out, type=Outcome).effects["MX"]


@pytest.mark.parametrize(
    ("command", "shape"),
    [
        ("partners", Partners), ("state GB --as-of 2025-05-01", PartnerState), ("timeline CN", Timeline),
        ("diff CN --from 2025-04-08 --to 2025-04-20", Diff), ("measures --partner GB", Measures),
        ("agreements", Agreements), ("negotiation CN", Negotiation), ("deadlines --status open", Deadlines),
        ("commitments", Commitments), ("authorities", Authorities), ("events --limit 5", Events),
        ("events --after 3 --limit 2", Events),
    ],
)  # fmt: skip
def test_json_has_the_shape_of_the_api(seeded: Run, command: str, shape: type) -> None:
    out = seeded(*command.split(), "--json").out
    answer = msgspec.json.decode(out, type=shape)
    again = msgspec.json.decode(msgspec.json.encode(answer))
    assert again == msgspec.json.decode(out), "nothing that the API does not give"


def test_one_event_and_one_development_have_the_shape_of_the_api(seeded: Run) -> None:
    first = msgspec.json.decode(
        seeded("events", "--after", "60", "--limit", "1", "--json").out, type=Events
    ).items[0]
    event = seeded("events", first.id, "--json").out
    assert msgspec.json.decode(event, type=EventNow).entry.development == first.development
    development = seeded("events", first.development, "--json").out
    assert msgspec.json.decode(development, type=DevelopmentNow).versions


def test_a_moved_deadline_shows_where_it_stood(seeded: Run) -> None:
    out = " ".join(seeded("negotiation", "EU", "--as-of", "2025-07-15").out.split())
    deadlines = out.partition("Deadlines")[2]
    assert "1 August 2025" in deadlines
    assert "1 June 2025, 9" in deadlines


def test_a_goal_shows_what_moved_it(seeded: Run) -> None:
    out = " ".join(seeded("negotiation", "GB", "--as-of", "2025-07-01").out.split())
    assert "Aerospace exports get tariff relief: advanced" in out
    assert "30 Jun 2025: advanced; evidence: Executive Order 14309" in out


def test_an_authority_shows_how_it_stands(seeded: Run) -> None:
    out = " ".join(seeded("authorities", "--as-of", "2025-07-01").out.split())
    for said in ("struck down, but the", "ruling is stayed;", "duties are collected"):
        assert said in out


def test_two_axes(seeded: Run) -> None:
    then = seeded("state", "CN", "--as-of", "2025-04-20", "--known-at", "2025-04-03").out
    now = seeded("state", "CN", "--as-of", "2025-04-20").out
    assert "34%" in then
    assert "125%" not in then
    assert "125%" in now
    assert "On 20 April 2025, 23:59, as known at 3 April 2025, 23:59" in then


def test_later_days_lie_beyond_coverage(seeded: Run) -> None:
    assert "later news may be missing" in seeded("state", "GB").out
    assert "later news may be missing" not in seeded("state", "GB", "--as-of", "2025-07-01").out


def test_tables_are_plain_and_eighty_wide(seeded: Run) -> None:
    for command in (
        "partners",
        "events",
        "measures",
        "negotiation EU",
        "deadlines",
        "commitments",
        "subscriptions",
        "key list",
    ):
        for line in seeded(*command.split()).out.splitlines():
            assert "\x1b" not in line
            assert len(line) <= 80 or line.startswith("On "), line


def test_what_was_recorded_cannot_steer_the_terminal() -> None:
    assert plain("\x1b[31mRed\x9b2J\u202e").plain == "�[31mRed�2J�"


def test_an_import_at_the_prompt(seeded: Run, tmp_path: Path) -> None:
    file = tmp_path / "more.jsonl"
    line = {"key": "more", "development": {"title": "Talks", "announced": "2025-09-03", "events": [
        {"type": "talks.held", "subject": "partner:MX"}]}}  # fmt: skip
    file.write_bytes(msgspec.json.encode(line))
    assert (
        "Nothing was recorded. 1 would be, as 1 event; 0 recorded before."
        in seeded("import", str(file), "--dry-run").out
    )
    assert "Recorded 1 as 1 event, " in seeded("import", str(file)).out
    assert seeded("import", str(file)).out == "1 recorded before, 0 new.\n"
    good = {"key": "on", "withdraws": "bad", "reason": "x"}
    file.write_bytes(b'{"key": "bad"}\n' + msgspec.json.encode(good))
    said = seeded("import", str(file), code=2)
    assert said.err.splitlines()[0] == "tracker: nothing was recorded: 1 line is wrong; 1 more builds on it"
    file.write_text("{}\n[]\n")
    said = seeded("import", str(file), code=2)
    assert said.out == ""
    assert said.err.splitlines()[0] == "tracker: nothing was recorded: 2 lines are wrong"
    assert [line.split(":")[0] for line in said.err.splitlines()[1:]] == ["  line 1", "  line 2"]


def test_what_was_logged_with_a_key_is_named_by_it(seeded: Run) -> None:
    seeded(*PAUSE, "--key", "c1")
    other = seeded("log", "Another", *PAUSE[2:], "--key", "c1", code=2)
    assert other.err == "tracker: --key 'c1' was used for something else: give what is new a key of its own\n"
    said = seeded("withdraw", "c2", "--reason", "a rumour", code=2)
    assert "or the --key that it was logged with" in said.err
    assert "Recorded as development" in seeded("withdraw", "c1", "--reason", "a rumour").out


def test_an_export_that_finds_no_room_names_its_file_and_leaves_nothing(
    seeded: Run, surroundings: Path
) -> None:
    folder = surroundings / "exports"
    folder.mkdir()
    file = folder / "log.jsonl"
    seeded("export", "-o", str(file))
    before = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o666 & ~mask()
    for name in ("log.jsonl", "new.jsonl"):
        done = subprocess.run(
            [*PROGRAM, "export", "--as", "events", "-o", f"exports/{name}"], cwd=surroundings, text=True,
            env=environment(surroundings), capture_output=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (2, f"tracker: exports/{name}: File too large\n")
    assert [*folder.iterdir()] == [file]
    assert file.read_bytes() == before


def mask() -> int:
    os.umask(found := os.umask(0))
    return found


def test_a_key_is_shown_once(seeded: Run) -> None:
    secret = seeded("key", "create", "ann").out.strip()
    assert secret.startswith("trk_")
    assert secret not in seeded("key", "list").out
    assert "ann" in seeded("key", "list").out
    assert "Revoked: key-" in seeded("key", "revoke", "ann").out


def test_subscriptions(seeded: Run) -> None:
    made = seeded("subscribe", "ann@example.org", "--partner", "gb", "--hour", "7", "--zone", "Europe/London")
    assert "ann@example.org gets GB, every day at 07:00 (London) once that is confirmed" in made.out
    id = made.out.partition(":")[0]
    assert id in seeded("subscriptions").out
    assert "its address erased" in seeded("unsubscribe", id).out
    assert "ann@example.org" not in seeded("subscriptions", "--all").out


def test_a_subscription_is_looked_after(seeded: Run) -> None:
    endpoint = ("https://hooks.example.org/trade?token=s3cret", "--over", "webhook", "--topic", "talks")
    made = seeded("subscribe", *endpoint, "--at-once", "--contact", "ann@example.org").out
    id = made.partition(":")[0]
    assert "gets all partners: talks, as soon as it is ten minutes old once that is confirmed" in made
    assert "shown this once: whsec_" in made
    assert "is not confirmed yet" in seeded("subscription", "test", id, code=2).err
    assert "is confirmed" in seeded("subscription", "confirm", id).out
    shown = seeded("subscription", "show", id).out
    assert f"{id}: https://hooks.example.org/trade over webhook, active" in shown
    assert "s3cret" not in shown
    number = seeded("subscription", "test", id).out.split()[1]
    listed = msgspec.json.decode(seeded("delivery", "list", "--subscription", id, "--json").out)["items"]
    assert [one["notice"] for one in listed] == ["test", "contact", "confirm"]
    assert number in seeded("delivery", "list").out
    assert "pending; known there as" in seeded("delivery", "show", number).out
    assert "is on its way" in seeded("delivery", "resend", number).out
    assert "is no state; these are: pending" in seeded("delivery", "list", "--state", "lost", code=2).err
    secret = seeded("subscription", "rotate", id, "--hours", "1").out
    assert "whsec_" in secret
    assert secret not in made
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert "goes on; 0 deliveries" in seeded("subscription", "resume", id, "--since", yesterday).out
    assert "write it as 2025-04-10" in seeded("subscription", "resume", id, "--since", "soon", code=2).err
    assert "its address erased" in seeded("unsubscribe", id).out
    assert "was stopped" in seeded("subscription", "test", id, code=2).err


def test_the_founding_history_is_loaded_once(tracker: Run) -> None:
    assert "0 recorded before" in tracker("seed").out
    assert ", 0 new" in tracker("seed").out


def test_a_clock_that_stands_earlier_loads_what_is_past(
    tracker: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_CLOCK", "2025-04-05T00:00:00Z")
    tracker("seed")
    monkeypatch.delenv("TRACKER_CLOCK")
    out = tracker("timeline", "CN").out
    assert "China answers with 34%" in out
    assert "84%" not in out
    assert "On 4 April 2025" in out


def test_verify_names_the_first_bad_position(seeded: Run, tmp_path: Path) -> None:
    bodies = (line.partition('"position":')[2] for line in exported(seeded) if "Mexico" in line)
    place = int(next(bodies).partition(",")[0])
    damage(tmp_path, f"UPDATE events SET body = replace(body, 'Mexico', 'Mexica') WHERE position = {place}")
    said = seeded("verify", code=1)
    assert said.err.startswith(f"tracker: position {place}: the event does not match its hash")
    assert msgspec.json.decode(seeded("verify", "--json", code=1).out)["broken"]["position"] == place


def exported(seeded: Run) -> list[str]:
    return seeded("export", "--as", "events").out.splitlines()


def test_verify_notices_segments_that_drifted_and_rebuild_mends_them(seeded: Run, tmp_path: Path) -> None:
    damage(
        tmp_path,
        "UPDATE segments SET state = replace(state, '25', '26') WHERE lane IN "
        f"(SELECT id FROM lanes WHERE subject = '{MEXICO}')",
    )
    said = seeded("verify", code=1)
    assert (
        f"chain whole, but what is worked out is not what the events say, of {MEXICO} (segments: " in said.err
    )
    assert said.err.endswith(": run 'tracker rebuild'\n")
    (told,) = msgspec.json.decode(seeded("verify", "--json", code=1).out)["differences"]
    assert told["subject"] == MEXICO
    assert told["says"].startswith("segments: ")
    assert "chain whole" in seeded("verify", "--no-segments").out
    assert f"Rebuilt from {len(exported(seeded))} events." in seeded("rebuild").out
    seeded("verify")


def damage(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "var" / "tracker.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_an_export_is_an_import(seeded: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded("export", "-o", str(tmp_path / "all.jsonl"))
    commands, events = len((tmp_path / "all.jsonl").read_bytes().splitlines()), len(exported(seeded))
    assert commands == len([*shipped("fixtures").rglob("*.json")])
    monkeypatch.setenv("TRACKER_DATA_DIR", str(tmp_path / "other"))
    said = seeded("import", str(tmp_path / "all.jsonl"), "--as-learnt").out
    assert f"Recorded {commands} as {events} events" in said
    assert len(exported(seeded)) == events


def test_a_state_long_ago_says_up_to_when_what_came_is_listed(seeded: Run) -> None:
    asked = ["state", "CN", "--as-of", "2025-02-03"]
    said = " ".join(seeded(*asked).out.split())
    told = msgspec.json.decode(seeded(*asked, "--json").out, type=PartnerState)
    assert told.coming_until is not None
    assert all(change.starts is not None and change.starts < told.coming_until for change in told.coming)
    assert "This is all before " in said
    assert "tracker timeline CN" in said
