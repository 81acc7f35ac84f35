"""The other half of the flow: what is asked of the record. Everything people see comes from here.

Each question is put at a ``Point`` of both axes; it is answered from the segments by ``History``, the one resolve.
"""

from tracker.read.authorities import authorities, authority, rulings
from tracker.read.board import board
from tracker.read.developments import LATE, entry_of
from tracker.read.differences import diff, preview
from tracker.read.negotiation import Courses, deadlines, negotiation
from tracker.read.partners import (
    causes,
    checked,
    checks,
    coverage,
    deal,
    history,
    names,
    partner,
    state,
    titles,
)
from tracker.read.point import Point, point, temporal
from tracker.read.story import story
from tracker.read.timeline import timeline

__all__ = [
    "LATE", "Courses", "Point", "authorities", "authority", "board", "causes", "checked", "checks", "coverage",
    "deadlines",
    "deal", "diff", "entry_of", "history", "names", "negotiation", "partner", "point", "preview", "rulings", "state",
    "story", "temporal", "timeline", "titles",
]  # fmt: skip
