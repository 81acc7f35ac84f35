"""Runs a relay in the foreground, until it is told to stop."""

import asyncio
import re
import signal

from tracker.delivery.relay import Target, relay
from tracker.domain.errors import invalid
from tracker.log import configure
from tracker.terminal import opening

SCHEMES = ("nats://", "tls://", "ws://", "wss://")


def nats(url: str, stream: str, prefix: str) -> None:
    """Publish the log to NATS JetStream."""
    if "://" in url and not url.startswith(SCHEMES):
        raise invalid(
            "--url", f"--url: {url.partition(':')[0]!r} is none of NATS: write nats://127.0.0.1:4222"
        )
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", stream):
        raise invalid("--stream", f"--stream {stream!r}: give letters, digits, - and _, such as TRACKER")
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", prefix):
        raise invalid(
            "--subject", f"--subject {prefix!r}: give words with dots between, such as tracker.events"
        )
    with opening.to_read() as opened:
        configure(opened.settings)  # it stays, so its log is that of a service
        source = f"{opened.settings.public_url}/v1/events"
        asyncio.run(_until_told(opened, Target(url, stream, prefix, source)))


async def _until_told(opened: opening.Opened, target: Target) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await relay(opened.engine, target, stop)
