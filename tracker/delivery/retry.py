"""When a delivery that did not go through is tried again. Pure: the same delivery and attempt give the same delay."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

SPREAD = 0.2


def delay(
    delays: Sequence[timedelta], attempts: int, seed: str, asked: timedelta | None = None
) -> timedelta | None:
    """How long to wait after that many attempts, +-20 % so that many do not return at once; None: give up. Who
    ``asked`` us to wait is heeded up to twice what we would wait anyway, and never sooner."""
    if attempts > len(delays):
        return None
    base = delays[attempts - 1]
    chance = Random(f"{seed}/{attempts}")  # noqa: S311  # spreads load; no secret
    wait = base * (1 + SPREAD * (2 * chance.random() - 1))
    return wait if asked is None else min(max(asked, base), 2 * base)
