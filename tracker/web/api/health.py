"""Whether the service lives, and whether it can answer."""

from litestar import get
from litestar.di import NamedDependency
from msgspec import Struct
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker.store import log
from tracker.store.engine import reading
from tracker.web.errors import Failed, sorry
from tracker.web.security import PUBLIC


class Alive(Struct, frozen=True):
    """The process answers."""

    status: str = "ok"


class Ready(Struct, frozen=True):
    """The database answers, and its schema is there."""

    position: int
    status: str = "ready"


@get("/healthz", opt={PUBLIC: True}, sync_to_thread=False, tags=["service"], summary="Is the process alive?")
def healthz() -> Alive:
    return Alive()


@get("/readyz", opt={PUBLIC: True}, sync_to_thread=True, tags=["service"], summary="Can it answer?")
def readyz(engine: NamedDependency[Engine]) -> Ready:
    try:
        with reading(engine) as connection:
            return Ready(position=log.position(connection))
    except SQLAlchemyError as error:
        raise Failed(503, "not_ready", sorry(error).detail, headers={"Retry-After": "5"}) from error


ROUTES = (healthz, readyz)
