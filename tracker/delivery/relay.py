"""The log, published to a stream of NATS JetStream, where any number of programs can follow it.

The stream is a mirror of the log: the event at position 7 is the message with sequence 7, and is sent on condition that
the last one is 6. So the stream itself says how far it has come, whatever a relay remembered when it was killed and
however long ago that was, and of several relays that run at once each message is taken from one. The checkpoint in
our database is for people: it tells how far behind the stream is.

Each message is a CloudEvent 1.0 in structured form.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from nats import errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import PubAck, StreamConfig, StreamInfo
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker.domain.errors import Refused
from tracker.store import followers
from tracker.store import log as kept
from tracker.store.engine import reading, writing
from tracker.store.following import Following
from tracker.store.log import StoredEvent

log = structlog.get_logger()

PAGE = 200
"""Messages under way at once."""
DUPLICATES_SECONDS = 600
PATIENCE_SECONDS = 10
AGAIN_SECONDS = 1.0
NO_JETSTREAM = (10039, 10076)
PASSING = (errors.Error, SQLAlchemyError, OSError, TimeoutError)
"""What goes by: servers that restart, a broken connection. It is tried again."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the log goes. ``prefix``: what subjects begin with; ``source``: of the CloudEvents, our address."""

    url: str = field(repr=False)  # it may hold a password
    stream: str
    prefix: str
    source: str


