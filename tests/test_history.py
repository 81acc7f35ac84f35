"""Questions about real history, asked of the founding record: what applied on that day, as known on that day?

The expected answers are taken from the instruments and reports that the fixtures name, not from the tracker.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine

from tracker import read
from tracker.domain import words
from tracker.domain.views import ItemView, PartnerState
from tracker.store.engine import reading

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def record(real_history: Engine) -> Iterator[Connection]:
    with reading(real_history) as connection:
        yield connection


def asked(record: Connection, partner: str, as_of: str, known_at: str | None) -> PartnerState:
    at = read.point(record, now=NOW, zone="America/New_York", as_of=as_of, known_at=known_at)
    return read.state(record, partner, at)


def layers(state: PartnerState, scope: str = "all-goods", actor: str = "US") -> dict[str, str]:
    """The layers that count, in a scope: measure -> rate."""
    return {
        item.subject.partition("-")[2]: words.rate(item.state["rate"])
        for item in state.measures
        if item.counts and item.scope == scope and item.actor == actor
    }


def measure(state: PartnerState, key: str, scope: str = "all-goods") -> ItemView:
    return next(item for item in state.measures if item.subject == f"measure:{key}" and item.scope == scope)


FENTANYL, BASELINE, COUNTRY = "ieepa-fentanyl", "ieepa-reciprocal-baseline", "ieepa-reciprocal-country"


@pytest.mark.parametrize(
    ("partner", "as_of", "known_at", "expected"),
    [
        # Before anything: no layer on all goods.
        ("CN", "2025-01-31", "2025-01-31", {}),
        ("MX", "2025-01-31", None, {}),
        # Announced on 1 February for the 4th.
        ("CN", "2025-02-03", "2025-02-03", {}),
        ("CN", "2025-02-04", "2025-02-04", {f"{FENTANYL}-cn": "10%"}),
        ("CN", "2025-03-04", "2025-03-04", {f"{FENTANYL}-cn": "20%"}),
        ("CN", "2025-03-10", "2025-03-01", {f"{FENTANYL}-cn": "10%"}),
        # Paused before it applied, until 4 March, when it resumes by itself.
        ("MX", "2025-02-10", "2025-02-10", {}),
        ("CA", "2025-02-10", None, {}),
        ("MX", "2025-02-10", "2025-02-02", {f"{FENTANYL}-mx": "25%"}),
        ("MX", "2025-03-05", "2025-02-10", {f"{FENTANYL}-mx": "25%"}),
        ("CA", "2025-03-05", "2025-03-05", {f"{FENTANYL}-ca": "25%"}),
        # The baseline from 5 April, not for Canada and Mexico.
        ("GB", "2025-04-04", "2025-04-04", {}),
        ("GB", "2025-04-05", "2025-04-05", {BASELINE: "10%"}),
        ("AU", "2025-04-09T12:00-04:00", "2025-04-09T12:00-04:00", {BASELINE: "10%"}),
        ("CA", "2025-04-20", "2025-04-20", {f"{FENTANYL}-ca": "25%"}),
        # Country rates from 00:01 on 9 April to 00:01 on 10 April, New York.
        ("VN", "2025-04-09T00:00-04:00", "2025-04-09T00:00-04:00", {BASELINE: "10%"}),
        ("VN", "2025-04-09T00:01-04:00", "2025-04-09T00:01-04:00", {COUNTRY: "46%"}),
        ("VN", "2025-04-09T12:00-04:00", "2025-04-09T12:00-04:00", {COUNTRY: "46%"}),
        ("VN", "2025-04-10T00:00-04:00", None, {COUNTRY: "46%"}),
        ("VN", "2025-04-10T00:01-04:00", None, {BASELINE: "10%"}),
        ("DE", "2025-04-09T12:00-04:00", None, {COUNTRY: "20%"}),
        ("VN", "2025-04-11", "2025-04-09T12:00-04:00", {COUNTRY: "46%"}),
        # China is not paused.
        ("CN", "2025-04-09T12:00-04:00", "2025-04-09T12:00-04:00", {f"{FENTANYL}-cn": "20%", COUNTRY: "84%"}),
        ("CN", "2025-04-10", "2025-04-10", {f"{FENTANYL}-cn": "20%", COUNTRY: "125%"}),
        ("CN", "2025-05-13", "2025-05-13", {f"{FENTANYL}-cn": "20%", COUNTRY: "125%"}),
        ("CN", "2025-05-14", "2025-05-14", {f"{FENTANYL}-cn": "20%", COUNTRY: "10%"}),
        # What the truce would have come back to, and did not.
        ("CN", "2025-08-20", "2025-07-01", {f"{FENTANYL}-cn": "20%", COUNTRY: "34%"}),
        ("CN", "2025-08-20", "2025-08-20", {f"{FENTANYL}-cn": "20%", COUNTRY: "10%"}),
        # The pause was to end on 9 July; extended to 1 August; then the new rates from 7 August.
        ("JP", "2025-07-15", "2025-05-01", {COUNTRY: "24%"}),
        ("JP", "2025-07-15", "2025-07-15", {BASELINE: "10%"}),
        ("JP", "2025-08-03", "2025-07-15", {COUNTRY: "24%"}),
        ("JP", "2025-08-03", "2025-08-03", {BASELINE: "10%"}),
        ("JP", "2025-08-08", "2025-08-08", {COUNTRY: "15%"}),
        ("CH", "2025-08-08", "2025-08-08", {COUNTRY: "39%"}),
        ("MY", "2025-08-08", "2025-08-08", {COUNTRY: "19%"}),
        ("TW", "2025-08-08", "2025-08-08", {COUNTRY: "20%"}),
        ("DE", "2025-08-08", "2025-08-08", {COUNTRY: "15%"}),
        ("SG", "2025-08-08", "2025-08-08", {BASELINE: "10%"}),
        ("AU", "2025-08-08", "2025-08-08", {BASELINE: "10%"}),
        # Canada's own step.
        ("CA", "2025-07-31", "2025-07-31", {f"{FENTANYL}-ca": "25%"}),
        ("CA", "2025-08-02", "2025-08-02", {f"{FENTANYL}-ca": "35%"}),
        # Mexico's threatened 30% was held off.
        ("MX", "2025-08-02", "2025-08-02", {f"{FENTANYL}-mx": "25%"}),
    ],
)
def test_the_layers_on_all_goods(record, partner, as_of, known_at, expected):
    assert layers(asked(record, partner, as_of, known_at)) == expected


@pytest.mark.parametrize(
    ("partner", "scope", "as_of", "known_at", "expected"),
    [
        ("GB", "steel", "2025-03-11", "2025-03-11", {}),
        ("GB", "steel", "2025-03-12", "2025-03-12", {"232-steel": "25%"}),
        ("KR", "steel", "2025-06-04", "2025-06-04", {"232-steel": "50%"}),
        ("GB", "steel", "2025-06-04", "2025-06-04", {"232-steel": "25%"}),
        ("GB", "aluminium", "2025-06-05", None, {"232-aluminium": "25%"}),
        ("JP", "cars", "2025-04-02", "2025-04-02", {"normal-duty": "2.5%"}),
        ("JP", "cars", "2025-04-03", "2025-04-03", {"normal-duty": "2.5%", "232-autos": "25%"}),
        ("JP", "auto-parts", "2025-05-02", "2025-05-02", {}),
        ("JP", "auto-parts", "2025-05-03", "2025-05-03", {"232-autos": "25%"}),
        ("GB", "cars", "2025-05-20", "2025-05-20", {"normal-duty": "2.5%", "232-autos": "25%"}),
        ("CA", "energy", "2025-03-05", "2025-03-05", {f"{FENTANYL}-ca": "10%"}),
        ("CA", "energy", "2025-08-02", "2025-08-02", {f"{FENTANYL}-ca": "10%"}),
        ("CN", "smartphones", "2025-04-06", "2025-04-12", {}),
    ],
)
def test_the_layers_on_a_product(record, partner, scope, as_of, known_at, expected):
    assert layers(asked(record, partner, as_of, known_at), scope) == expected


def test_smartphones_were_charged_until_the_exemption_reached_back(record):
    then = asked(record, "CN", "2025-04-06", "2025-04-06")
    assert layers(then) == {f"{FENTANYL}-cn": "20%", BASELINE: "10%"}
    assert not [item for item in then.measures if item.scope == "smartphones"]
    now = measure(asked(record, "CN", "2025-04-06", "2025-04-12"), f"us-{BASELINE}", "smartphones")
    assert (now.counts, now.reason, now.state["refund"]) == (False, "exempt, refund due", "due")


def test_brazil_and_india_pay_a_layer_of_their_own(record):
    brazil = layers(asked(record, "BR", "2025-08-07", "2025-08-07"))
    assert sorted(brazil.values()) == ["10%", "40%"]
    assert sorted(layers(asked(record, "IN", "2025-08-26", "2025-08-26")).values()) == ["25%"]
    assert sorted(layers(asked(record, "IN", "2025-08-27", "2025-08-27")).values()) == ["25%", "25%"]


def test_the_country_rates_of_april_are_still_there_under_the_pause(record):
    item = measure(asked(record, "VN", "2025-06-01", "2025-06-01"), f"us-{COUNTRY}")
    assert (item.state["status"], words.rate(item.state["rate"]), item.counts) == ("paused", "46%", False)


def test_china_answers(record):
    state = asked(record, "CN", "2025-04-20", "2025-04-20")
    assert "125%" in layers(state, actor="CN").values()
    assert "34%" in layers(asked(record, "CN", "2025-04-20", "2025-04-05"), actor="CN").values()


def test_what_china_announced_on_the_fourth_was_not_known_on_the_third(record):
    assert layers(asked(record, "CN", "2025-04-20", "2025-04-03"), actor="CN") == {}
    assert "34%" in layers(asked(record, "CN", "2025-04-20", "2025-04-04"), actor="CN").values()


def test_up_to_245_is_a_claim(record):
    state = asked(record, "CN", "2025-04-15", "2025-04-15")
    said = next(claim for claim in state.claims if claim.claim == "up-to-245")
    assert words.rate(said.state["rate"]) == "up to 245%"
    assert all(words.rate(item.state.get("rate", {})) != "up to 245%" for item in state.measures)
    later = asked(record, "CN", "2025-04-17", "2025-04-17")
    assert next(c for c in later.claims if c.claim == "up-to-245").state["outcome"] == "corrected"


def test_a_threat_withdrawn_the_same_day_never_applied(record):
    state = asked(record, "CA", "2025-03-13", "2025-03-11")
    assert layers(state, "steel").get("232-steel") == "25%"


def test_a_rule_that_reaches_back_decides_what_gives_way(record):
    """From 4 March, as was ordered on 29 April, steel yields to the border tariff; since 4 June the other way round."""
    then = measure(asked(record, "CA", "2025-03-13", None), "us-232-steel", "steel")
    assert (then.counts, then.reason) == (False, "yields to Fentanyl and border tariff on Canada")
    now = measure(asked(record, "CA", "2025-06-05", None), "us-232-steel", "steel")
    assert (now.counts, words.rate(now.state["rate"])) == (True, "50%")


def test_struck_down_but_stayed_and_collected(record):
    item = measure(asked(record, "CH", "2025-08-30", None), f"us-{COUNTRY}")
    assert (item.state["legal"], item.state["stayed"], item.counts) == ("struck_down", True, True)
    before_the_stay = measure(asked(record, "GB", "2025-05-28", None), f"us-{BASELINE}")
    assert before_the_stay.state["legal"] == "struck_down"


def test_the_uk_deal_has_provisions_each_with_a_state_of_its_own(record):
    def standing(as_of: str) -> dict[str, str]:
        state = asked(record, "GB", as_of, as_of)
        return {p.key: p.state["status"] for deal in state.agreements for p in deal.provisions}

    assert standing("2025-05-01") == {}
    assert set(standing("2025-05-08").values()) == {"announced"}
    july = standing("2025-07-01")
    assert (july["cars"], july["aerospace"]) == ("in_force", "in_force")
    assert {july[key] for key in ("steel-aluminium", "beef", "ethanol", "boeing", "technology")} == {
        "announced"
    }
    provisions = asked(record, "GB", "2025-07-01", None).agreements[0].provisions
    cars = next(p for p in provisions if p.key == "cars").state
    assert (words.rate(cars["before"]), words.rate(cars["after"])) == ("27.5%", "10%")
    assert cars["quota"]["quantity"] == 100_000
    beef = next(p for p in provisions if p.key == "beef").state
    assert beef["quota"]["quantity"] == 13_000
    boeing = next(p for p in provisions if p.key == "boeing").state
    assert words.amount(boeing["amount"]) == "US$10 billion"


def test_the_eu_deal_is_germanys_too(record):
    state = asked(record, "DE", "2025-08-22", "2025-08-22")
    assert [deal.agreement.via for deal in state.agreements] == ["EU"]
    assert state.in_writing is True
    assert asked(record, "DE", "2025-07-28", "2025-07-28").in_writing is False


def test_talks_with_canada_were_broken_off_for_two_days(record):
    def talks(as_of: str) -> str | None:
        state = asked(record, "CA", as_of, as_of)
        return state.talks.state["status"] if state.talks else None

    assert talks("2025-06-28") == "broken_off"
    assert talks("2025-06-30") == "under_way"


def test_beyond_the_end_of_the_record_every_answer_says_so(record):
    assert asked(record, "GB", "2025-08-31", None).temporal.beyond_coverage is False
    assert asked(record, "GB", "2025-09-01", None).temporal.beyond_coverage is True


def test_what_the_document_leaves_out_is_missing_not_zero(record):
    belgium = asked(record, "BE", "2025-06-01", None)
    assert belgium.profile is None or "imports" not in belgium.profile.state
