"""Whatever the other side does, an exchange ends in time and says what came of it."""

import gc
import gzip
import socket
import time
import warnings
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from delivery import receiver as receivers
from delivery.receiver import Certificate, Receiver, Script, Talk, raw, receiver, says, trickles
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.delivery import outward
from tracker.delivery.outward import Answer, Limits, NoAnswer, asked_to_wait, exchange, post

QUICK = Limits(exchange_seconds=0.5)
CONNECT = Limits(connect_seconds=0.2)
CALM = Limits()
ROOM = 2.5
"""Seconds that a busy machine may take beside."""
HEADERS = {"Content-Type": "application/json", "webhook-id": "msg_1"}


def sent(here: Receiver, limits: Limits = CALM, body: bytes = b'{"a": "\xc3\xa4"}') -> Answer | NoAnswer:
    """Tried once, in time."""
    began = time.monotonic()
    answer = post(here.url, body, HEADERS, here.settings, limits, receivers.trusting())
    assert time.monotonic() - began < limits.exchange_seconds + ROOM
    assert answer.milliseconds <= (time.monotonic() - began) * 1000 + 1
    return answer


def tried(*scripts: Script, limits: Limits = CALM) -> Answer | NoAnswer:
    with receiver(*scripts) as here:
        return sent(here, limits)


