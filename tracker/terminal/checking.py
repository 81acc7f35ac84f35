"""Proof and repair of what is kept."""

from collections.abc import Sequence

import rich_click as click

from tracker import catalogue as published
from tracker import rebuilding, verifier
from tracker.domain.errors import invalid
from tracker.drift import Drift, drift
from tracker.settings import shipped
from tracker.store import log, tree
from tracker.store.engine import reading
from tracker.store.proof import Broken
from tracker.terminal import showing
from tracker.terminal.opening import Opened
from tracker.verifier import spans

WRONG = 1
FEW = 5
"""So many subjects are named, of those that drifted."""


def verify(opened: Opened, with_segments: bool, as_json: bool) -> int:
    """The chain, the tree, and each row that is worked out from the log; 1 where one is wrong."""
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
        drifted = [*drift(connection)] if with_segments and broken is None else []
    if as_json:
        bad = {"position": broken.position, "reason": broken.reason} if broken else None
        size = signed.size if signed else 0
        subjects = [one.subject for one in drifted]
        said = {"events": end, "signed": size, "erased": erased, "broken": bad, "drifted": subjects}
        showing.json({**said, "differences": drifted})
    elif broken:
        click.echo(f"tracker: {broken}", err=True)
    elif drifted:
        whole = f"{showing.many(end, 'event')}, chain whole"
        click.echo(f"tracker: {whole}, but {not_as_told(drifted)}", err=True)
    else:
        also = ", read models as the events say" if with_segments else ""
        parts = [f"{showing.many(end, 'event')}, chain whole{also}"]
        parts += [f"the first {signed.size} are as they were signed"] if signed else []
        parts += [f"erased are the bodies at positions {spans(erased)}"] if erased else []
        showing.line("; ".join(parts))
    return WRONG if broken or drifted else 0


def not_as_told(drifted: Sequence[Drift]) -> str:
    """What is worked out otherwise than the events say, and what to do."""
    named = "; ".join(f"{one.subject} ({one.says})" for one in drifted[:FEW])
    more = f", and {len(drifted) - FEW} more" if len(drifted) > FEW else ""
    return f"what is worked out is not what the events say, of {named}{more}: run 'tracker rebuild'"


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
