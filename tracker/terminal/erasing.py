"""Erasing bodies: what goes is shown, confirmed, and then followed wherever its text went."""

import rich_click as click

from tracker import rebuilding
from tracker.delivery import editions
from tracker.store import erasure
from tracker.store.engine import reading, writing
from tracker.store.erasure import Plan
from tracker.terminal import opening, showing
from tracker.verifier import spans

ON_POSTGRESQL = (
    "PostgreSQL keeps old rows until it is vacuumed: run 'VACUUM FULL' on this database, and let its write-ahead "
    "log and your backups run out"
)
ON_SQLITE = "Backups and copies of the file still hold it: they are yours to erase"
BUSY = "somebody else was using the database, so its file may still hold the text: stop the service and run this again"


def erase(reference: str, reason: str, yes: bool, as_json: bool) -> int:
    """Erase, rebuild what is worked out, scrub the file; 1 where the file could not be scrubbed."""
    with opening.to_record() as opened:
        with reading(opened.engine) as connection:
            plan = erasure.planned(connection, reference)
        if not yes:
            _show(plan)
            click.confirm("Erase this for good?", abort=True, err=True)
        with writing(opened.engine) as connection:
            plan = erasure.erase(connection, reference, reason, opened.clock())
            changed = editions.forget(connection, plan.development, plan.subjects, plan.first)
            rebuilding.outdate(connection)
        for _ in rebuilding.rebuild(opened.engine):
            pass
        on_sqlite = opened.engine.dialect.name == "sqlite"
        scrubbed = erasure.scrub(opened.engine) if on_sqlite else None
    positions = [event.position for event in plan.events]
    if as_json:
        showing.json(
            {"development": plan.development, "erased": positions, "editions": changed, "scrubbed": scrubbed}
        )
    else:
        said = f"Erased: the bodies at positions {spans(positions)}" if positions else "It was erased before"
        showing.line(f"{said}; {changed} editions no longer tell it.")
        if plan.kept:
            showing.line(
                f"Kept, of the same development: positions {spans([e.position for e in plan.kept])}."
            )
        click.echo(BUSY if scrubbed is False else ON_SQLITE if on_sqlite else ON_POSTGRESQL, err=True)
    return 1 if scrubbed is False else 0


def _show(plan: Plan) -> None:
    """What would go."""
    rows = [(str(event.position), event.type, event.subject, event.told.title) for event in plan.events]
    showing.table("position", "type", "subject", "title", rows=rows, firm=["position"])
