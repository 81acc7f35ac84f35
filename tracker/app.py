"""The web application, put together: the one place that knows all of it."""

import asyncio
import errno
import gc
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog
import uvicorn
from litestar import Litestar
from litestar.concurrency import set_asyncio_executor
from litestar.datastructures import State
from litestar.di import Provide
from sqlalchemy import Engine

from tracker.settings import Settings, SettingsError
from tracker.store.clock import Clock, open_clock
from tracker.store.engine import open_engine
from tracker.web import api, assets, pages
from tracker.web.envelope import envelope
from tracker.web.errors import HANDLERS
from tracker.web.pages import errors
from tracker.web.remembered import Remembered
from tracker.web.security import reader
from tracker.web.streaming import Streams

log = structlog.get_logger()

LARGEST_BODY = 1_000_000
UNREAD_MILLISECONDS = 60_000


def create_app(settings: Settings, engine: Engine | None = None, clock: Clock | None = None) -> Litestar:
    """The application over a database; nothing is migrated here, /readyz says where that is missing."""
    engine = engine or open_engine(
        settings.database_url.render_as_string(hide_password=False), settings.threads
    )
    clock = clock or patient_clock(engine, settings.clock)
    known = {"engine": engine, "clock": clock, "settings": settings}
    remembered = Remembered(engine, clock) if settings.reading == "open" else None
    app = Litestar(
        [*api.ROUTES, *pages.ROUTES, *assets.ROUTES],
        dependencies={name: given(value) for name, value in known.items()},
        exception_handlers=HANDLERS,
        guards=[reader] if settings.reading == "closed" else [],
        logging_config=None,
        openapi_config=None,
        request_max_body_size=LARGEST_BODY,
        state=State(
            {**known, "remembered": remembered, "error_page": errors.page, "streams": Streams(engine)}
        ),
    )
    app.asgi_handler = envelope(app.asgi_handler, remembered)
    return app


def given(value: object) -> Provide:
    """A dependency that is there already."""
    return Provide(lambda: value, sync_to_thread=False)


def patient_clock(engine: Engine, wanted: datetime | None) -> Clock:
    """The database's clock, opened when first asked: the application starts before its database does."""
    opened: list[Clock] = []

    def clock() -> datetime:
        if not opened:
            opened.append(open_clock(engine, wanted))
        return opened[0]()

    return clock


def run(
    settings: Settings,
    listening: Callable[[], None] = lambda: None,
    engine: Engine | None = None,
    clock: Clock | None = None,
) -> None:
    """Serve until told to stop. ``listening`` is called once the port is ours; SettingsError where it is not.
    ``engine`` and ``clock``: those that this process has open already."""
    listener = listen(settings)
    set_asyncio_executor(ThreadPoolExecutor(settings.threads, thread_name_prefix="request"))
    config = uvicorn.Config(
        create_app(settings, engine, clock),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    listening()
    gc.freeze()  # what is loaded by now is never garbage: collections need not look through it
    Server(config).run(sockets=[listener])


class Server(uvicorn.Server):
    """Ends open streams before it waits for the last answers, or it would wait for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.streams.close()  # type: ignore[union-attr]
        cutting_off = asyncio.create_task(self._cut_off())
        await super().shutdown(sockets)
        cutting_off.cancel()

    async def _cut_off(self) -> None:
        """Drop who for two seconds takes nothing of what was sent, and so would not see the end either."""
        unsent: dict[asyncio.Transport, int] = {}
        while True:
            before, unsent = unsent, dict(self._unsent())
            for transport, size in unsent.items():
                if before.get(transport) == size:
                    transport.abort()
            await asyncio.sleep(2)

    def _unsent(self) -> Iterator[tuple[asyncio.Transport, int]]:
        for connection in self.server_state.connections:
            if size := connection.transport.get_write_buffer_size():
                yield connection.transport, size


def listen(settings: Settings) -> socket.socket:
    """A socket on the host and port of the settings."""
    try:
        return bound(settings.host, settings.port)
    except OSError as error:
        where = f"TRACKER_HOST={settings.host} TRACKER_PORT={settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"{where}: another program listens there; stop it or choose another port"
            ) from None
        raise SettingsError(f"{where}: cannot listen there ({error.strerror})") from None


def bound(host: str, port: int) -> socket.socket:
    """A listening socket. It is named as TCP: asyncio sends at once (TCP_NODELAY) only on such; on others a small
    answer on a kept connection waits 40 ms."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: who reads nothing for so long is cut off
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MILLISECONDS)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
