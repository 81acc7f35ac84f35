"""What is refused, where the fault lies, and what to do about it."""

from typing import Any

import pytest
from domain.given import amended, at, correction, development, ended, event, opened, paused

from tracker.domain import decide
from tracker.domain.errors import Refused
from tracker.domain.events import Correction, Development, DevelopmentCorrected, Withdrawal
from tracker.domain.events import Record as Said

X, Y, DEAL, LAW, GB = (
    "measure:us-x",
    "measure:us-y",
    "agreement:us-gb-epd",
    "authority:us-ieepa",
    "partner:GB",
)
KNOWN = decide.Known([X, DEAL, LAW, GB], lambda: [X, DEAL, LAW, GB])


def logged(command: Development) -> list[Said]:
    decide.sound(command)
    return decide.log(command, KNOWN)


def refusal(command: Development) -> Refused:
    with pytest.raises(Refused) as raised:
        logged(command)
    assert raised.value.code == "invalid"
    assert raised.value.detail == raised.value.problems[0].detail
    return raised.value


REFUSED: list[tuple[Development, str, str]] = [
    # dates
    (development(amended(X, at(1)), announced="soon"), "/announced", "'soon' is not a date: write 2025-04-09"),
    (development(amended(X, at(1)), announced="２０２５"), "/announced", "write it in the digits 0 to 9"),
    (development(amended(X, at(1)), announced="2025-02-30"), "/announced", "is not a date on the calendar"),
    (development(amended(X, at(1)), announced="0001"), "/announced", "outside the years 1900 to 2199"),
    (development(amended(X, at(1)), announced="9999-12-31"), "/announced", "outside the years 1900 to 2199"),
    (development(amended(X, at(1)), published="2025-13"), "/published", "is not a date on the calendar"),
    (
        development(amended(X, at(1)), sources=[{"publisher": "P", "kind": "press", "on": "long ago"}]),
        "/sources/0/on", "'long ago' is not a date",
    ),
    (development(amended(X, at(1)), zone="Mars/Olympus"), "/zone", "is no IANA time zone: write e.g. America/New_York"),
    (development(amended(X, at(1)), zone="localtime"), "/zone", "is no IANA time zone"),
    (development(amended(X, at(1, from_="2025-13"))), "/events/0/effects/0/from", "is not a date on the calendar"),
    (
        development(amended(X, at(1), at(2, from_="2025-03-01", until="2025-02-01"))), "/events/0/effects/1/until",
        "is not after the start (2025-03-01)",
    ),
    (
        development(paused(X, {"until": "2025-01-31"})), "/events/0/effects/0/until",
        "is not after the start (the announcement): an effect holds over [from, until); give a later 'until'",
    ),
    (
        development(paused(X, {"from": "2025-03-01", "until": "2025-03-01"})), "/events/0/effects/0/until",
        "is not after the start (2025-03-01)",
    ),
    (
        development(amended(X, {"set": {"review_on": "spring"}})), "/events/0/effects/0/set/review_on",
        "'spring' is not a date",
    ),
    (
        development(event("deadline.set", GB, deadline="d", set={"due": "soon"})), "/events/0/set/due",
        "'soon' is not a date",
    ),
    (
        development(event("partner.checked", GB, through="2025-02-30")), "/events/0/through",
        "is not a date on the calendar",
    ),
    # subjects
    (development(amended(Y, at(1))), "/events/0/subject", "say what it is in 'about' (at least its title)"),
    (development(amended("measure:us-xx", at(1))), "/events/0/subject", "Did you mean measure:us-x"),
    (
        development(event("talks.held", "partner:FR")), "/events/0/subject",
        "partner:FR is not followed here: log partner.registered for it first",
    ),
    (development(opened("measure:zz-x", at(1))), "/events/0", "ZZ is no country code of ISO 3166-1"),
    (
        development(event("agreement.signed", GB)), "/events/0/subject",
        "happens to a subject of kind agreement, not to partner:GB: name a subject that begins with agreement:",
    ),
    (development(event("ruling.issued", DEAL)), "/events/0/subject", "begins with authority: or measure:"),
    (
        development(event("agreement.announced", "agreement:us-us-x", about={"title": "t"})), "/events/0/subject",
        "names no party beside US",
    ),
    (
        development(
            event("agreement.announced", "agreement:us-" + "_".join(["gb"] * 50) + "-x", about={"title": "t"})
        ),
        "/events/0/subject", "longer than 120 characters",
    ),
    (development(event("bloc.joined", GB, bloc="FR")), "/events/0/bloc", "FR is a country, not a bloc: write EU"),
    (development(amended(X, at(1), links={"answers": [Y]})), "/events/0/links/answers", "is not on record"),
    # targets
    (development(amended(X, at(1, "ZZ"))), "/events/0", "ZZ is no country code"),
    (development(amended(X, at(1, "everyone", except_=["QQ"]))), "/events/0", "QQ is no country code"),
    (
        development(amended(X, at(1, "GB", except_=["CN"]))), "/events/0/effects/0/except",
        "nobody can be excepted from GB: except goes with everyone or each_of",
    ),
    # saying nothing
    (development(amended(X)), "/events/0", "measure.amended says nothing: give at least one effect"),
    (development(amended(X, {"target": "GB"})), "/events/0/effects/0/set", "the effect sets nothing"),
    (development(amended(X, at(1), {"set": {}})), "/events/0/effects/1/set", "the effect sets nothing"),
    (development(event("ruling.issued", LAW)), "/events/0", "ruling.issued says nothing"),
    (development(event("agreement.amended", DEAL)), "/events/0", "agreement.amended says nothing"),
    (
        development(event("provision.changed", DEAL, provisions=[{"provision": "cars", "set": {}}])),
        "/events/0/provisions/0/set", "the effect sets nothing",
    ),
    (development(event("partner.profiled", GB, set={})), "/events/0", "partner.profiled says nothing"),
    (development(event("objectives.set", GB, set={})), "/events/0", "objectives.set says nothing"),
    # rates
    (
        development(amended(X, {"set": {"rate": {}}})), "/events/0/effects/0/set/rate",
        "the rate states nothing: give percent, at_least/at_most, amount, ban, or unknown: true",
    ),
    (
        development(amended(X, {"set": {"rate": {"at_least": 9, "at_most": 8}}})),
        "/events/0/effects/0/set/rate", "at_least is more than at_most",
    ),
    (
        development(amended(X, {"set": {"quota": {"quantity": 1, "unit": "t", "inside": {}}}})),
        "/events/0/effects/0/set/quota/inside", "the rate states nothing",
    ),
    (
        development(amended(X, {"set": {"quota": {"quantity": float("inf"), "unit": "t"}}})),
        "/events/0/effects/0/set/quota/quantity", "is inf: give a finite number",
    ),
    (
        development(amended(X, {"set": {"rate": {"percent": 5, "ban": True}}})), "/events/0/effects/0/set/rate",
        "the rate is said in two ways: give a figure, or ban, or unknown",
    ),
    # what a measure names
    (
        development(opened(Y, {"set": {"rate": {"percent": 5}}})), "/events/0/effects/0/target",
        "measure:us-y names nobody yet, and each_of is all that it names: give a target",
    ),
    (
        development(amended(X, {"set": {"yields_to": ["measure:us-xx"]}})),
        "/events/0/effects/0/set/yields_to/0", "measure:us-xx is not on record",
    ),
    (
        development(amended(X, {"set": {"replaces": [X]}})), "/events/0/effects/0/set/replaces/0",
        "cannot give way to itself",
    ),
    # text
    (development(amended(X, at(1)), title="a\nb"), "/title", "holds a line break: write it in one line"),
    (development(amended(X, at(1)), title="a\u2028b"), "/title", "holds a line break"),
    (development(amended(X, at(1)), title="a\0b"), "/title", "holds the character U+0000, not a text's: remove it"),
    (development(amended(X, at(1)), note="a\ud800b"), "/note", "holds the character U+D800"),
    (development(amended(X, at(1)), title="a\u202eb"), "/title", "holds the character U+202E, which turns the text"),
    (development(amended(X, at(1)), note="a\u2066b"), "/note", "holds the character U+2066, which turns the text"),
    (development(amended(X, at(1)), note="\ufffe"), "/note", "holds the character U+FFFE"),
    (development(amended(X, at(1)), title="  "), "/title", "is blank: fill it, or leave it out"),
    (development(amended("measure:us-x\n", at(1))), "/events/0/subject", "holds a line break"),
    (development(amended(X, at(1, "GB\n"))), "/events/0/effects/0/target", "holds a line break"),
    (
        development(amended(X, {"set": {"exemptions": {"a\n": {"text": "cars"}}}})),
        "/events/0/effects/0/set/exemptions/a\n", "holds a line break",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "pointer", "said"), REFUSED, ids=[f"{r[1]}: {r[2]}"[:70] for r in REFUSED]
)
def test_what_is_wrong_is_named_with_its_remedy(command: Development, pointer: str, said: str) -> None:
    first, *_ = refusal(command).problems
    assert first.pointer == pointer
    assert said in first.detail


