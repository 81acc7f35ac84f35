"""What docs/webhooks.md shows is what happens: its receiver receives, its shell verifies, its calls are answered, its
example is of a message that was sent, and its numbers are those of the code."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delivery.hooks import event, hook, news, now, send, sent
from delivery.post import World
from delivery.receiver import Receiver, receiver
from litestar.testing import TestClient

from tracker.app import create_app
from tracker.delivery import deliveries, endpoints, enrolment, health, notices, outward, subscriptions
from tracker.delivery.channels import slack, webhook
from tracker.delivery.channels.slack import Slack
from tracker.delivery.channels.webhook import Webhook
from tracker.delivery.endpoints import new_secret
from tracker.delivery.sealing import sealer
from tracker.settings import load
from tracker.store.engine import writing

HOUR = timedelta(hours=1)
PAGE = Path(__file__).parents[2].joinpath("docs", "webhooks.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


# ---------------------------------------------------------------- the receiver


@dataclass
class Own:
    """The receiver of the page, in a process of its own."""

    port: int
    process: "subprocess.Popen[str]"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def running(folder: Path, secret: str, port: int) -> Iterator[Own]:
    (folder / "receive.py").write_text(blocks("python")[0])
    with subprocess.Popen(
        [sys.executable, "receive.py", str(port)], cwd=folder, env=os.environ | {"WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            end = time.monotonic() + 30
            while not listens(port):
                assert time.monotonic() < end
                time.sleep(0.05)
            yield Own(port, process)
        finally:
            process.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_the_receiver_answers_the_challenge_and_takes_each_edition_once(
    small_world: World, tmp_path: Path, port: int
) -> None:
    one, secret = hook(small_world, Receiver("127.0.0.1", port, None, []), confirmed=False)
    with running(tmp_path, secret, port) as here:
        send(small_world)
        assert now(small_world, one).state == "active"
        news(small_world, 30, 40)
        send(small_world)
        assert [here.line(), here.line()] == ["4 1 change of state (MX)", "5 1 change of state (MX)"]
        with writing(small_world.engine) as connection:
            enrolment.again(connection, one.id, sent(small_world)[1].id, small_world.clock())
            enrolment.test(connection, one.id, small_world.clock())
        send(small_world)
        news(small_world, 50)
        send(small_world)
        assert here.line() == "6 1 change of state (MX)", "the one before was not taken again"
    assert {delivery.state for delivery in sent(small_world)} == {"accepted"}


def test_the_receiver_refuses_what_is_not_from_here(small_world: World, tmp_path: Path, port: int) -> None:
    hook(small_world, Receiver("127.0.0.1", port, None, []))
    news(small_world)
    with running(tmp_path, new_secret(), port):
        send(small_world)
    with small_world.engine.connect() as connection:
        assert [one.code for one in deliveries.attempts_of(connection, sent(small_world)[0].id)] == [401]


# ---------------------------------------------------------------- the shell


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "it is from here, and whole"),
        ({"WEBHOOK_SIGNATURE": "v1,AAAA v1,{}"}, "it is from here, and whole"),
        ({"WEBHOOK_SECRET": new_secret()}, "not signed with this secret"),
        ({"WEBHOOK_ID": "another"}, "not signed with this secret"),
        ({"WEBHOOK_SIGNATURE": ""}, "not signed with this secret"),
        ({"body": b"{}"}, "not signed with this secret"),
        ({"minutes": 6}, "too old"),
    ],
)
def test_the_shell_verifies(
    changed: dict[str, Any], says: str, small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if minutes := changed.get("minutes"):
        moved = datetime_moved(minutes)
        monkeypatch.setattr(webhook, "datetime", moved)
    with receiver() as here:
        _, secret = hook(small_world, here)
        news(small_world)
        send(small_world)
        [got] = here.got
    (tmp_path / "body.json").write_bytes(changed.get("body", got.body))
    signature = got.headers["webhook-signature"]
    headers = {
        "WEBHOOK_SECRET": secret, "WEBHOOK_ID": got.headers["webhook-id"], "WEBHOOK_SIGNATURE": signature,
        "WEBHOOK_TIMESTAMP": got.headers["webhook-timestamp"],
    }  # fmt: skip
    headers |= {
        name: value.replace("{}", signature[3:]) for name, value in changed.items() if name in headers
    }
    command = ["sh", "-c", blocks("sh")[0]]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | headers, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (says == "it is from here, and whole")
    assert (done.stdout or done.stderr).strip() == says


def datetime_moved(minutes: int) -> Any:
    """A clock that is late."""

    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(minutes=minutes)

    return Late


# ---------------------------------------------------------------- the calls


CALLS = re.compile(r"^\$ (curl(?:.*\\\n|.*\n    )*.*)", re.MULTILINE)


def called(client: TestClient[Any], command: str, variables: dict[str, str]) -> Any:
    """What a curl is answered."""
    words = shlex.split(command.replace("\\\n", " ").replace("'$CHALLENGE'", "$CHALLENGE"))
    words = [re.sub(r"\$([A-Z]+)", lambda found: variables[found[1]], word) for word in words]
    assert words[:2] == ["curl", "-s"]
    method, url, headers, body = None, "", {}, None
    rest = iter(words[2:])
    for word in rest:
        match word:
            case "-X":
                method = next(rest)
            case "-H":
                name, value = next(rest).split(": ", 1)
                headers[name] = value
            case "-d":
                body = next(rest)
            case _:
                url = word
    method = method or ("POST" if body else "GET")
    path = url.removeprefix("https://tracker.example.org")
    answer = client.request(method, path, headers=headers, content=body)
    assert answer.status_code in (200, 201, 202), (command, answer.text)
    return answer.json()


def test_every_call_is_answered(small_world: World, tmp_path: Path) -> None:
    commands = [command for block in blocks("console") for command in CALLS.findall(block)]
    assert len(commands) == 10
    settings = load({"TRACKER_DATA_DIR": str(tmp_path), "TRACKER_LOG_LEVEL": "error"})
    small_world.clock.now = datetime(2025, 9, 1, tzinfo=UTC)
    with TestClient(create_app(settings, small_world.engine, small_world.clock)) as client:
        asked = called(client, commands.pop(0), {})
        assert {name for name in asked if asked[name]} == {"detail", "id", "key", "page", "secret"}
        challenge = sealer(settings).token(notices.CONFIRM, asked["id"])
        known = {"ID": asked["id"], "KEY": asked["key"], "CHALLENGE": challenge, "NUMBER": ""}
        for command in commands:
            answer = called(client, command, known)
            if "/tests" in command:
                known["NUMBER"] = str(answer["id"])
    assert answer["state"] == "stopped"


# ---------------------------------------------------------------- the example, and the numbers


def named(value: Any, path: str = "") -> Iterator[str]:
    """The names in a message, each with where it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}/{name}"
            yield from named(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner, f"{path}/0")


