"""The program as it is installed, in a process of its own."""

import os
import socket
import sys
from pathlib import Path

from tracker.settings import VARIABLES

PROGRAM = [sys.executable, "-c", "from tracker.cli import main; main()"]


def environment(folder: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    ours = {
        "TRACKER_DATA_DIR": str(folder / "var"),
        "TRACKER_LOG_LEVEL": "warning",
        "TRACKER_DURABILITY": "unchecked",
    }
    return inherited | ours | settings


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
