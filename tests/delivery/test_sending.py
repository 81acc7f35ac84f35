"""Sending: what a mail server says decides what becomes of a delivery, and nothing is lost when a worker is."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from threading import Barrier, Event, Thread

import pytest
from delivery import post
from delivery.post import MORNING, Server, World
from sqlalchemy import Connection

from tracker.delivery import deliveries, dispatch, enrolment, sender
from tracker.delivery.channels.email import Email
from tracker.delivery.deliveries import LEASE, Delivery, Outcome
from tracker.delivery.retry import delay
from tracker.settings import MailServer, Settings
from tracker.store.engine import open_engine, reading, writing

DELAYS = Email.delays
IMPATIENT = Email(answer_seconds=0.5, exchange_seconds=3)
BRIEF = Email(answer_seconds=0.5, exchange_seconds=1)


@pytest.fixture
def due(world: World) -> World:
    """A world with one mail to send."""
    world.subscribe()
    world.rate(30)
    world.clock.now = MORNING
    dispatch.cut_due(world.engine, world.clock())
    return world


def send(world: World, settings: Settings, at_once: int = sender.AT_ONCE) -> int:
    return sender.send_due(world.engine, settings, world.clock, channels=[IMPATIENT], at_once=at_once)


def delivery(world: World) -> Delivery:
    with reading(world.engine) as connection:
        return delivery_of(connection)


def delivery_of(connection: Connection) -> Delivery:
    (found,) = deliveries.listed(connection)
    return found


def tries(world: World) -> list[tuple[int, str | None, int | None, str | None]]:
    with reading(world.engine) as connection:
        found = deliveries.attempts_of(connection, delivery(world).id)
    return [(one.number, one.outcome, one.code, one.answer) for one in found]


def test_what_the_server_takes_is_accepted_and_sent_once(due: World, server: Server) -> None:
    assert send(due, server.settings) == 1
    assert send(due, server.settings) == 0
    assert [mail["Subject"] for mail in server.mails] == ["Trade talks, 10 Mar: 1 change of state (MX)"]
    assert delivery(due).state == "accepted"
    assert deliveries.standing(delivery(due)) == "accepted"
    assert tries(due) == [(1, "accepted", 250, "Taken")]


def test_a_passing_refusal_is_tried_again_from_the_database(due: World, server: Server) -> None:
    server.recipient_answers = ["451 Greylisted, come back later"]
    send(due, server.settings)
    put_off = delivery(due)
    assert (put_off.state, put_off.attempts) == ("deferred", 1)
    assert put_off.next_attempt_at is not None
    assert timedelta(minutes=4) <= put_off.next_attempt_at - MORNING <= timedelta(minutes=6)
    assert send(due, server.settings) == 0
    due.clock.forward(minutes=6)
    restarted = World(open_engine(due.engine.url.render_as_string(hide_password=False)), due.clock)
    assert send(restarted, server.settings) == 1
    restarted.engine.dispose()
    assert tries(due) == [
        (1, "deferred", 451, "Greylisted, come back later"), (2, "accepted", 250, "Taken"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "temper",
    [("recipient_answers", "550 No such user"), ("data_answers", "554 Not wanted")],
    ids=["recipient", "data"],
)
def test_a_final_refusal_is_final(due: World, temper: tuple[str, str]) -> None:
    with post.mail_server(**{temper[0]: [temper[1]]}) as server:
        send(due, server.settings)
        due.clock.forward(days=7)
        assert send(due, server.settings) == 0
        assert server.mails == []
    assert (delivery(due).state, delivery(due).next_attempt_at) == ("rejected", None)
    assert deliveries.standing(delivery(due)) == "rejected for good"


def test_a_server_that_hangs_up_after_the_mail_may_have_taken_it(due: World, server: Server) -> None:
    server.data_answers = ["drop"]
    send(due, server.settings)
    assert delivery(due).state == "unknown"
    due.clock.forward(minutes=6)
    send(due, server.settings)
    assert delivery(due).state == "accepted"
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert server.raw[0] == server.raw[1]


def test_whatever_a_server_says_can_be_kept_and_shown(due: World, server: Server) -> None:
    """PostgreSQL takes no NUL; a terminal obeys what begins with ESC."""
    server.recipient_answers = ["451 \x00\x1b[2JLater"]
    send(due, server.settings)
    assert tries(due) == [(1, "deferred", 451, "\ufffd\ufffd[2JLater")]


def test_a_server_that_says_nothing_is_left_after_a_while(due: World, server: Server) -> None:
    server.recipient_answers = ["hang"]
    send(due, server.settings)
    assert delivery(due).state == "deferred"
    assert "timed out" in str(tries(due)[0][3])


@contextmanager
def trickling() -> Iterator[int]:
    """A server that sends a byte of its greeting now and then, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def serve() -> None:
        connection, _ = listener.accept()
        connections.append(connection)
        try:
            while True:
                connection.sendall(b"2")
                connection.settimeout(0.1)
                try:
                    if not connection.recv(1):
                        return
                except TimeoutError:
                    pass
        except OSError:
            return

    thread = Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(10)
    for connection in connections:
        connection.close()
    listener.close()