def test_the_example_is_of_a_message_as_it_is_sent(small_world: World) -> None:
    [example] = map(json.loads, blocks("json"))
    with receiver() as here:
        _, secret = hook(small_world, here)
        news(small_world)
        send(small_world)
        message = event(here.got[0], secret)
        head = here.got[0].headers
    assert [*example] == [*message]
    assert {*named(example)} <= {*named(message)}
    for name in ("specversion", "source", "type", "time", "datacontenttype", "sequence"):
        assert example[name] == message[name]
    assert example["data"]["headline"] == message["data"]["headline"]
    [shown], [real] = example["data"]["content"]["new"], message["data"]["content"]["new"]
    assert (shown["title"], shown["dates"], shown["positions"]) == (
        real["title"],
        real["dates"],
        real["positions"],
    )
    assert shown["lines"][0].items() <= real["lines"][0].items()
    lines = blocks("http")[0].splitlines()[1:]
    assert {line.split(": ")[0].lower() for line in lines} == head.keys() - {
        "accept-encoding", "connection", "content-length",
    }  # fmt: skip


def test_the_numbers_are_those_of_the_code() -> None:
    said = " ".join(PAGE.split())
    hours = [delay / HOUR for delay in Webhook.delays]
    assert [round(one * 3600) for one in hours[:2]] == [5, 300]
    assert hours[2:] == [0.5, 2, 5, 10, 14, 20, 24]
    limits = outward.LIMITS
    for words in (
        "after 5 seconds, 5 minutes, 30 minutes, 2 hours, 5, 10, 14, 20 and 24 hours",
        f"After {('nine', 'ten')[len(Webhook.delays) == 9]} attempts",
        f"within {limits.exchange_seconds:g} seconds",
        f"within {limits.connect_seconds:g} seconds",
        f"first {limits.kept_bytes // 1024} KiB",
        f"more than {webhook.LARGEST // 1024} KiB",
        f"at most {slack.MOST:,} characters",
        f"After {('three', 'four')[health.TOLD_AFTER == 4]} failures",
        f"for {('four', 'five')[health.HALTED_AFTER.days == 5]} days",
        f"for {deliveries.KEPT.days} days",
        f"after {subscriptions.PENDING / HOUR:g} hours",
        f"within the {endpoints.OVERLAP / HOUR:g} hours (0 to {endpoints.LONGEST_OVERLAP / HOUR:g}",
        f"{('five', 'six')[len(Slack.delays) == 6]} times again",
    ):
        assert words in said, words