@pytest.fixture
def by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name on the certificates leads to this machine."""
    real = socket.getaddrinfo

    def look_up(host: str, *rest: object, **named: object) -> object:
        return real("127.0.0.1" if host == receivers.NAME else host, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


# ---------------------------------------------------------------- what is sent, and what comes back


def test_the_body_arrives_byte_for_byte_with_its_headers() -> None:
    body = bytes(range(256)) * 1000
    with receiver() as here:
        assert isinstance(sent(here, Limits(), body), Answer)
        [got] = here.got
        assert got.body == body
        assert got.line == "POST /hook HTTP/1.1"
        assert got.headers == {
            "host": f"127.0.0.1:{here.port}", "user-agent": "negotiation-tracker", "accept-encoding": "identity",
            "connection": "close", "content-length": "256000", "content-type": "application/json",
            "webhook-id": "msg_1",
        }  # fmt: skip


def test_an_answer_is_kept() -> None:
    answer = tried(
        says(503, "später\r\nmehr\0\x1b[31m", Retry_After="120", Set_Cookie="a=b", Content_Type="text/plain")
    )
    assert isinstance(answer, Answer)
    assert (answer.status, answer.whole) == (503, True)
    assert answer.excerpt == "später\nmehr\ufffd\ufffd[31m"
    assert answer.headers == {"retry-after": "120", "content-type": "text/plain"}


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 299, 300, 304, 400, 404, 410, 418, 429, 500, 503, 599]
)
def test_every_status_is_an_answer(status: int) -> None:
    answer = tried(says(status))
    assert isinstance(answer, Answer)
    assert answer.status == status


def test_nothing_is_remembered_from_one_exchange_to_the_next() -> None:
    with receiver(says(200, Set_Cookie="a=b; Path=/"), says(200)) as here:
        sent(here)
        sent(here)
        assert "cookie" not in here.got[1].headers
        assert here.connections == 2


def test_another_method_may_be_used() -> None:
    with receiver(says(200, "there")) as here:
        answer = exchange("GET", here.url, {}, b"", here.settings)
        assert isinstance(answer, Answer)
        assert (answer.excerpt, here.got[0].line) == ("there", "GET /hook HTTP/1.1")


# ---------------------------------------------------------------- tempers


def test_one_that_asks_to_go_on_is_read_on() -> None:
    answer = tried(
        raw(
            b"HTTP/1.1 100 Continue\r\n\r\n" * 3
            + b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 Fine\r\n\r\nx"
        )
    )
    assert isinstance(answer, Answer)
    assert (answer.status, answer.excerpt) == (200, "x")


def late(answer: Answer | NoAnswer) -> None:
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.sent) == ("late", True)
    assert answer.detail == "no answer came within 0.5 seconds"


def started(answer: Answer | NoAnswer) -> None:
    """It has answered, and the rest did not come in time."""
    cut(answer)
    assert answer.milliseconds >= 500


def limits_for(ends: object) -> Limits:
    return QUICK if ends in (late, started) else CALM


def broken(answer: Answer | NoAnswer) -> None:
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.sent) == ("broken", True)


def cut(answer: Answer | NoAnswer) -> None:
    """It has answered; how it goes on changes nothing."""
    assert isinstance(answer, Answer)
    assert (answer.status, answer.whole) == (200, False)
    assert len(answer.excerpt) <= QUICK.kept_bytes


HEAD = b"HTTP/1.1 200 Fine\r\n"
TEMPERS = {
    "silent": (receivers.falls_silent, late),
    "trickling headers": (receivers.trickles_headers(0.01), late),
    "trickling garbage": (trickles(b"H" * 500, 0.01), late),
    "endless continue": (receivers.ENDLESS_CONTINUE, broken),
    "endless headers": (receivers.ENDLESS_HEADERS, broken),
    "endless line": (receivers.ENDLESS_LINE, broken),
    "huge header": (raw(HEAD + b"X-Huge: " + b"a" * 200_000 + b"\r\n\r\n"), broken),
    "many headers": (raw(HEAD + b"X-Many: a\r\n" * 20_000 + b"\r\n"), broken),
    "reset": (receivers.resets, broken),
    "hung up": (raw(b""), broken),
    "hung up within a line": (raw(b"HTTP/1.1 20"), broken),
    "hung up within headers": (raw(HEAD + b"Content-Le"), broken),
    "garbage": (raw(bytes(range(256)) * 10), broken),
    "another protocol": (raw(b"220 mail.example.org ESMTP\r\n"), broken),
    "HTTP/2": (raw(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d\0\4\0\x10\0\0\0\6\0\0@\0"), broken),
    "HTTP/0.9": (raw(b"<html>hello</html>"), broken),
    "no status": (raw(b"HTTP/1.1\r\n\r\n"), broken),
    "status that is none": (raw(b"HTTP/1.1 2000 OK\r\n\r\n"), broken),
    "header that is none": (raw(HEAD + b"no header\r\n\r\n"), broken),
    "two lengths": (raw(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), broken),
    "length that is none": (raw(HEAD + b"Content-Length: -1\r\n\r\n"), broken),
    "switching protocols": (raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\0\0"), broken),
    "trickling body": (receivers.trickles_body(0.01), started),
    "endless body": (receivers.ENDLESS_BODY, cut),
    "endless chunks": (receivers.ENDLESS_CHUNKS, cut),
    "chunk that is none": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), cut),
    "body shorter than said": (raw(HEAD + b"Content-Length: 100\r\n\r\nabc"), cut),
    "huge length": (raw(HEAD + b"Content-Length: 99999999999999\r\n\r\n" + b"a" * 50_000), cut),
}


@pytest.mark.parametrize(("script", "ends"), TEMPERS.values(), ids=TEMPERS)
def test_it_ends_whatever_the_temper(script: Script, ends: object) -> None:
    assert callable(ends)
    ends(tried(script, limits=limits_for(ends)))


@pytest.mark.parametrize(("script", "ends"), TEMPERS.values(), ids=TEMPERS)
def test_and_over_tls(script: Script, ends: object, by_name: None) -> None:
    assert callable(ends)
    with receiver(script, certificate="good") as here:
        ends(sent(here, limits_for(ends)))


PIECES = [
    HEAD, b"\r\n", b"\0", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1 100 \r\n", b" ", b":",
    b"1\r\na\r\n0\r\n\r\n", b"HTTP/1.0 999 x\r\n", b"\xff\xfe", b"Location: \xe9\r\n",
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES)))
def test_whatever_bytes_come_it_is_a_value(pieces: list[bytes]) -> None:
    answer = tried(raw(b"".join(pieces)))
    shown = answer.excerpt if isinstance(answer, Answer) else answer.detail
    assert all(letter.isprintable() or letter in "\n\t" for letter in shown)


def test_16_kib_are_kept_and_no_more_is_read() -> None:
    took: list[int] = []

    def script(talk: Talk) -> None:
        talk.say(b"HTTP/1.1 200 Fine\r\nContent-Length: 100000000\r\n\r\n")
        with suppress(OSError):
            while not talk.over.is_set():
                talk.say(b"a" * 100_000)
                took.append(100_000)

    answer = tried(script, limits=Limits())
    assert isinstance(answer, Answer)
    assert (answer.excerpt, answer.whole) == ("a" * 16 * 1024, False)
    assert sum(took) < 20_000_000  # what the system holds between the two


def test_an_answer_of_just_that_size_is_whole() -> None:
    answer = tried(says(200, "a" * 16 * 1024))
    assert isinstance(answer, Answer)
    assert (len(answer.excerpt), answer.whole) == (16 * 1024, True)


def test_nothing_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) > 40_000
    answer = tried(raw(HEAD + b"Content-Encoding: gzip\r\n\r\n" + bomb))
    assert isinstance(answer, Answer)
    assert (answer.excerpt, answer.whole) == ("(16384 bytes, encoded as gzip)", False)


def test_one_that_answers_before_it_has_read_all_is_heard() -> None:
    def script(talk: Talk) -> None:
        talk.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        talk.socket.shutdown(socket.SHUT_WR)
        talk.wait(0.1)

    with receiver(script, unread=True) as here:
        answer = sent(here, body=b"x" * 20_000_000)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.excerpt) == (413, "big")


def test_one_that_reads_nothing_is_left() -> None:
    with receiver(receivers.falls_silent, unread=True) as here:
        late(sent(here, QUICK, b"x" * 20_000_000))


# ---------------------------------------------------------------- no connection


def test_nobody_listens() -> None:
    with receiver() as here:
        pass
    answer = sent(here)
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.detail, answer.sent) == (
        "unreachable", "no connection could be made (Connection refused)", False,
    )  # fmt: skip


def test_nobody_takes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        here = Receiver("127.0.0.1", full.getsockname()[1], None, [])
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        answer = sent(here, CONNECT)
        assert isinstance(answer, NoAnswer)
        assert (answer.kind, answer.sent) == ("unreachable", False)
        assert answer.detail == "no connection could be made (timed out)"
        assert answer.milliseconds < 5000, "the limit is that of connecting"
        for one in waiting:
            one.close()


def test_a_look_up_that_hangs_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Event()

    def look_up(*_: object, **__: object) -> list[object]:
        answers.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with receiver() as here:
        answer = sent(here, QUICK)
        answers.set()
        assert isinstance(answer, NoAnswer)
        assert (answer.kind, answer.sent, here.connections) == ("late", False, 0)
        assert answer.detail == "it took too long to look up 127.0.0.1"


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with receiver() as here:
        answer = sent(here)
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.detail) == ("unresolved", "127.0.0.1 has no address")


def test_no_connection_is_left_open(by_name: None) -> None:
    with (
        warnings.catch_warnings(record=True) as told,
        receiver(receivers.resets, says(200), receivers.ENDLESS_BODY, receivers.falls_silent) as here,
        receiver(certificate="expired") as other,
    ):
        warnings.simplefilter("always")
        for one in (here, here, here, here, other):
            sent(one, QUICK)
        sent(other, Limits(connect_seconds=0))  # connected, and no time left for the rest
        gc.collect()
    assert [str(one.message) for one in told] == []


# ---------------------------------------------------------------- encryption


def test_a_good_certificate(by_name: None) -> None:
    with receiver(says(200, "fine"), certificate="good") as here:
        answer = sent(here)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.excerpt, here.got[0].name) == (200, "fine", receivers.NAME)


@pytest.mark.parametrize(
    ("certificate", "says"),
    [
        ("self-signed", "self-signed certificate"),
        ("wrong name", "Hostname mismatch, certificate is not valid for 'hooks.example.org'"),
        ("expired", "certificate has expired"),
    ],
)
def test_a_bad_certificate_is_named_and_nothing_is_sent(
    certificate: Certificate, says: str, by_name: None
) -> None:
    with receiver(certificate=certificate) as here:
        answer = sent(here)
        assert isinstance(answer, NoAnswer)
        assert (answer.kind, answer.sent) == ("certificate", False)
        assert answer.detail.startswith(f"its certificate is not to be trusted: {says}")
        assert here.got == []


def test_an_authority_of_the_tests_is_not_trusted_by_others(by_name: None) -> None:
    with receiver(certificate="good") as here:
        answer = post(here.url, b"{}", {}, here.settings)
        assert isinstance(answer, NoAnswer)
        assert answer.kind == "certificate"


def test_one_that_does_not_encrypt(by_name: None) -> None:
    with receiver(raw(b"HTTP/1.1 400 Bad\r\n\r\n"), unread=True) as here:
        answer = post(here.url.replace("http:", "https:"), b"{}", {}, here.settings)
        assert isinstance(answer, NoAnswer)
        assert (answer.kind, answer.sent) == ("broken", False)
        assert answer.detail == "no encrypted connection can be made (wrong version number)"


@pytest.mark.parametrize(
    "script", [receivers.falls_silent, trickles(b"\x16\x03\x03\x40\x00" + b"a" * 500, 0.01)]
)
def test_one_that_takes_its_time_to_encrypt(script: Script) -> None:
    with receiver(script, unread=True) as here:
        answer = post(here.url.replace("http:", "https:"), b"{}", {}, here.settings, CONNECT)
        assert isinstance(answer, NoAnswer)
        assert (answer.kind, answer.sent) == ("late", False)
        assert answer.milliseconds < 5000, "the limit is that of connecting"


@pytest.mark.parametrize("script", [receivers.resets, raw(b"")])
def test_one_that_hangs_up_before_it_encrypts(script: Script) -> None:
    with receiver(script, unread=True) as here:
        answer = post(here.url.replace("http:", "https:"), b"{}", {}, here.settings)
        assert isinstance(answer, NoAnswer)
        assert answer.kind in ("broken", "unreachable"), "it may have hung up by the time it is connected"
        assert not answer.sent


def test_the_authorities_are_those_of_this_machine() -> None:
    assert outward._trusted().verify_mode == 2  # CERT_REQUIRED
    assert outward._trusted().check_hostname


# ---------------------------------------------------------------- Retry-After

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("999999999", 999_999_999),
        ("Mon, 10 Mar 2025 12:01:00 GMT", 60),
        ("Mon, 10 Mar 2025 12:01:00 -0000", 60),
        ("Mon, 10 Mar 2025 13:01:00 +0100", 60),
        ("Monday, 10-Mar-25 12:01:00 GMT", 60),
        ("Mon, 10 Mar 2025 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("9999999999999", None),
        ("Mon, 99 Mar 2025 12:01:00 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 251_660_779_139),
    ],
)
def test_how_long_it_asks_to_be_left_alone(asked: str, seconds: int | None) -> None:
    answer = Answer(503, 1, "", True, {"retry-after": asked})
    assert asked_to_wait(answer, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text())
def test_however_it_asks(asked: str) -> None:
    wait = asked_to_wait(Answer(503, 1, "", True, {"retry-after": asked}), NOW)
    assert wait is None or wait >= timedelta()


def test_it_does_not_ask() -> None:
    assert asked_to_wait(Answer(503, 1, "", True), NOW) is None
