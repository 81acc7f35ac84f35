"""Files that a command writes: there whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast

import rich_click as click


@contextmanager
def whole(name: str) -> Iterator[BinaryIO]:
    """A file to write to; ``-`` is standard output. It takes its place when all is written: until then, and where that
    fails, what was there before stays, and nothing is left behind. OSError names it."""
    path = Path(name)
    if name == "-":
        with click.open_file("-", "wb") as file:
            yield cast(BinaryIO, file)
        return
    try:
        if path.exists() and not path.is_file():  # a pipe, a device
            with path.open("wb") as file:
                yield file
            return
        with _beside(path) as (file, part):
            yield file
            file.close()  # what is still to be written may find no room
            part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None


@contextmanager
def _beside(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file in the same folder, with the rights that a new one gets or the old one has; gone afterwards."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            part.chmod(path.stat().st_mode if path.exists() else 0o666 & ~_mask())
            yield cast(BinaryIO, file), part
        finally:
            part.unlink(missing_ok=True)


def _mask() -> int:
    os.umask(mask := os.umask(0o077))
    return mask
