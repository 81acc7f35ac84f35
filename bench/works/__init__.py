"""What is measured, in this order."""

from bench.measuring import Work
from bench.works import append, callers, digests, http, importing, rebuild, state, tail

WORKS: tuple[Work, ...] = (append, callers, importing, rebuild, tail, state, http, digests)
