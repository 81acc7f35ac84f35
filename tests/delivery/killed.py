"""A worker that kills itself at a step, as kill -9 would: python killed.py URL SMTP_PORT NOW STEP"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from delivery import post

from tracker.delivery import deliveries, dispatch, editions, sender, subscriptions
from tracker.delivery.channels.email import Email
from tracker.settings import MailServer
from tracker.store.engine import open_engine

STEPS: dict[str, tuple[Any, str, str]] = {
    "cut": (editions, "worked_out", "after"),
    "freeze": (editions, "freeze", "after"),
    "insert deliveries": (deliveries, "queue", "after"),
    "advance": (subscriptions, "advance", "after"),
    "committed": (sender, "send_due", "before"),
    "lease": (deliveries, "claim", "after"),
    "render": (sender, "_attempt", "before"),
    "connect": (Email, "exchange", "before"),
    "after data": (Email, "exchange", "after"),
    "mark": (deliveries, "settle", "after"),
    "marked": (sender, "send_due", "after"),
}
"""Where it dies: before or after which function."""


def deadly(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def wrapped(*given: Any, **named: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        function(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


if __name__ == "__main__":
    url, port, now, step = sys.argv[1:]
    if step in STEPS:
        where, name, when = STEPS[step]
        setattr(where, name, deadly(getattr(where, name), when))
    engine, at = open_engine(url), datetime.fromisoformat(now)
    dispatch.cut_due(engine, at)
    sender.send_due(engine, post.settings(MailServer("127.0.0.1", int(port), tls=False)), lambda: at)
