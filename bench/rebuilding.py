"""A process that rebuilds a database and says how many MiB it held at most: `python -m bench.rebuilding URL`."""

import resource
import sys

from tracker.record import rebuild
from tracker.store.engine import open_engine

for _ in rebuild(open_engine(sys.argv[1])):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