def test_a_server_whose_answer_trickles_is_left_after_a_while(due: World) -> None:
    with trickling() as port:
        settings = post.settings(MailServer("127.0.0.1", port, tls=False))
        sender.send_due(due.engine, settings, due.clock, channels=[BRIEF])
    assert delivery(due).state == "deferred"


def test_while_no_server_answers_the_others_wait_untried(due: World) -> None:
    due.subscribe("other@example.org")
    due.clock.forward(days=1)
    due.rate(40)
    due.clock.forward(days=1)
    dispatch.cut_due(due.engine, due.clock())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert send(due, post.settings(MailServer("127.0.0.1", port, tls=False)), at_once=1) == 1
    with reading(due.engine) as connection:
        assert sorted(one.attempts for one in deliveries.listed(connection)) == [0, 0, 1]


def test_without_a_mail_server_everything_waits_and_says_why(due: World) -> None:
    assert send(due, post.settings()) == 0
    why = sender.unready(post.settings())["email"]
    assert deliveries.standing(delivery(due), why) == "pending: no mail server set (TRACKER_SMTP_URL)"


def a_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "a@example.org", "b@example.org"
    mail.set_content(".\n..\nA line that begins with dots")
    return mail


def test_a_password_is_not_sent_in_the_clear_to_another_host() -> None:
    with post.mail_server(host="127.0.0.2") as server:
        remote = MailServer("127.0.0.2", server.port, tls=False, user="u", password="p")
        outcome = IMPATIENT.exchange(a_mail(), remote)
    assert (outcome.result, outcome.reached, server.mails) == ("deferred", False, [])
    assert "the password is not sent in the clear" in outcome.answer


def test_lines_that_begin_with_dots_arrive_as_they_were(server: Server) -> None:
    IMPATIENT.exchange(a_mail(), MailServer("127.0.0.1", server.port, tls=False))
    assert server.mails[0].get_content().splitlines() == [".", "..", "A line that begins with dots"]


def test_after_two_days_it_is_given_up(due: World, server: Server) -> None:
    server.recipient_answers = ["451 Later"] * 20
    while True:
        send(due, server.settings)
        if (again := delivery(due).next_attempt_at) is None:
            break
        due.clock.now = again
    assert delivery(due).attempts == len(DELAYS) + 1
    assert timedelta(days=2) < due.clock.now - MORNING < timedelta(days=3)
    assert deliveries.standing(delivery(due)) == "given up after 10 attempts"


def test_delays_grow_and_differ_from_delivery_to_delivery() -> None:
    found = [delay(DELAYS, attempt, "a") for attempt in range(1, len(DELAYS) + 2)]
    assert found[-1] is None
    kept = [one for one in found if one is not None]
    assert kept == sorted(kept)
    assert all(abs(one / planned - 1) <= 0.2 for one, planned in zip(kept, DELAYS, strict=True))
    assert delay(DELAYS, 1, "a") == delay(DELAYS, 1, "a") != delay(DELAYS, 1, "b")


def test_a_worker_that_lost_its_lease_cannot_write_its_result(due: World) -> None:
    with writing(due.engine) as connection:
        slow = deliveries.claim(connection, due.clock(), ["email"])
        assert slow is not None
        assert deliveries.claim(connection, due.clock(), ["email"]) is None
    due.clock.forward(seconds=LEASE.total_seconds())
    with writing(due.engine) as connection:
        quick = deliveries.claim(connection, due.clock(), ["email"])
        assert quick is not None
        assert (
            deliveries.settle(connection, slow, Outcome("rejected", "too late", 550), DELAYS, due.clock())
            is None
        )
        assert (
            deliveries.settle(connection, quick, Outcome("accepted", "fine", 250), DELAYS, due.clock())
            == "accepted"
        )
        assert (
            deliveries.settle(connection, slow, Outcome("rejected", "too late", 550), DELAYS, due.clock())
            is None
        )
    assert delivery(due).state == "accepted"
    assert [(number, outcome) for number, outcome, _, _ in tries(due)] == [(1, None), (2, "accepted")]


