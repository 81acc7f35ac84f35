"""A partner's state on a screen: goals beside results, what applies, what comes."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from tracker.domain import words
from tracker.domain.views import Cause, Deal, ItemView, PartnerState
from tracker.terminal import showing


def show(seen: PartnerState) -> None:
    """Print it."""
    zone = ZoneInfo(seen.temporal.zone)
    showing.line(f"{seen.partner.name} ({', '.join([seen.partner.code, *seen.partner.blocs])})")
    showing.line(showing.point(seen.temporal))
    if seen.focus:
        showing.heading("Focus")
        showing.line(str(seen.focus.state.get("focus", "")))
    showing.table(
        "goal", "stands", "evidence", title="What would be a win",
        rows=[_standing(view) for view in seen.criteria],
    )  # fmt: skip
    showing.table("risk", "stands", "evidence", title="Risks", rows=[_standing(view) for view in seen.risks])
    if seen.talks:
        showing.heading("Talks")
        showing.line(f"{showing.state(seen.talks.state)} since {showing.since(seen.talks, zone)}")
    showing.table(
        "measure", "via", "stands", "since", "counts", title="Measures",
        rows=[
            (
                showing.item(view), view.via, showing.state(view.state), showing.since(view, zone),
                "yes" if view.counts else f"no: {view.reason}",
            )
            for view in seen.measures
        ],
    )  # fmt: skip
    for deal in seen.agreements:
        _deal(deal, zone)
    showing.table("", "stands", title="Deadlines", rows=_items(seen.deadlines))
    showing.table("claim", "stands", title="Claims: said, not law", rows=_items(seen.claims))
    if seen.coming:
        showing.heading("Coming")
        showing.bullets(showing.change(change, zone) for change in seen.coming)
    _sources(seen.causes.values())


def _standing(view: ItemView) -> tuple[str, str, str]:
    text = str(view.state.get("text") or words.scope_of(view.key))
    return text, words.said("standing", view.state.get("standing")), str(view.state.get("evidence") or "")


def _deal(deal: Deal, zone: ZoneInfo) -> None:
    whole = deal.agreement
    showing.heading(whole.title)
    showing.line(f"{showing.state(whole.state)} since {showing.since(whole, zone)}")
    showing.table(
        "provision", "stands", "since", indent=2,
        rows=[
            (showing.item(view), showing.state(view.state, leave_out=["title"]), showing.since(view, zone))
            for view in deal.provisions
        ],
    )  # fmt: skip
    accounts = [(view.claim or "", showing.state(view.state)) for view in deal.accounts]
    showing.table("account of", "says", indent=2, rows=accounts)


def _items(views: Iterable[ItemView]) -> list[tuple[str, str]]:
    return [(showing.item(view), showing.state(view.state, leave_out=["title"])) for view in views]


def _sources(causes: Iterable[Cause]) -> None:
    showing.table(
        "event", "announced", "title", "source", title="By these events",
        rows=[
            (str(c.position), words.stated(c.announced), c.title, c.sources[0]["publisher"] if c.sources else "")
            for c in sorted(causes, key=lambda cause: cause.position)
        ],
    )  # fmt: skip
