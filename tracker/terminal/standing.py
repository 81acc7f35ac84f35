"""A partner's state on a screen: goals beside results, what applies, what comes."""

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from tracker.domain import words
from tracker.domain.views import Cause, Deal, DutyView, ItemView, Measure, PartnerState, Temporal
from tracker.domain.when import rfc3339
from tracker.terminal import showing


def show(seen: PartnerState) -> None:
    """Print it."""
    zone = ZoneInfo(seen.temporal.zone)
    showing.line(f"{seen.partner.name} ({', '.join([seen.partner.code, *seen.partner.blocs])})")
    showing.line(showing.point(seen.temporal))
    if seen.focus:
        showing.heading("Focus")
        showing.line(str(seen.focus.state.get("focus", "")))
    for title, views in (("What would be a win", seen.criteria), ("Risks", seen.risks)):
        showing.table("", "stands", "evidence", firm=["stands"], title=title, rows=map(_standing, views))
    if seen.talks:
        showing.heading("Talks")
        showing.line(f"{showing.state(seen.talks.state)} since {showing.since(seen.talks, zone)}")
    showing.table(
        "rate", "measure", "since", "event", firm=["rate", "since", "event"],
        title="Measures (in brackets: does not apply now)",
        rows=[_measure(view, seen.partner.code, zone) for view in seen.measures],
    )  # fmt: skip
    for deal in seen.agreements:
        _deal(deal, zone)
    showing.table("", "stands", title="Deadlines", rows=map(_said, seen.deadlines))
    showing.table("", "stands", title="Said, and not law", rows=map(_claimed, seen.claims))
    if seen.coming or seen.coming_until:
        showing.heading("Coming")
        showing.bullets(showing.change(change, zone) for change in seen.coming)
    if seen.coming_until:
        whole = "This is all" if seen.coming else "Nothing is on record"
        showing.line(
            f"{whole} before {words.day(seen.coming_until, zone)}. What comes then and later: ask again with "
            f"--as-of {rfc3339(seen.coming_until - timedelta(seconds=1))}; everything: "
            f"tracker timeline {seen.partner.code}"
        )
    _events(seen.causes.values())


def show_measures(measures: Iterable[Measure], temporal: Temporal) -> None:
    """Print measures, each with whom it reaches."""
    zone = ZoneInfo(temporal.zone)
    showing.line(showing.point(temporal))
    for measure in measures:
        showing.table(
            "for", "rate", "scope", "stands", "since", firm=["for", "since"],
            title=f"{measure.title} ({measure.subject})",
            rows=[_reach(code, view, zone) for code, views in measure.partners.items() for view in views],
        )  # fmt: skip


def _reach(code: str, view: ItemView, zone: ZoneInfo) -> tuple[str, ...]:
    rate = _rate(view)
    stands = f"claim: {_status(view)}" if view.claim else view.reason
    return (
        code,
        rate,
        words.scope_of(view.scope),
        stands,
        showing.day(view.since, zone, view.since_stated) if view.since else "",
    )


def _rate(view: ItemView) -> str:
    """In brackets where it does not apply: paused, struck down, only announced."""
    if "rate" not in view.state:
        return ""
    rate = words.rate(view.state["rate"])
    return rate if view.counts else f"({rate})"


def _status(view: ItemView) -> str:
    return str(view.state.get("status", "")).replace("_", " ")


def show_duty(found: DutyView) -> None:
    """Print what goods pay: the total, the layers, and what is only said."""
    zone = ZoneInfo(found.temporal.zone)
    showing.line(showing.point(found.temporal))
    whole = found.partner is None
    if not whole:
        showing.heading(f"{found.title}: {words.total(found.total, found.total_in_quota)}")
        normal = (
            "the normal duty is included"
            if found.includes_normal_duty
            else "the normal duty is not on record"
        )
        showing.bullets([*found.unknown, normal])
    showing.table(
        *(["for"] if whole else []), "rate", "measure", "stands", "from", "until",
        firm=["rate", "from", "until"], title="Layers",
        rows=[
            (
                *([layer.partner] if whole else []), layer.words, f"{layer.title}, {words.scope_of(layer.scope)}",
                layer.reason, showing.day(layer.from_, zone, layer.from_stated) if layer.from_ else "",
                showing.day(layer.until, zone, layer.until_stated) if layer.until else "",
            )
            for layer in found.layers
        ],
    )  # fmt: skip
    showing.table(
        "rate", "measure", "stands", firm=["rate"], title="On a part of these goods",
        rows=[_part(view) for view in found.parts],
    )  # fmt: skip
    showing.table("", "stands", title="Said, and not law", rows=map(_claimed, found.claims))


def _part(view: ItemView) -> tuple[str, str, str]:
    rate = words.rate(view.state["rate"]) if "rate" in view.state else ""
    return rate, f"{view.title}, {words.scope_of(view.scope)}", _status(view)


def show_agreements(deals: Iterable[Deal], temporal: Temporal) -> None:
    """Print agreements, each with its provisions."""
    showing.line(showing.point(temporal))
    for deal in deals:
        _deal(deal, ZoneInfo(temporal.zone))


def _standing(view: ItemView) -> tuple[str, str, str]:
    text = str(view.state.get("text") or words.scope_of(view.key))
    return text, words.said("standing", view.state.get("standing")), str(view.state.get("evidence") or "")


def _measure(view: ItemView, code: str, zone: ZoneInfo) -> tuple[str, str, str, str]:
    held = view.state
    rate = _rate(view)
    reach = {code: "", "everyone": ", for everyone"}.get(view.via, f", through {words.name_of(view.via)}")
    spared = [str(entry["text"]) for entry in held.get("exemptions", {}).values()]
    title = "\n  ".join([showing.item(view), view.reason + reach, *(f"exempt: {text}" for text in spared)])
    return (
        rate,
        title,
        showing.day(view.since, zone, view.since_stated) if view.since else "",
        str(view.set_by),
    )


def _deal(deal: Deal, zone: ZoneInfo) -> None:
    whole = deal.agreement
    showing.heading(whole.title)
    showing.line(f"{showing.state(whole.state)} since {showing.since(whole, zone)}")
    showing.table(
        "provision", "stands", "since", firm=["since"], indent=2,
        rows=[
            (*_said(view), showing.day(view.since, zone, view.since_stated) if view.since else "")
            for view in deal.provisions
        ],
    )  # fmt: skip
    accounts = [(view.claim or "", showing.state(view.state)) for view in deal.accounts]
    showing.table("account", "says", indent=2, rows=accounts)


def _claimed(view: ItemView) -> tuple[str, str]:
    what, stands = _said(view)
    return (f"{what} ({view.claim})" if view.aspect == "state" else what), stands


def _said(view: ItemView) -> tuple[str, str]:
    return showing.item(view), showing.state(view.state, leave_out=["title"])


def _events(causes: Iterable[Cause]) -> None:
    by_development: dict[str, list[Cause]] = {}
    for cause in sorted(causes, key=lambda cause: cause.position):
        by_development.setdefault(cause.development, []).append(cause)
    showing.table(
        "event", "announced", "by", title="By these events", firm=["event"],
        rows=[
            (
                showing.span(its[0].position, its[-1].position), words.stated(its[0].announced),
                "\n".join([its[0].title, *(f"  {source['publisher']}" for source in its[0].sources[:1])]),
            )
            for its in by_development.values()
        ],
    )  # fmt: skip
