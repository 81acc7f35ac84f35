"""What tests of the command line speak of."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]