class HeldUp(Email):
    """Stops before each exchange until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = Event(), Event()

    def exchange(self, mail: EmailMessage, server: MailServer) -> Outcome:
        self.begun.set()
        self.go_on.wait(20)
        return super().exchange(mail, server)


def test_a_sender_that_is_held_up_past_its_lease_sends_the_same_mail_and_writes_nothing(
    due: World, server: Server
) -> None:
    held_up = HeldUp()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(sender.send_due, due.engine, server.settings, due.clock, channels=[held_up])
        assert held_up.begun.wait(20)
        due.clock.forward(seconds=LEASE.total_seconds())
        assert send(due, server.settings) == 1
        written = (delivery(due), tries(due))
        held_up.go_on.set()
        assert slow.result(20) == 1
    assert (delivery(due), tries(due)) == written
    assert [(number, outcome) for number, outcome, _, _ in tries(due)] == [(1, None), (2, "accepted")]
    assert server.raw[0] == server.raw[1]
    assert len({mail["Message-ID"] for mail in server.mails}) == 1


def test_what_one_is_sending_it_does_not_take_up_again_when_its_lease_runs_out(
    due: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.02)
    held_up = HeldUp()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(sender.send_due, due.engine, server.settings, due.clock, channels=[held_up])
        assert held_up.begun.wait(20)
        due.clock.forward(seconds=LEASE.total_seconds())
        time.sleep(0.5)
        held_up.go_on.set()
        assert slow.result(20) == 1
    assert [(number, outcome) for number, outcome, _, _ in tries(due)] == [(1, "accepted")]
    assert len(server.mails) == 1


def test_what_takes_its_worker_down_each_time_is_given_up(due: World, server: Server) -> None:
    for _ in range(50):
        with writing(due.engine) as connection:
            deliveries.claim(connection, due.clock(), ["email"])  # and nothing more is heard of it
        due.clock.forward(seconds=LEASE.total_seconds())
    assert deliveries.standing(delivery(due)) == "given up after 20 attempts"
    with writing(due.engine) as connection:
        deliveries.again(connection, delivery(due).id, due.clock())
    assert send(due, server.settings) == 1
    assert delivery(due).state == "accepted"


def test_any_number_of_workers_send_each_mail_once(world: World, server: Server) -> None:
    for number in range(12):
        world.subscribe(f"reader-{number}@example.org")
    world.rate(30)
    world.clock.now = MORNING
    dispatch.cut_due(world.engine, world.clock())
    engines = [open_engine(world.engine.url.render_as_string(hide_password=False)) for _ in range(3)]
    ready = Barrier(len(engines))

    def worker(number: int) -> int:
        ready.wait()
        return sender.send_due(engines[number], server.settings, world.clock)

    with ThreadPoolExecutor(len(engines)) as pool:
        assert sum(pool.map(worker, range(len(engines)))) == 12
    for engine in engines:
        engine.dispose()
    assert sorted(str(mail["To"]) for mail in server.mails) == sorted(
        f"reader-{number}@example.org" for number in range(12)
    )


def test_the_next_mail_refers_to_the_one_before(due: World, server: Server) -> None:
    send(due, server.settings)
    due.clock.forward(hours=1)
    due.rate(45)
    due.clock.forward(days=1)
    dispatch.cut_due(due.engine, due.clock())
    send(due, server.settings)
    first, second = server.mails
    assert first["References"] is None
    assert second["References"] == first["Message-ID"] != second["Message-ID"]


def test_who_stops_while_a_mail_is_being_sent_is_not_sent_another(due: World, server: Server) -> None:
    with writing(due.engine) as connection:
        held = deliveries.claim(connection, due.clock(), ["email"])
        assert held is not None
        enrolment.stop(connection, delivery_of(connection).subscription)
        assert (
            deliveries.settle(connection, held, Outcome("deferred", "later", 451), DELAYS, due.clock())
            is None
        )
    due.clock.forward(days=1)
    assert send(due, server.settings) == 0
    assert (delivery(due).recipient, delivery(due).state) == ("", "unknown")
