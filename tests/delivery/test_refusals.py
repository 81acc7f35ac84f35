"""What a mail server says at any step, and what is made of it: nothing is given up for what is no fault of the mail."""

import datetime as dt
import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from delivery import post
from delivery.post import MORNING, Server, World

from tracker.delivery import dispatch, sender, subscriptions
from tracker.delivery.channels.email import Email
from tracker.delivery.deliveries import Outcome
from tracker.delivery.refusals import enhanced, nobody_there
from tracker.delivery.subscriptions import Subscription
from tracker.settings import MailServer
from tracker.store.engine import reading

IMPATIENT = Email(answer_seconds=0.5, exchange_seconds=3, taking_seconds=0.5)
LATER, NEVER = "deferred", "rejected"


def a_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "a@example.org", "b@example.org"
    mail.set_content("Hello")
    return mail


def sent(server: Server, channel: Email = IMPATIENT, tls: bool = False) -> Outcome:
    return channel.exchange(a_mail(), MailServer("127.0.0.1", server.port, tls=tls))


@pytest.mark.parametrize(
    ("step", "answer", "result", "reached"),
    [
        ("sender_answers", "451 4.7.1 Too many mails today", LATER, False),
        ("sender_answers", "550 5.7.1 Sender not allowed", LATER, False),
        ("sender_answers", "530 5.7.0 Authentication required", LATER, False),
        ("recipient_answers", "450 4.2.0 Greylisted, try again", LATER, True),
        ("recipient_answers", "452 4.2.2 Mailbox full", LATER, True),
        ("recipient_answers", "421 4.3.2 Shutting down", LATER, False),
        ("recipient_answers", "550 5.1.1 No such user", NEVER, True),
        ("recipient_answers", "552 5.2.2 Mailbox full", NEVER, True),
        ("data_answers", "451 4.3.0 Try later", LATER, True),
        ("data_answers", "421 4.3.2 Shutting down", LATER, False),
        ("data_answers", "552 5.3.4 Too large", NEVER, True),
        ("data_answers", "554 5.7.1 Taken for spam", NEVER, True),
    ],
)
def test_a_refusal_is_kept_with_its_codes(step: str, answer: str, result: str, reached: bool) -> None:
    with post.mail_server(**{step: [answer]}) as server:
        outcome = sent(server)
        assert server.mails == []
        assert sent(server).result == "accepted"
    code, _, said = answer.partition(" ")
    assert (outcome.result, outcome.code, outcome.answer) == (result, int(code), said)
    assert outcome.reached is reached


def test_a_server_that_hangs_after_the_mail_may_have_taken_it(server: Server) -> None:
    server.data_answers = ["hang"]
    outcome = sent(server)
    assert (outcome.result, outcome.code) == ("unknown", None)
    assert outcome.answer.startswith("no answer after the mail was handed over")


def test_a_server_may_look_through_a_mail_for_longer_than_it_answers(server: Server) -> None:
    server.data_answers = ["hang"]
    patient = Email(answer_seconds=0.5, exchange_seconds=5, taking_seconds=4)
    assert sent(server, patient).answer == "Taken at last"


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What a server offers whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("tls", [True, False], ids=["smtps", "starttls"])
def test_a_server_that_cannot_say_who_it_is_gets_no_mail(self_signed: ssl.SSLContext, tls: bool) -> None:
    with post.mail_server(**{"tls" if tls else "starttls": self_signed}) as server:
        outcome = sent(server, tls=tls)
        assert server.mails == []
    assert (outcome.result, outcome.reached) == ("deferred", False)
    assert "certificate verify failed: " in outcome.answer


def test_tls_where_there_is_none_is_put_off(server: Server) -> None:
    outcome = sent(server, tls=True)
    assert (outcome.result, outcome.reached, server.mails) == ("deferred", False, [])


# ---------------------------------------------------------------- addresses at which nobody is


@pytest.mark.parametrize(
    ("code", "answer", "gone"),
    [
        (550, "5.1.1 <b@example.org>: Recipient address rejected: User unknown", True),
        (550, "5.1.10 Recipient not found", True),
        (556, "5.1.10 Domain does not take mail", True),
        (550, "5.4.1 Recipient address rejected: Access denied", True),
        (550, "5.2.1 The account is disabled", True),
        (550, "No such user here", True),
        (553, "Not our domain", True),
        (450, "4.1.1 User unknown for now", False),
        (552, "5.2.2 Mailbox full", False),
        (550, "5.7.1 Message refused as spam", False),
        (554, "5.7.26 Not authenticated", False),
        (554, "Transaction failed", False),
        (552, "5.3.4 Too large", False),
        (None, "ConnectionRefusedError: nobody listens", False),
    ],
)
def test_whether_anybody_is_there(code: int | None, answer: str, gone: bool) -> None:
    assert nobody_there(code, answer) is gone


def test_the_enhanced_code_of_an_answer() -> None:
    assert enhanced("5.1.1 No such user") == "5.1.1"
    assert enhanced("No such user 5.1.1") is None
    assert enhanced("15.1.1 version") is None


def refused(world: World, server: Server, answer: str, days: int) -> Subscription:
    """A subscription all of whose digests were refused, one a morning."""
    made = world.subscribe()
    for day in range(days):
        world.rate(30 + day)
        world.clock.now = MORNING + dt.timedelta(days=day)
        dispatch.cut_due(world.engine, world.clock())
        server.recipient_answers = [answer]
        sender.send_due(world.engine, server.settings, world.clock, channels=[IMPATIENT])
        world.clock.forward(hours=1)
    with reading(world.engine) as connection:
        return subscriptions.get(connection, made.id)


def test_two_refusals_may_be_a_mistake_of_theirs(small_world: World, server: Server) -> None:
    assert refused(small_world, server, "550 5.1.1 No such user", 2).halted_at is None


def test_nothing_more_is_sent_to_where_nobody_is(small_world: World, server: Server) -> None:
    found = refused(small_world, server, "550 5.1.1 No such user", 3)
    assert found.halted_because == "nobody is there: 3 messages in a row were refused, the last with 550"


def test_a_mail_that_is_taken_for_spam_does_not_end_a_subscription_so_soon(
    small_world: World, server: Server
) -> None:
    assert refused(small_world, server, "554 5.7.1 Taken for spam", 4).halted_at is None
