"""Who sent a webhook, and that it is whole: the headers of Standard Webhooks (standardwebhooks.com, version 1).

The signature is an HMAC-SHA256 over id, time and body. While a secret is being changed there is one by each, the newest
first, and a receiver takes whichever it can verify.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from math import floor
from secrets import token_bytes

from standardwebhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64: what a receiver verifies with."""
    return f"whsec_{b64encode(token_bytes(SECRET_BYTES)).decode()}"


def headers(id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """For one attempt. ``id``: of the message, without dots, the same over all attempts; ``at``: of the attempt, with a
    zone; ``body``: the very bytes that are sent, UTF-8; ``secrets``: at least one."""
    assert secrets, "an unsigned message cannot be told from anybody's"
    at = at.astimezone(UTC)  # the library takes the time on the clock for UTC, whatever the zone
    text = body.decode()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(floor(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id, at, text) for secret in secrets),
    }
