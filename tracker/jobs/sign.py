"""Keeps the Merkle tree of the log and signs a checkpoint, where the log has grown."""

import structlog

from tracker.jobs.job import Job, Surroundings
from tracker.store import tree

log = structlog.get_logger()


def run(around: Surroundings) -> None:
    try:
        signed = tree.sign(around.engine, around.settings.public_url, around.clock())
    except tree.Rewritten as rewritten:
        log.error("history_rewritten", detail=str(rewritten))
        return
    if signed is not None:
        log.info("signed", size=signed.size, root=signed.root.hex())


JOB = Job("sign", 15, run)
