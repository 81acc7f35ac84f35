"""What a job is: a name, how often it runs, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from tracker.settings import Settings
from tracker.store.clock import Clock


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a job works with. ``stopping``: it should come to an end."""

    settings: Settings
    engine: Engine
    clock: Clock
    stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Job:
    """``run`` may be called by any number of processes at once, and again at once after it was killed."""

    name: str
    every_seconds: float
    run: Callable[[Surroundings], None]
