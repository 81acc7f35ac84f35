"""Proof and repair of what is kept."""

import rich_click as click

from tracker import catalogue as published
from tracker import rebuilding
from tracker.projections import segments
from tracker.settings import shipped
from tracker.store import log
from tracker.store.engine import reading
from tracker.store.proof import Broken
from tracker.terminal import showing
from tracker.terminal.opening import Opened

WRONG = 1


def verify(opened: Opened, with_segments: bool, as_json: bool) -> int:
    """The chain, and the segments against a fold from scratch; 1 where either is wrong."""
    with reading(opened.engine) as connection:
        end = log.position(connection)
        broken: Broken | None = None
        with showing.progress("Events", end) as bar:
            try:
                for reached in log.verify(connection):
                    bar.update(bar.task_ids[0], completed=reached)
            except Broken as found:
                broken = found
        drifted = [*segments.drift(connection)] if with_segments and broken is None else []
    if as_json:
        bad = {"position": broken.position, "reason": broken.reason} if broken else None
        showing.json({"events": end, "broken": bad, "drifted": drifted})
    elif broken:
        click.echo(f"tracker: {broken}", err=True)
    elif drifted:
        said = (
            f"the segments of {', '.join(drifted[:5])} are not what their events say: run 'tracker rebuild'"
        )
        click.echo(f"tracker: {end} events, chain whole, but {said}", err=True)
    else:
        showing.line(f"{end} events, chain whole" + (", segments as the events say" if with_segments else ""))
    return WRONG if broken or drifted else 0


def rebuild(opened: Opened) -> None:
    """Every read model anew."""
    with reading(opened.engine) as connection:
        end = log.position(connection)
    reached = 0
    with showing.progress("Events", end) as bar:
        for reached in rebuilding.rebuild(opened.engine):
            bar.update(bar.task_ids[0], completed=reached)
    showing.line(f"Rebuilt from {reached} events.")


def catalogue(check: bool, release: bool) -> int:
    """The published catalogue: written, frozen or checked; 1 where it is not as it should be."""
    folder = shipped("events")
    if check:
        problems = [*published.check(folder)]
        for problem in problems:
            click.echo(f"tracker: events/{problem}", err=True)
        return WRONG if problems else 0
    for name in published.write(folder):
        showing.line(f"written: events/{name}")
    for name in published.release(folder) if release else ():
        showing.line(f"released: events/{name}")
    return 0
