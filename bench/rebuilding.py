"""A process that rebuilds a database and says how many MiB it held at most: `python -m bench.rebuilding URL`."""

import re
import resource
import sys
from pathlib import Path

from tracker.rebuilding import rebuild
from tracker.store.engine import open_engine


def peak() -> float:
    """MiB at most. What getrusage says on Linux counts the process too that started this one."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text("utf-8")) if status.exists() else None
    return (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


if __name__ == "__main__":
    for _ in rebuild(open_engine(sys.argv[1])):
        pass
    print(peak())
