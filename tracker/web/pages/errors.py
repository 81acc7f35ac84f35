"""What a browser shows when something went wrong."""

from typing import Any

from litestar import Request, Response


def page(request: Request[Any, Any, Any], status: int, title: str, detail: str) -> Response[Any]:
    return Response(f"{title}: {detail}", status_code=status, media_type="text/plain")