def test_all_that_is_wrong_is_named_at_once() -> None:
    wrong = development(amended(Y, at(1)), amended(X, at(1, "ZZ")), paused(X, {"until": "1999"}))
    assert [p.pointer for p in refusal(wrong).problems] == [
        "/events/0/subject",
        "/events/1",
        "/events/2/effects/0/until",
    ]


def test_what_is_wrong_in_a_correction_is_found_under_its_development() -> None:
    standing = decide.Standing(decide.told_of(development(amended(X, at(1)))), {X: []}, withdrawn=False)
    with pytest.raises(Refused) as raised:
        decide.correct("id", correction(amended(X, at(1, "ZZ"))), standing, KNOWN)
    assert [problem.pointer for problem in raised.value.problems] == ["/development/events/0"]


@pytest.mark.parametrize("text", ["two\nlines", "a tab\tand a return\r\n", "Übergang 过渡 🙂", "x" * 4000])
def test_long_text_may_run_over_lines(text: str) -> None:
    said = development(amended(X, {"set": {"text": text}}, summary=text), note=text)
    assert [record.event for record in logged(said)] == said.events


def test_huge_numbers_are_kept() -> None:
    logged(development(amended(X, {"set": {"quota": {"quantity": 1.7e308, "unit": "t"}}})))


