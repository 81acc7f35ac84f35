"""A relay that kills itself at a step, as kill -9 would: python killed.py URL NATS_URL STEP AFTER

STEP: ``sent`` (messages are out, nothing is known of them), ``taken`` (the stream has them, the checkpoint does not say
so) or ``kept``; AFTER: so many pages.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from tests.relay.jetstream import PREFIX, STREAM
from tracker.delivery import relay
from tracker.store.engine import open_engine

if __name__ == "__main__":
    url, nats_url, step, after = sys.argv[1:]
    left = [int(after)]
    relay.PAGE = 7

    def die() -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    send, keep = relay.Mirror._send, relay.Mirror._keep

    async def sending(mirror: relay.Mirror, event: Any) -> Any:
        sent = await send(mirror, event)
        if step == "sent" and event.position % 7 == 3:
            await mirror._jetstream._nc.flush()
            die()
        return sent

    def keeping(mirror: relay.Mirror) -> None:
        if step == "taken":
            die()
        keep(mirror)
        if step == "kept":
            die()

    relay.Mirror._send, relay.Mirror._keep = sending, keeping  # type: ignore[method-assign]
    target = relay.Target(nats_url, STREAM, PREFIX, "http://tracker.example/v1/events")
    asyncio.run(relay.relay(open_engine(url), target, asyncio.Event()))
