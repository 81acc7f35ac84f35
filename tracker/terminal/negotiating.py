"""Negotiations on a screen: goals, deadlines and commitments with what moved them; authorities with their standing."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from tracker.domain import words
from tracker.domain.views import Authority, Commitment, Deadline, Goal, Move, Negotiation, Temporal
from tracker.terminal import showing


def show(found: Negotiation) -> None:
    """Print a negotiation."""
    zone = ZoneInfo(found.temporal.zone)
    showing.line(f"{found.partner.name} ({found.partner.code})")
    showing.line(showing.point(found.temporal))
    if found.focus:
        showing.heading("Focus")
        showing.line(str(found.focus.state.get("focus", "")))
    for title, goals in (("What would be a win", found.criteria), ("What may go wrong", found.risks)):
        _goals(title, goals, zone)
    if found.talks:
        showing.heading(f"Talks: {words.said('status', found.talks.status)}")
        showing.bullets(_moved(found.talks.moves, zone))
    _dates(found.deadlines, named=False)
    for deal in found.deals:
        showing.heading(f"{deal.agreement.title}: {words.said('status', deal.agreement.state.get('status'))}")
        showing.bullets(
            f"{showing.item(one)}: {words.said('status', one.state.get('status'))}" for one in deal.provisions
        )


def _goals(title: str, goals: Iterable[Goal], zone: ZoneInfo) -> None:
    for first, goal in enumerate(goals):
        if not first:
            showing.heading(title)
        showing.bullets([f"{goal.text}: {words.said('standing', goal.standing)}"])
        showing.bullets(_moved(goal.moves, zone), indent=4)


def _moved(moves: Iterable[Move], zone: ZoneInfo) -> list[str]:
    """Each step with the day from which it holds, and the position of its event."""
    return [
        f"{showing.day(move.from_ or move.told_at, zone)}: {'; '.join(move.words)} (event {move.position})"
        for move in moves
    ]


def show_deadlines(found: Iterable[Deadline], temporal: Temporal) -> None:
    """Print deadlines by date."""
    showing.line(showing.point(temporal))
    _dates(found, named=True)


def _dates(found: Iterable[Deadline], named: bool) -> None:
    showing.table(
        "due", *(["for"] if named else []), "what", "stands", "before", firm=["for", "stands"], title="Deadlines",
        rows=[
            (
                words.stated(one.due) if one.due else "", *([one.partner] if named else []), one.title,
                "open, date passed" if one.passed else one.status, ", ".join(map(words.stated, one.earlier)),
            )
            for one in found
        ],
    )  # fmt: skip


def show_commitments(found: Iterable[Commitment], temporal: Temporal) -> None:
    """Print commitments by date."""
    showing.line(showing.point(temporal))
    showing.table(
        "due", "by", "promise", "amount", "so far", "stands", firm=["by", "so far"], title="Commitments",
        rows=[
            (
                words.stated(one.due) if one.due else "", one.by or "",
                f"{one.promise}\n  {one.title}{f' (account: {one.claim})' if one.claim else ''}",
                words.amount(one.amount) if one.amount else "", words.amount(one.so_far) if one.so_far else "",
                words.said("status", one.status) + (", date passed" if one.passed else ""),
            )
            for one in found
        ],
    )  # fmt: skip


def show_authorities(found: Iterable[Authority], temporal: Temporal) -> None:
    """Print authorities, each with how it stands for whom."""
    showing.line(showing.point(temporal))
    zone = ZoneInfo(temporal.zone)
    showing.table(
        "authority", "for", "stands", "since", "measures", firm=["since"],
        rows=[
            (
                one.title, words.name_of(held.target),
                words.lawful(held.legal, held.stayed, held.collection, held.refund),
                showing.day(held.since, zone) if held.since else "", str(len(one.measures)),
            )
            for one in found
            for held in one.standing
        ],
    )  # fmt: skip
