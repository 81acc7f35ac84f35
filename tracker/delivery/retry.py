"""When a delivery that did not go through is tried again. Pure: the same delivery and attempt give the same delay."""

from datetime import timedelta
from random import Random

DELAYS = tuple(
    timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 2 * 60, 4 * 60, 8 * 60, 16 * 60, 24 * 60)
)
"""After the first attempt, the second, ...: a little over two days in all, as mail servers do among themselves."""
SPREAD = 0.2


def delay(attempts: int, seed: str) -> timedelta | None:
    """How long to wait after that many attempts, +-20 % so that many do not return at once; None: give up."""
    if attempts > len(DELAYS):
        return None
    chance = Random(f"{seed}/{attempts}")  # noqa: S311  # spreads load; no secret
    return DELAYS[attempts - 1] * (1 + SPREAD * (2 * chance.random() - 1))