async def relay(engine: Engine, target: Target, stop: asyncio.Event) -> None:
    """Publish what the log holds and whatever is added, until told to stop. Refused where that cannot be: no server,
    no JetStream, a stream of somebody else's."""
    loop, ends = asyncio.get_running_loop(), asyncio.Event()
    client = await connected(target)
    following = Following(engine, lambda _: _set(loop, ends))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        mirror = Mirror(engine, client, target)
        try:
            await mirror.look()
        except PASSING as error:
            raise Refused(
                "busy", f"the NATS server or the database does not answer ({error}): try again"
            ) from error
        while not stop.is_set():
            ends.clear()
            await mirror.catch_up(stop)
            woken = asyncio.ensure_future(ends.wait())
            await asyncio.wait({woken, stopping}, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()
    finally:
        stopping.cancel()
        following.stop()
        await client.close()


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


async def connected(target: Target) -> Client:
    """A connection that comes back by itself. That it is lost is told of one that was there, and is still wanted."""
    client, there = Client(), asyncio.Event()

    async def lost() -> None:
        if there.is_set() and not client.is_closed:
            log.info("nats_lost")

    connecting = client.connect(
        target.url, name="negotiation-tracker", max_reconnect_attempts=-1, reconnect_time_wait=1,
        error_cb=_told, disconnected_cb=lost, reconnected_cb=_back,
    )  # fmt: skip
    try:
        await asyncio.wait_for(connecting, PATIENCE_SECONDS)
    except (*PASSING, ValueError) as error:
        await client.close()
        raise Refused(
            "busy",
            f"no NATS server can be spoken to at --url ({type(error).__name__}): start it, or check the URL",
        ) from None
    there.set()
    return client


async def _told(error: Exception) -> None:
    log.debug("nats_error", error=type(error).__name__)


async def _back() -> None:
    log.info("nats_back")


class Mirror:
    """The stream, and how far it has come."""

    def __init__(self, engine: Engine, client: Client, target: Target) -> None:
        self._engine, self._target = engine, target
        self._jetstream: JetStreamContext = client.jetstream()
        self._name = f"nats:{target.stream}"[:120]
        self._reached = 0

    async def look(self) -> None:
        """See where the stream ends, and that it is one of ours; make it where there is none."""
        info = await self._stream()
        subjects = info.config.subjects or []
        if f"{self._target.prefix}.>" not in subjects:
            raise self._foreign(f"it takes the subjects {', '.join(subjects)}, not {self._target.prefix}.>")
        self._reached = info.state.last_seq
        end, event = await asyncio.to_thread(self._at, self._reached)
        if self._reached > end:
            raise self._foreign(f"it has {self._reached} messages, while this log ends at {end}")
        if event and info.state.messages and await self._last_id() not in (event.id, None):
            raise self._foreign(f"its message {self._reached} is not the event at that position")
        await asyncio.to_thread(self._note)
        log.info("relaying", stream=self._target.stream, position=self._reached, behind=end - self._reached)

    async def catch_up(self, stop: asyncio.Event) -> None:
        """Publish up to the end of the log. What goes wrong in passing is told once and tried again."""
        failing = False
        while not stop.is_set():
            try:
                if not (page := await asyncio.to_thread(self._page)):
                    return
                await self._publish(page)
                failing = False
            except PASSING as error:
                if not failing:
                    log.warning("relay_waits", error=str(error) or type(error).__name__)
                failing = True
                await asyncio.sleep(AGAIN_SECONDS)
                await self._look_again()

    async def _look_again(self) -> None:
        try:
            await self.look()
        except PASSING:
            log.debug("relay_still_waits")

    async def _stream(self) -> StreamInfo:
        """The stream, made where there is none."""
        try:
            try:
                return await self._jetstream.stream_info(self._target.stream)
            except NotFoundError:
                config = StreamConfig(
                    name=self._target.stream, subjects=[f"{self._target.prefix}.>"],
                    description="The log of a negotiation tracker: sequences are its positions",
                    duplicate_window=DUPLICATES_SECONDS, allow_direct=True,
                )  # fmt: skip
                return await self._jetstream.add_stream(config)
        except APIError as error:
            if isinstance(error, ServiceUnavailableError) or error.err_code in NO_JETSTREAM:
                raise Refused(
                    "conflict", "this NATS server has no JetStream: start it with --jetstream (-js), or enable it for "
                    "this account",
                ) from None  # fmt: skip
            raise

    async def _last_id(self) -> str | None:
        """Of which event the last message is; None where it was removed, '' where it is none."""
        try:
            last = await self._jetstream.get_msg(self._target.stream, seq=self._reached)
        except NotFoundError:
            return None
        return str((last.headers or {}).get("Nats-Msg-Id", ""))

    def _at(self, position: int) -> tuple[int, StoredEvent | None]:
        with reading(self._engine) as connection:
            return kept.position(connection), kept.at_positions(connection, [position]).get(position)

    def _page(self) -> Sequence[StoredEvent]:
        with reading(self._engine) as connection:
            return kept.after(connection, self._reached, kept.ENDLESS, PAGE)

    async def _publish(self, page: Sequence[StoredEvent]) -> None:
        """Send a page, each message on condition that the one before has arrived, and wait for all."""
        sent = [await self._send(event) for event in page]
        acks = await asyncio.wait_for(asyncio.gather(*sent, return_exceptions=True), PATIENCE_SECONDS)
        for event, ack in zip(page, acks, strict=True):
            if isinstance(ack, BaseException):
                raise ack
            if ack.seq != event.position:
                raise self._foreign(f"it gave the event at position {event.position} the sequence {ack.seq}")
            self._reached = event.position
        await asyncio.to_thread(self._keep)

    async def _send(self, event: StoredEvent) -> "asyncio.Future[PubAck]":
        headers = {
            "Nats-Msg-Id": event.id,
            "Nats-Expected-Stream": self._target.stream,
            "Nats-Expected-Last-Sequence": str(event.position - 1),
            "Content-Type": "application/cloudevents+json",
        }
        subject = f"{self._target.prefix}.{event.type}"
        message = msgspec.json.encode(cloud_event(event, self._target.source))
        return await self._jetstream.publish_async(subject, message, headers=headers)

    def _note(self) -> None:
        """Have the checkpoint say what the stream says, where whoever kept it was killed or the stream is a new one."""
        with reading(self._engine) as connection:
            noted = followers.reached(connection, self._name)
        if noted != self._reached:
            self._keep()

    def _keep(self) -> None:
        with writing(self._engine) as connection:
            followers.keep(connection, self._name, self._reached)

    def _foreign(self, how: str) -> Refused:
        return Refused(
            "conflict",
            f"the stream {self._target.stream} is not a mirror of this log: {how}; name another with --stream and "
            "--subject, or delete it and it is made anew",
        )


def cloud_event(event: StoredEvent, source: str) -> dict[str, Any]:
    """An event as a CloudEvent 1.0. Beside the attributes of the standard it has those of our envelope, in lower
    case letters as the standard asks; ``data`` is the exact body that the hash is about."""
    return {
        "specversion": "1.0", "id": event.id, "source": source, "type": event.type, "subject": event.subject,
        "time": event.recorded_at, "datacontenttype": "application/json", "position": event.position,
        "development": event.development, "version": event.version, "schemaversion": event.schema,
        "learntat": event.learnt_at, "loggedby": event.logged_by, "hash": event.hash.hex(),
        "data": msgspec.Raw(event.body.encode()),
    }  # fmt: skip
