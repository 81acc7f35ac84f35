"""Static files, held in memory: their addresses carry a hash of what they hold, so browsers keep them for good."""

import mimetypes
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from tracker.web.security import PUBLIC

FOLDER = Path(__file__).parent / "static"


class Asset(NamedTuple):
    """A file: its bytes, its media type, and the beginning of its hash."""

    content: bytes
    media_type: str
    version: str


@cache
def assets() -> dict[str, Asset]:
    """Every file below static/, by its path."""
    return {
        path.relative_to(FOLDER).as_posix(): _asset(path)
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file()
    }


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(content, media_type, sha256(content).hexdigest()[:12])


def url(name: str) -> str:
    """The address of a static file: ``/static/style.css?v=...``."""
    return f"/static/{name}?v={assets()[name].version}"


@get("/static/{name:path}", opt={PUBLIC: True}, include_in_schema=False, sync_to_thread=False)
def static(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """A static file; for good where the address carries its version."""
    found = assets().get(name.lstrip("/"))
    if found is None:
        raise NotFoundException(f"there is no file {name}")
    pinned = request.url.query == f"v={found.version}"
    headers = {
        "ETag": f'"{found.version}"',
        "Cache-Control": "public, max-age=31536000, immutable" if pinned else "no-cache",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


ROUTES = (static,)
