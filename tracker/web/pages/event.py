"""The page of a development: what was told, what it says, what it changed for whom, and every version of our record."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Engine

from tracker import read
from tracker.domain.views import Story, Version
from tracker.store import access
from tracker.store.engine import reading
from tracker.web import point
from tracker.web.changes import by_partner
from tracker.web.differences import differences
from tracker.web.form.kinds import MEANING
from tracker.web.html import html, subjects_in
from tracker.web.point import AXES, takes


@get("/events/{id:str}", opt=takes(*AXES, "saved"), sync_to_thread=True, include_in_schema=False)
def event(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], id: FromPath[str]
) -> Response[str]:
    """A development, by its id or that of one of its events, as known at a point."""
    with reading(engine) as connection:
        at, bar = point.asked(request, connection)
        story = read.story(connection, id, at.known)
        titles = read.titles(connection, _subjects(story), at.known)
        names = access.names(connection, {version.logged_by for version in story.versions})
    last = story.versions[-1]
    context = {
        "bar": bar, "kept": bar.kept, "story": story, "entry": story.entry, "titles": titles, "names": names,
        "meaning": MEANING, "lines": by_partner(story.changes), "said": last.said, "last": last,
        "moves": [_moved(older, newer) for older, newer in zip(story.versions, story.versions[1:], strict=False)],
        "by_partner": by_partner, "saved": request.query_params.get("saved", ""),
    }  # fmt: skip
    return html(request, "event.html", context, 400 if bar.error else 200)


def _subjects(story: Story) -> set[str]:
    held = [story.changes, *(version.changes for version in story.versions)]
    words = [word for changes in held for found in changes.values() for c in found for word in c.words]
    links = [subject for held in story.entry.links.values() for subject in held]
    return {*story.entry.subjects, *subjects_in(words), *(link.partition("#")[0] for link in links)}


def _moved(older: Version, newer: Version) -> list[tuple[str, str, str]]:
    untold = newer.what == "withdrawn" or older.erased or newer.erased
    return [] if untold else differences(older.said, newer.said)


ROUTES = (event,)
