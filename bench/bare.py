"""A bare handler of the same framework and server set-up: `python -m bench.bare PORT FOLDER` answers `/NAME` with the
bytes of the file of that name."""

import sys
from pathlib import Path

import uvicorn
from litestar import Litestar, Response, get

from tracker.app import bound


def serve(port: int, folder: Path) -> None:
    answers = {file.name: file.read_bytes() for file in folder.iterdir()}

    @get("/{name:str}", sync_to_thread=False)
    def answer(name: str) -> Response[bytes]:
        return Response(answers[name], media_type="application/json")

    app = Litestar([answer], openapi_config=None, logging_config=None)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[bound("127.0.0.1", port)])


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
