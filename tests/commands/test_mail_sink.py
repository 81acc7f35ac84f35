"""``tracker mail-sink``: what is mailed in development becomes files, pages and lines."""

import re
import signal
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from program import PROGRAM, environment
from prompt import Run

from tests.delivery.test_charts import chart, drawing
from tests.delivery.test_email import parcel, settings
from tracker.delivery.channels.email import Email
from tracker.delivery.editions import Frozen
from tracker.settings import MailServer

CONFIRM = "https://tracker.example.org/subscriptions/" + "aB3-_" * 9


@contextmanager
def sink(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", MailServer]]:
    process = subprocess.Popen(
        [*PROGRAM, "mail-sink", "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=folder, env=environment(folder),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"TRACKER_SMTP_URL=smtp://127\.0\.0\.1:(\d+)", line)
        assert found, line + process.communicate(timeout=10)[1]
        yield process, MailServer("127.0.0.1", int(found[1]), tls=False)
    finally:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]") -> list[str]:
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    return [line.rstrip() for line in out.splitlines()]


def confirmation() -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Confirm", "a@example.org", "b@example.org"
    mail.set_content(f"Confirm: {CONFIRM}.\nNot this: https://tracker.example.org/about\n")
    return mail


def test_a_digest_is_kept_as_it_was_sent_and_as_a_page(tmp_path: Path) -> None:
    told = parcel(drawing(chart((1, 10.0), (5, 25.0))))
    with sink(tmp_path) as (process, server):
        outcome = Email().send(told, settings(server))
        assert (outcome.result, outcome.code) == ("accepted", 250)
        assert Email().exchange(confirmation(), server).result == "accepted"
        lines = ended(process)
    folder = tmp_path / "var" / "mails"
    assert isinstance(told.content, Frozen)
    assert lines == [
        "reader@example.org: Trade talks, 12 Mar: 1 change of state (CN): var/mails/0001.eml",
        "  var/mails/0001.html",
        f"  https://tracker.example.org/editions/{told.content.id}",
        f"  {told.links.own}",
        "b@example.org: Confirm: var/mails/0002.eml",
        f"  {CONFIRM}",
    ]
    kept = message_from_bytes((folder / "0001.eml").read_bytes(), policy=policy.default)
    assert kept["Subject"] == "Trade talks, 12 Mar: 1 change of state (CN)"
    (img,) = BeautifulSoup((folder / "0001.html").read_text(), "html.parser").find_all("img")
    assert str(img["src"]).startswith("data:image/png;base64,iVBOR")
    assert not (folder / "0002.html").exists()


def test_refusals_can_be_tried_out(tmp_path: Path) -> None:
    with sink(tmp_path, "--answer", "450 4.2.0 Greylisted", "--times", "1", "--folder", "here") as (
        process,
        server,
    ):
        first, second = (Email().exchange(confirmation(), server) for _ in range(2))
        lines = ended(process)
    assert (first.result, first.code, first.answer) == ("deferred", 450, "4.2.0 Greylisted")
    assert second.result == "accepted"
    assert lines[:2] == ["b@example.org: 450 4.2.0 Greylisted", "b@example.org: Confirm: here/0001.eml"]


def test_numbers_go_on_where_they_ended(tmp_path: Path) -> None:
    (tmp_path / "var" / "mails").mkdir(parents=True)
    (tmp_path / "var" / "mails" / "0041.eml").write_text("kept before")
    with sink(tmp_path) as (process, server):
        with smtplib.SMTP(server.host, server.port) as smtp:
            smtp.sendmail("a@example.org", ["b@example.org", "c@example.org"], b"Hello\r\n")
        assert ended(process) == ["b@example.org, c@example.org: (no subject): var/mails/0042.eml"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--answer", "no"), "write a code and words"),
        (("--times", "2"), "says how often to say --answer"),
        (("--port", "70000"), "70000 is not in the range"),
    ],
)
def test_options_that_cannot_be_used(tracker: Run, options: tuple[str, ...], said: str) -> None:
    assert said in tracker("mail-sink", *options, code=2).err


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with sink(tmp_path) as (_, server):
        port = str(server.port)
        other = subprocess.run(
            [*PROGRAM, "mail-sink", "--port", port], capture_output=True, text=True, cwd=tmp_path,
            env=environment(tmp_path), check=False,
        )  # fmt: skip
    assert other.returncode != 0
    assert "address already in use" in other.stderr
    assert other.stderr.count("\n") == 1
