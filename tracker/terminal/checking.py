"""Proof and repair of what is kept."""

import rich_click as click

from tracker import catalogue as published
from tracker import rebuilding, verifier
from tracker.domain.errors import invalid
from tracker.projections import segments
from tracker.settings import shipped
from tracker.store import log, tree
from tracker.store.engine import reading
from tracker.store.proof import Broken
from tracker.terminal import showing
from tracker.terminal.opening import Opened
from tracker.verifier import spans

WRONG = 1


def verify(opened: Opened, with_segments: bool, as_json: bool) -> int:
    """The chain, the tree, and the segments against a fold from scratch; 1 where one is wrong."""
    with reading(opened.engine) as connection:
        end = log.position(connection)
        signed = tree.latest(connection)
        erased = sorted(log.commitments(connection))
        broken: Broken | None = None
        with showing.progress("Events", end) as bar:
            try:
                for reached in tree.verify(connection):
                    bar.update(bar.task_ids[0], completed=reached)
            except Broken as found:
                broken = found
        drifted = [*segments.drift(connection)] if with_segments and broken is None else []
    if as_json:
        bad = {"position": broken.position, "reason": broken.reason} if broken else None
        size = signed.size if signed else 0
        showing.json({"events": end, "signed": size, "erased": erased, "broken": bad, "drifted": drifted})
    elif broken:
        click.echo(f"tracker: {broken}", err=True)
    elif drifted:
        said = (
            f"the segments of {', '.join(drifted[:5])} are not what their events say: run 'tracker rebuild'"
        )
        click.echo(f"tracker: {showing.many(end, 'event')}, chain whole, but {said}", err=True)
    else:
        also = ", segments as the events say" if with_segments else ""
        parts = [f"{showing.many(end, 'event')}, chain whole{also}"]
        parts += [f"the first {signed.size} are as they were signed"] if signed else []
        parts += [f"erased are the bodies at positions {spans(erased)}"] if erased else []
        showing.line("; ".join(parts))
    return WRONG if broken or drifted else 0


def verify_from_outside(url: str, key: str | None, remember: str | None) -> int:
    """The log of a service, by the verifier that stands alone."""
    if not url.startswith(("http://", "https://")):
        raise invalid(
            "--url", f"--url: {url!r} is no address of a service: write https://tracker.example.org"
        )
    given = {"--key": key, "--remember": remember}
    return verifier.main([url, *(part for name, value in given.items() if value for part in (name, value))])


def rebuild(opened: Opened) -> None:
    """Every read model anew."""
    with reading(opened.engine) as connection:
        end = log.position(connection)
    reached = 0
    with showing.progress("Events", end) as bar:
        for reached in rebuilding.rebuild(opened.engine):
            bar.update(bar.task_ids[0], completed=reached)
    showing.line(f"Rebuilt from {showing.many(reached, 'event')}.")


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