def test_an_event_may_use_a_subject_that_the_one_before_it_opens() -> None:
    assert len(logged(development(opened(Y, at(1)), paused(Y, {"target": "GB"}), ended(Y, {})))) == 3


def test_a_development_may_have_200_events() -> None:
    assert len(logged(development(*(amended(X, at(i % 100)) for i in range(200))))) == 200


@pytest.mark.parametrize(
    "effect",
    [
        {"target": "EU", "except": ["HU"]},
        {"target": "each_of", "except": ["EU"]},
        {"target": "everyone", "except": ["EU"]},
    ],
)
def test_a_bloc_may_be_excepted_and_may_have_exceptions(effect: dict[str, Any]) -> None:
    logged(development(paused(X, effect)))


# ---------------------------------------------------------------- repairs


def standing(*events: dict[str, Any], withdrawn: bool = False) -> decide.Standing:
    said = development(*events)
    by_subject: dict[str, list[Any]] = {}
    for one in said.events:
        by_subject.setdefault(one.subject, []).append(one)
    return decide.Standing(decide.told_of(said), by_subject, withdrawn)


def repairs(command: Correction, before: decide.Standing) -> dict[str, int]:
    """Subject -> how many events the development now has there."""
    made = decide.correct("id", command, before, decide.Known([X, Y], list))
    return {r.event.subject: len(r.event.now) for r in made if isinstance(r.event, DevelopmentCorrected)}


def test_a_correction_is_told_on_every_subject_that_the_development_had_or_has() -> None:
    assert repairs(correction(amended(Y, at(1))), standing(amended(X, at(1)))) == {X: 0, Y: 1}


def test_a_correction_that_changes_nothing_is_refused() -> None:
    with pytest.raises(Refused, match="says what the record says already") as raised:
        repairs(correction(amended(X, at(1))), standing(amended(X, at(1))))
    assert raised.value.code == "conflict"


def test_a_correction_that_changes_nothing_brings_a_withdrawn_development_back() -> None:
    assert repairs(correction(amended(X, at(1))), standing(amended(X, at(1)), withdrawn=True)) == {X: 1}


def test_a_withdrawal_is_told_where_the_development_says_something() -> None:
    before = decide.Standing(standing(amended(X, at(1))).told, {X: [object()], Y: []}, withdrawn=False)  # type: ignore[list-item]
    made = decide.withdraw("id", Withdrawal(reason="no"), before)
    assert [record.event.subject for record in made] == [X]


def test_what_is_withdrawn_is_not_withdrawn_again() -> None:
    with pytest.raises(Refused, match="withdrawn already; to bring it back, correct it") as raised:
        decide.withdraw("id", Withdrawal(reason="no"), standing(amended(X, at(1)), withdrawn=True))
    assert raised.value.code == "conflict"


@pytest.mark.parametrize("reason", ["  ", "a\0b"])
def test_a_reason_is_text_too(reason: str) -> None:
    with pytest.raises(Refused, match="/reason"):
        decide.sound(Withdrawal(reason=reason))


# ---------------------------------------------------------------- the vocabulary of goods

VOCABULARY = [X, "scope:all-goods", "scope:cars"]


def test_a_record_with_a_vocabulary_holds_to_it() -> None:
    known = decide.Known(VOCABULARY, lambda: VOCABULARY)
    assert decide.log(development(amended(X, at(25, scope="cars"))), known)
    with pytest.raises(Refused, match="'car' is not defined: did you mean cars") as refused:
        decide.log(development(amended(X, at(25, scope="car"))), known)
    assert refused.value.problems[0].pointer == "/events/0/effects/0/scope"


def test_a_scope_may_be_defined_by_the_development_that_uses_it() -> None:
    known = decide.Known(VOCABULARY, lambda: VOCABULARY)
    vans = event("scope.defined", "scope:vans", about={"title": "Vans", "within": "cars"})
    assert decide.log(development(vans, amended(X, at(25, scope="vans"))), known)
    with pytest.raises(Refused, match="'vans' is not defined"):
        decide.log(development(amended(X, at(25, scope="vans")), vans), known)


def test_a_record_without_a_vocabulary_takes_any_scope() -> None:
    assert decide.log(development(amended(X, at(25, scope="anything"))), KNOWN)
