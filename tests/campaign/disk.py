"""Disks that are small, full or read-only."""

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class SmallDisk:
    """A file system of its own in memory."""

    folder: Path

    def fill(self) -> None:
        """Leave no room."""
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 4096)
        assert shutil.disk_usage(self.folder).free == 0

    def make_room(self) -> None:
        (self.folder / "filler").unlink()

    def read_only(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.folder))


@contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """Right below the temporary folder, as PostgreSQL may have to enter. Skips the test where nothing may be mounted:
    it takes root."""
    with tempfile.TemporaryDirectory(prefix="tracker-disk-") as folder:
        try:
            _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("a small disk cannot be mounted here")
        Path(folder).chmod(0o755)
        try:
            yield SmallDisk(Path(folder))
        finally:
            _run("umount", "--lazy", folder)


@contextmanager
def bound_read_only(folder: Path, at: Path) -> Iterator[None]:
    """The same folder a second time, where nothing may be written."""
    _run("mount", "--bind", str(folder), str(at))
    try:
        _run("mount", "-o", "remount,bind,ro", str(at))
        yield
    finally:
        _run("umount", "--lazy", str(at))


@contextmanager
def no_longer_than(size: int) -> Iterator[None]:
    """A disk that fails: no file of this process grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def size_of(file: Path) -> int:
    return os.stat(file).st_size  # noqa: PTH116


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
