"""Who is measured, in the order in which they have their turns."""

from bench.subjects import aggregate, core, emmett, ours, raw, recorder
from bench.subjects.store import Subject

SUBJECTS: tuple[Subject, ...] = (raw, core, recorder, aggregate, emmett, ours)
