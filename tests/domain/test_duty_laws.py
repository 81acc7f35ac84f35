"""What holds of every duty, whatever the measures: sums, claims, exemptions, ceilings, quotas, precedence, content."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from domain.book import Book
from domain.given import event, opened
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.domain.duty import Duty, Goods, duty
from tracker.domain.history import Fact, History, Item, Key
from tracker.domain.paint import INSTRUMENT
from tracker.domain.scopes import Scopes
from tracker.domain.when import BEGINNING, FOREVER, asked

SCOPES = Scopes(
    {
        "scope:vehicles": {"title": "Vehicles", "hs": ["87"]},
        "scope:cars": {"title": "Cars", "within": "vehicles", "hs": ["8703"]},
        "scope:steel": {"title": "Steel", "hs": ["72"]},
        "scope:parcels": {"title": "Parcels"},
    }
)
NORMAL = "us-normal"
NAMES = ("us-a", "us-b", "us-c", "us-d")
KEYS = [f"measure:{name}" for name in NAMES]


def item(
    name: str,
    position: int = 1,
    scope: str = "all-goods",
    kind: str = "tariff",
    basis: str = INSTRUMENT,
    **said: Any,
) -> Item:
    """A measure's say, in force unless ``status`` says otherwise; ``exempt_usmca``: the exemption for that."""
    usmca = said.pop("exempt_usmca", None)
    said = {"status": "in_force", **said, **({"exemptions.usmca": usmca} if usmca else {})}
    facts = {field: Fact(value, position, "GB") for field, value in said.items()}
    key = Key(f"measure:{name}", scope, basis, "state")
    about = {"title": name, "kind": kind, "authority": "authority:us-law"}
    return Item(key, facts, BEGINNING, FOREVER, BEGINNING, FOREVER, about)


def percent(value: float, **more: Any) -> dict[str, Any]:
    return {"rate": {"percent": value, **more}}


def on_cars(*items: Item, **goods: Any) -> Duty:
    return duty(items, Goods("cars", **goods), SCOPES)


def reasons(found: Duty) -> dict[str, str]:
    return {layer.item.key.subject.partition("-")[2]: layer.reason for layer in found.layers}


rates = st.one_of(
    st.integers(0, 20).map(lambda n: {"percent": n * 2.5}),
    st.integers(0, 20).map(lambda n: {"percent": n * 2.5}),
    st.integers(0, 10).map(lambda n: {"percent": n * 2.5, "all_in": True}),
    st.sampled_from(
        [
            {"percent": 50.0, "of": "copper content"},
            {"percent": 25.0, "of": "non-US content"},
            {"percent": 10.0, "amount": {"value": 1, "currency": "USD", "per": "kg"}},
            {"at_most": 25.0},
            {"unknown": True},
            {"ban": True},
            None,
        ]
    ),
)


standings: list[dict[str, Any]] = [
    {},
    {},
    {"status": "paused"},
    {"exempt": True},
    {"legal": "struck_down"},
    {"legal": "struck_down", "collection": "collected"},
    {"collection": "refundable"},
]


