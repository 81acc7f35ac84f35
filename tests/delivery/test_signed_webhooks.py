"""A receiver can tell that a message is ours and whole, with the library that it already has."""

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest
from delivery.receiver import receiver
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from tracker.delivery.endpoints import new_secret
from tracker.delivery.outward import Answer, post
from tracker.delivery.signing import headers

BODY = '{"partner": "Türkiye"}'.encode()


def now() -> datetime:
    return datetime.now(UTC)  # the library compares with the clock of the machine


def test_it_is_signed_as_the_standard_shows() -> None:
    """The example of the reference implementation, which others verify against, too."""
    signed = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime(2021, 2, 25, 15, 2, 10, tzinfo=UTC), b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )  # fmt: skip
    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.text(), st.integers(0, 4_000_000_000), st.integers(0, 999_999), st.timezones())
def test_it_is_what_the_standard_says_at_any_time_in_any_zone(
    text: str, seconds: int, microseconds: int, zone: tzinfo
) -> None:
    secret = new_secret()
    at = datetime.fromtimestamp(seconds, zone).replace(microsecond=microseconds)
    signed = headers("msg_1", at, text.encode(), [secret])
    content = f"msg_1.{seconds}.".encode() + text.encode()
    made = hmac.digest(b64decode(secret.removeprefix("whsec_")), content, sha256)
    assert signed["webhook-timestamp"] == str(seconds)
    assert signed["webhook-signature"] == f"v1,{b64encode(made).decode()}"


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/New_York"), timezone(timedelta(hours=14))])
def test_the_library_of_the_receiver_verifies_it(zone: ZoneInfo) -> None:
    secret = new_secret()
    signed = headers("msg_1", now().astimezone(zone), BODY, [secret])
    assert Webhook(secret).verify(BODY, signed) == {"partner": "Türkiye"}


def test_while_a_secret_is_changed_both_verify() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    signed = headers("msg_1", now(), BODY, [new, old])
    assert len(signed["webhook-signature"].split(" ")) == 2
    Webhook(new).verify(BODY, signed)
    Webhook(old).verify(BODY, signed)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(other).verify(BODY, signed)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(now().timestamp()) + 3)},
        {"webhook-signature": "v1," + "A" * 43 + "="},
    ],
)
def test_what_was_changed_on_the_way_does_not_verify(change: dict[str, str]) -> None:
    secret = new_secret()
    signed = headers("msg_1", now(), BODY, [secret])
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, signed | change)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", signed)


def test_an_old_attempt_is_not_taken_again() -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers("msg_1", now() - timedelta(minutes=6), BODY, [secret]))


def test_secrets_are_256_bits_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in made} == {32}


def test_what_arrives_verifies() -> None:
    secret = new_secret()
    with receiver() as here:
        assert isinstance(
            post(here.url, BODY, headers("msg_1", now(), BODY, [secret]), here.settings), Answer
        )
        Webhook(secret).verify(here.got[0].body, here.got[0].headers)
