"""A process that records without a web server, and takes its time before it commits: python writer.py URL SEED

It also counts up a plain column at the beginning of each transaction, as many logs do. It ends when its stdin does, and
prints the positions it recorded.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from random import Random

from sqlalchemy import text

from tests.several.orders import several_subjects
from tracker.record import By, record_in
from tracker.store.engine import open_engine, writing

if __name__ == "__main__":
    url, seed = sys.argv[1:]
    engine, random, positions = open_engine(url, 2), Random(seed), list[int]()
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    while not stopped.is_set():
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO naive (writer) VALUES (:writer)"), {"writer": seed})
            time.sleep(random.random() / 50)
            done = record_in(connection, several_subjects(random), By(f"slow {seed}", datetime.now(UTC)))
            time.sleep(random.random() / 50)
        positions += [event.position for event in done.events]
    print(json.dumps(positions), flush=True)  # noqa: T201