@st.composite
def measures(draw: st.DrawFn, name: str, position: int) -> Item:
    said: dict[str, Any] = {"rate": draw(rates)}
    said |= draw(st.sampled_from(standings))
    said |= draw(st.sampled_from([{}, {}, {"combines": "replaces"}, {"combines": "all_in"}]))
    if draw(st.booleans()):
        said["yields_to"] = draw(st.lists(st.sampled_from([*KEYS, "authority:us-law"]), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        said["replaces"] = draw(st.lists(st.sampled_from(KEYS), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        said["quota"] = {
            "inside": {"percent": 5.0},
            "outside": draw(st.sampled_from([None, {"percent": 30.0}])),
        }
    if draw(st.integers(0, 3)) == 0:
        said["exempt_usmca"] = {
            "text": "Qualifying goods",
            "rate": draw(st.sampled_from([None, {"percent": 1.0}])),
        }
    if draw(st.integers(0, 3)) == 0:
        said |= {"transshipped": {"percent": 40.0}, "in_transit": "Spared if on the way"}
    scope = draw(st.sampled_from(["all-goods", "vehicles", "cars"]))
    return item(name, position, scope, draw(st.sampled_from(["tariff", "tariff", "quota", "fee"])), **said)


@st.composite
def worlds(draw: st.DrawFn) -> list[Item]:
    """Up to four measures on cars, and mostly a normal duty."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    found = [draw(measures(name, position)) for position, name in enumerate(names, 2)]
    if draw(st.integers(0, 2)):
        found.append(
            item(NORMAL, 1, "cars", "normal", rate=draw(st.sampled_from([{"percent": 2.5}, {"at_most": 5}])))
        )
    return found


goods = st.builds(
    Goods,
    scope=st.just("cars"),
    qualifies=st.sampled_from([frozenset(), frozenset({"usmca"}), frozenset({"in-transit"})]),
    content=st.sampled_from([{}, {"copper": 0.4}, {"copper": 0.4, "us": 0.85}]),
    transshipped=st.booleans(),
)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def sums(found: Duty) -> tuple[float | None, float | None, bool]:
    return found.total, found.total_in_quota, found.includes_normal_duty


@few
@given(worlds(), goods)
def test_the_total_is_the_sum_of_what_counts_and_unknown_where_one_of_them_is(
    world: list[Item], goods: Goods
) -> None:
    found = duty(world, goods, SCOPES)
    counting = [layer for layer in found.layers if layer.counts]
    assert all(layer.adds is None and layer.adds_inside is None for layer in found.layers if not layer.counts)
    assert all(layer.reason for layer in found.layers)
    if found.total is None:
        assert any(layer.adds is None for layer in counting)
        assert found.unknown
    else:
        assert found.total == pytest.approx(sum(layer.adds or 0.0 for layer in counting))
        assert not any(layer.adds is None for layer in counting)
    if found.total_in_quota is not None:
        assert found.total_in_quota == pytest.approx(sum(layer.adds_inside or 0.0 for layer in counting))


@few
@given(worlds(), goods, st.data())
def test_a_claim_an_exempt_measure_one_on_other_goods_and_a_partners_own_change_nothing(
    world: list[Item], goods: Goods, data: st.DataObject
) -> None:
    said = sums(duty(world, goods, SCOPES))
    more = data.draw(measures("us-z", 9))
    about = {field: fact.value for field, fact in more.facts.items() if field != "exemptions.usmca"}
    about["replaces"] = KEYS
    beside = [
        item("us-z", 9, "cars", basis="claim:threat", **about),
        item("us-z", 9, "cars", **{**about, "exempt": True}),
        item("us-z", 9, "steel", **about),
        item("gb-z", 9, "cars", **about),
        item("us-z", 9, "cars", **{**about, "status": "announced"}),
    ]
    for one in beside:
        assert sums(duty([*world, one], goods, SCOPES)) == said, one


@few
@given(worlds(), goods, st.randoms(use_true_random=False))
def test_the_order_in_which_measures_are_looked_at_says_nothing(
    world: list[Item], goods: Goods, random: Any
) -> None:
    shuffled = [*world]
    random.shuffle(shuffled)
    assert sums(duty(shuffled, goods, SCOPES)) == sums(duty(world, goods, SCOPES))


@few
@given(worlds(), goods)
def test_nothing_counts_that_gives_way_to_what_counts_for_the_whole_value(
    world: list[Item], goods: Goods
) -> None:
    counting = {layer.item.key.subject: layer for layer in duty(world, goods, SCOPES).layers if layer.counts}
    for subject, layer in counting.items():
        for other in layer.item.get("yields_to") or []:
            if other in counting and other != subject:
                assert counting[other].of, f"{subject} yields to {other}"


@few
@given(st.integers(0, 40), st.integers(0, 40))
def test_a_ceiling_that_includes_the_normal_duty_never_lowers_below_it(ceiling: int, normal: int) -> None:
    world = [
        item("us-a", **percent(ceiling, all_in=True)),
        item(NORMAL, 1, "cars", "normal", **percent(normal)),
    ]
    found = on_cars(*world)
    assert (found.total, found.includes_normal_duty) == (max(ceiling, normal), True)
    same = [item("us-a", combines="all_in", **percent(ceiling)), world[1]]
    assert on_cars(*same).total == found.total
    assert on_cars(world[0]).total == ceiling, "not on record: the ceiling is taken for both"


def test_two_ceilings_without_the_normal_duty_make_no_total() -> None:
    world = [item(name, **percent(15, all_in=True)) for name in ("us-a", "us-b")]
    assert on_cars(*world).total is None
    assert on_cars(*world, item(NORMAL, 1, "cars", "normal", **percent(2.5))).total == 27.5


def test_what_is_charged_if_transshipped_comes_on_top_of_the_normal_duty_though_the_rate_would_include_it() -> (
    None
):
    world = [item("us-a", combines="all_in", transshipped={"percent": 40}, **percent(15)),
             item(NORMAL, 1, "cars", "normal", **percent(2.5))]  # fmt: skip
    assert on_cars(*world).total == 15
    assert on_cars(*world, transshipped=True).total == 42.5


@few
@given(st.integers(0, 100), st.integers(0, 50), st.integers(0, 50))
def test_what_gives_way_to_a_rate_on_a_part_of_the_value_is_charged_on_the_rest(
    share: int, metal: int, base: int
) -> None:
    world = [item("us-metal", **percent(metal, of="copper content")),
             item("us-base", yields_to=["measure:us-metal"], **percent(base))]  # fmt: skip
    found = on_cars(*world, content={"copper": share / 100})
    assert found.total == pytest.approx((metal * share + base * (100 - share)) / 100)
    assert on_cars(*world).total is None
    assert "copper content" in reasons(found)["base"]


def test_two_rates_on_parts_leave_the_rest_of_both() -> None:
    world = [item("us-copper", **percent(50, of="copper content")), item("us-steel", **percent(50, of="steel content")),
             item("us-base", yields_to=["measure:us-copper", "measure:us-steel"], **percent(10))]  # fmt: skip
    assert on_cars(*world, content={"copper": 0.25, "steel": 0.25}).total == 30
    assert on_cars(*world, content={"copper": 0.25}).total is None


def ring(*yields: tuple[str, str]) -> list[Item]:
    return [item(name, position, yields_to=[f"measure:{other}"], **percent(10))
            for position, (name, other) in enumerate(yields, 1)]  # fmt: skip


def test_a_measure_that_gives_way_pushes_nobody_aside() -> None:
    found = on_cars(*ring(("us-a", "us-b"), ("us-b", "us-c")), item("us-c", **percent(30)))
    assert {name for name, reason in reasons(found).items() if reason == "in force"} == {"a", "c"}
    assert found.total == 40


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_that_give_way_to_each_other_the_one_with_newer_terms_counts(order: Iterable[int]) -> None:
    world = ring(("us-a", "us-b"), ("us-b", "us-a"))
    found = on_cars(*(world[i] for i in order))
    assert reasons(found) == {"a": "yields to us-b", "b": "in force"}


def test_many_that_each_replace_all_others_are_told_apart_at_once() -> None:
    world = [item(f"us-m{n:02}", n + 1, combines="replaces", **percent(n)) for n in range(40)]
    found = on_cars(*world)
    assert (found.total, [layer.item.position for layer in found.layers if layer.counts]) == (39, [40])


def test_what_replaces_all_rates_leaves_the_normal_duty_and_lifts_no_ban() -> None:
    free = item("us-a", combines="replaces", **percent(0))
    normal = item(NORMAL, 1, "cars", "normal", **percent(2.5))
    assert on_cars(free, normal, item("us-b", **percent(25))).total == 2.5
    banned = on_cars(free, item("us-ban", kind="ban", rate=None))
    assert banned.total is None
    assert any("bans" in reason for reason in banned.unknown)


@pytest.mark.parametrize(
    ("said", "total", "reason"),
    [
        ({"status": "paused"}, 0, "paused"),
        ({"status": "ended"}, 0, "ended"),
        ({"status": None}, 0, "no status"),
        ({"exempt": True}, 0, "exempt"),
        ({"exempt": True, "refund": "due"}, 0, "exempt, refund due"),
        ({"legal": "struck_down"}, 0, "struck down"),
        ({"legal": "struck_down", "stayed": True}, 25, "in force"),
        ({"legal": "struck_down", "collection": "collected"}, 25, "struck down, still collected"),
        ({"legal": "enjoined", "collection": "not_collected"}, 0, "not collected"),
        ({"collection": "refundable"}, 0, "refundable"),
        ({}, 25, "in force"),
    ],
    ids=str,
)
def test_standing_decides_whether_it_counts_and_says_why(
    said: Mapping[str, Any], total: float, reason: str
) -> None:
    found = on_cars(item("us-a", **percent(25), **said))
    assert (found.total, reasons(found)["a"]) == (total, reason)


def test_goods_that_meet_two_exemptions_take_the_one_that_spares_them() -> None:
    one = item(
        "us-a",
        in_transit="Spared if on the way",
        exempt_usmca={"text": "USMCA", "rate": {"percent": 10}},
        **percent(25),
    )
    assert on_cars(one, qualifies=frozenset({"usmca"})).total == 10
    both = on_cars(one, qualifies=frozenset({"usmca", "in-transit"}))
    assert (both.total, reasons(both)["a"]) == (0, "exempt: Spared if on the way")
    assert on_cars(item("us-a", **{"exemptions.usmca": {"text": "It was", "ended": True}}, **percent(25)),
                   qualifies=frozenset({"usmca"})).total == 25  # fmt: skip


def test_the_narrowest_scope_speaks_and_a_wider_one_where_it_is_silent() -> None:
    world = [
        item("us-a", **percent(25)),
        item("us-a", scope="cars", **percent(10)),
        item("us-a", scope="steel", **percent(50)),
    ]
    assert [duty(world, Goods(scope), SCOPES).total for scope in ("cars", "vehicles", "all-goods", "steel")] == [
        10, 25, 25, 50,
    ]  # fmt: skip


def test_what_stands_for_a_part_of_the_goods_is_told_beside() -> None:
    world = [item("us-a", scope="cars", **percent(25)), item("us-b", scope="parcels", **percent(0)),
             item("us-c", scope="steel", status="ended", **percent(0))]  # fmt: skip

    def parts(scope: str) -> list[str]:
        return [part.key.subject for part in duty(world, Goods(scope), SCOPES).parts]

    assert parts("vehicles") == ["measure:us-a", "measure:us-b"]
    assert parts("cars") == ["measure:us-b"], "a list without headings may hold cars"
    assert parts("parcels") == []


def test_within_a_quota_the_rate_inside_and_beyond_it_the_rate_outside() -> None:
    normal = item(NORMAL, 1, "cars", "normal", **percent(2.5))
    quota = item("us-a", quota={"inside": {"percent": 7.5}, "outside": {"percent": 25}}, **percent(50))
    assert sums(on_cars(quota, normal)) == (27.5, 10, True)
    unstated = item("us-a", quota={"inside": {"unknown": True}, "outside": {"percent": 25}})
    assert sums(on_cars(unstated, normal)) == (27.5, None, True)


def test_a_ruling_for_named_parties_alone_is_theirs_alone() -> None:
    book = Book()
    tariff = opened("measure:us-x", {"target": "everyone", "scope": "cars", "set": percent(25)})
    book.log({"title": "A tariff", "announced": "2025-01-02", "events": [tariff]})
    ruling = {"target": "party:vos", "set": {"collection": "not_collected"}}
    ruled = event("ruling.issued", "measure:us-x", ruling)
    book.log({"title": "A ruling", "announced": "2025-01-05", "events": [ruled]})

    def total(party: str | None, day: str) -> float | None:
        seen = History("GB", book.rows, {"measure:us-x": {"title": "A tariff"}}, party)
        return duty(seen.items(asked(day, "UTC")), Goods("cars"), SCOPES).total

    assert [total(party, "2025-01-06T12:00Z") for party in (None, "party:vos", "party:other")] == [25, 0, 25]
    assert total("party:vos", "2025-01-04T12:00Z") == 25
