"""Who sent a webhook, and that it is whole: the headers of Standard Webhooks (standardwebhooks.com, version 1).

The signature is an HMAC-SHA256 over id, time and body. While a secret is being changed there is one by each, the newest
first, and a receiver takes whichever it can verify.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import floor

from standardwebhooks import Webhook


def headers(id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """For one attempt. ``id``: of the message, without dots, the same over all attempts; ``at``: of the attempt, with a
    zone; ``body``: the very bytes that are sent, UTF-8; ``secrets``: ``whsec_`` and base64, at least one."""
    assert secrets, "nobody could tell it from a message of somebody else"
    at = at.astimezone(UTC)  # the library takes the time on the clock for UTC, whatever the zone
    text = body.decode()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(floor(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id, at, text) for secret in secrets),
    }
