"""Layers, ceilings, quotas, exemptions: what goods pay, and why."""

import json
from pathlib import Path

import pytest

from tests.situations.desk import Desk, effect, measure

IEEPA, S232, S301 = ({"authority": f"us-{name}"} for name in ("ieepa", "section-232", "section-301"))
BASELINE, COUNTRY, AUTOS = "us-ieepa-reciprocal-baseline", "us-ieepa-reciprocal-country", "us-232-autos"
FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_several_layers_on_one_product(desk: Desk) -> None:
    desk.log(
        "Section 301, from before",
        "2025-01-01",
        measure(
            "announced",
            "us-301-cn",
            effect("CN", 50, "2025-01-01", scope="semiconductors"),
            effect("CN", 100, "2024-09-27", scope="syringes"),
            title="Section 301",
            **S301,
        ),
    )
    desk.log(
        "Fentanyl",
        "2025-02-01",
        measure(
            "announced",
            "us-ieepa-fentanyl-cn",
            effect("CN", 10, "2025-02-04T00:01-05:00"),
            title="Fentanyl",
            **IEEPA,
        ),
    )
    desk.log(
        "Doubled",
        "2025-03-03",
        measure("amended", "us-ieepa-fentanyl-cn", effect("CN", 20, "2025-03-04T00:01-05:00")),
    )
    desk.log(
        "Reciprocal",
        "2025-04-09",
        measure(
            "announced", COUNTRY, effect("CN", 125, "2025-04-10T00:01-04:00"), title="Reciprocal", **IEEPA
        ),
    )
    desk.log(
        "Chips spared",
        "2025-04-11",
        measure(
            "amended",
            COUNTRY,
            effect("CN", since="2025-04-05T00:01-04:00", scope="semiconductors", exempt=True),
        ),
    )
    assert desk.total("CN", "2025-04-20", scope="syringes") == 245
    assert desk.total("CN", "2025-04-20") == 145
    assert desk.total("CN", "2025-04-10", "2025-04-10", scope="semiconductors") == 195
    assert desk.total("CN", "2025-04-10", scope="semiconductors") == 70
    desk.log(
        "Fentanyl down to 10%",
        "2025-11-04",
        measure("amended", "us-ieepa-fentanyl-cn", effect("CN", 10, "2025-11-10T00:01-05:00")),
    )
    layers = {x["title"]: x["adds"] for x in desk.duty("CN", "2025-11-10", scope="syringes")["layers"]}
    assert layers == {"Section 301": 100, "Fentanyl": 10, "Reciprocal": 125}


def test_precedence_rules_with_dates(desk: Desk) -> None:
    """Cars before fentanyl before steel, said on 29 April and back to 4 March; turned round for steel on 4 June."""
    fentanyl, steel, start = "us-ieepa-fentanyl-ca", "us-232-steel", "2025-03-04T00:01-05:00"
    desk.log(
        "Fentanyl",
        "2025-02-01",
        measure("announced", fentanyl, effect("CA", 25, start), title="Fentanyl", **IEEPA),
    )
    desk.log(
        "Steel",
        "2025-02-10",
        measure(
            "announced",
            steel,
            effect("everyone", 25, "2025-03-12T00:01-04:00", scope="steel"),
            title="Steel",
            **S232,
        ),
    )
    desk.log(
        "Cars",
        "2025-03-26",
        measure(
            "announced",
            AUTOS,
            effect("everyone", 25, "2025-04-03T00:01-04:00", scope="cars"),
            title="Cars",
            **S232,
        ),
    )
    desk.log(
        "What gives way to what",
        "2025-04-29",
        measure("amended", fentanyl, effect("CA", since=start, yields_to=[f"measure:{AUTOS}"])),
        measure(
            "amended",
            steel,
            effect("CA", since=start, scope="steel", yields_to=[f"measure:{AUTOS}", f"measure:{fentanyl}"]),
        ),
    )
    desk.log(
        "Steel at 50%, and first",
        "2025-06-03",
        measure(
            "amended",
            steel,
            effect("everyone", 50, "2025-06-04T00:01-04:00", scope="steel"),
            effect("CA", since="2025-06-04T00:01-04:00", scope="steel", yields_to=[f"measure:{AUTOS}"]),
        ),
        measure(
            "amended",
            fentanyl,
            effect("CA", since="2025-06-04T00:01-04:00", yields_to=[f"measure:{AUTOS}", f"measure:{steel}"]),
        ),
    )
    assert desk.total("CA", "2025-04-10", "2025-04-10", scope="cars") == 52.5
    assert desk.total("CA", "2025-04-10", scope="cars") == 27.5
    assert desk.reasons("CA", "2025-05-10", scope="steel") == {
        fentanyl: "in force",
        steel: "yields to Fentanyl",
    }
    assert desk.reasons("CA", "2025-06-10", scope="steel") == {fentanyl: "yields to Steel", steel: "in force"}
    assert [desk.total("CA", on, scope="steel") for on in ("2025-05-10", "2025-06-10")] == [25, 50]
    assert desk.total("DE", "2025-06-10", scope="steel") == 50


def test_all_in_ceilings(desk: Desk) -> None:
    desk.log(
        "15% in all for the Union",
        "2025-07-31",
        measure(
            "announced",
            COUNTRY,
            effect("EU", since="2025-08-07T00:01-04:00", rate={"percent": 15, "all_in": True}),
            effect("CH", 39, "2025-08-07T00:01-04:00"),
            title="Reciprocal",
            **IEEPA,
        ),
    )
    assert (
        desk.total("DE", "2025-08-10", scope="cars"),
        desk.total("DE", "2025-08-10", scope="light-trucks"),
    ) == (15, 25)
    trucks = {x["measure"]: x["adds"] for x in desk.duty("DE", "2025-08-10", scope="light-trucks")["layers"]}
    assert trucks == {f"measure:{COUNTRY}": 0, "measure:us-normal-duty": 25}, (
        "nothing where the normal duty is more"
    )
    found = desk.duty("DE", "2025-08-10")
    assert (found["total"], found["includes_normal_duty"]) == (15, True)
    desk.log(
        "Switzerland too, back to 14 November",
        "2025-12-18",
        measure(
            "amended",
            COUNTRY,
            effect("CH", since="2025-11-14T00:01-05:00", rate={"percent": 15, "all_in": True}, refund="due"),
        ),
    )
    assert desk.total("CH", "2025-11-20", "2025-12-01", scope="cars") == 41.5
    assert desk.total("CH", "2025-11-20", scope="cars") == 15


def test_rates_that_replace_others(desk: Desk) -> None:
    desk.log(
        "Baseline",
        "2025-04-02",
        measure(
            "announced", BASELINE, effect("everyone", 10, "2025-04-05T00:01-04:00"), title="Baseline", **IEEPA
        ),
    )
    desk.log(
        "Country rates instead of the baseline",
        "2025-07-31",
        measure(
            "announced",
            COUNTRY,
            effect("VN", 20, "2025-08-07T00:01-04:00", replaces=[f"measure:{BASELINE}"]),
            title="Country rates",
            **IEEPA,
        ),
    )
    assert [desk.total("VN", on) for on in ("2025-08-06", "2025-08-07")] == [10, 20]
    assert desk.reasons("VN", "2025-08-07") == {BASELINE: "replaced by Country rates", COUNTRY: "in force"}
    assert desk.total("MY", "2025-08-07") == 10
    assert desk.total("VN", "2025-08-07", "2025-07-30") == 10


def test_quotas_with_rates_inside_and_outside_and_proration(desk: Desk) -> None:
    """The share of 2025 is worked out by days (185 of 365): 100,000 a year from 30 June."""
    desk.log(
        "Cars",
        "2025-03-26",
        measure(
            "announced",
            AUTOS,
            effect("everyone", 25, "2025-04-03T00:01-04:00", scope="cars"),
            title="Cars",
            **S232,
        ),
    )
    rates = {"inside": {"percent": 7.5}, "outside": {"percent": 25}}
    desk.log(
        "A quota for British cars",
        "2025-06-16",
        measure(
            "amended",
            AUTOS,
            effect(
                "GB",
                since="2025-06-30T00:01-04:00",
                until="2026-01-01",
                scope="cars",
                quota={
                    "quantity": 50685,
                    "unit": "cars",
                    "period": "once",
                    **rates,
                    "text": "opened by the quarter",
                },
            ),
            effect(
                "GB",
                since="2026-01-01",
                scope="cars",
                quota={"quantity": 100000, "unit": "cars", "period": "year", **rates},
            ),
        ),
    )
    found = desk.duty("GB", "2025-07-01", scope="cars")
    assert (found["total"], found["total_in_quota"]) == (27.5, 10)
    layer = next(x for x in found["layers"] if x["measure"] == f"measure:{AUTOS}")
    assert (layer["rate"], layer["rate_in_quota"], layer["state"]["quota"]["quantity"]) == (25, 7.5, 50685)
    assert desk.measure("GB", AUTOS, "2026-03-01", scope="cars")["state"]["quota"]["quantity"] == 100000
    assert desk.duty("GB", "2026-03-01", scope="cars")["total_in_quota"] == 10
    before = desk.duty("GB", "2025-07-01", "2025-06-01", scope="cars")
    assert (before["total"], before["total_in_quota"]) == (27.5, None)


def test_exemptions_by_agreement(desk: Desk) -> None:
    key = "us-ieepa-fentanyl-ca"
    desk.log(
        "25% on Canada",
        "2025-02-01",
        measure(
            "announced",
            key,
            effect("CA", 25, "2025-03-04T00:01-05:00", scope="all-goods"),
            effect("CA", 10, "2025-03-04T00:01-05:00", scope="energy"),
            title="Fentanyl",
            **IEEPA,
        ),
    )
    desk.log(
        "USMCA goods spared, potash at 10%",
        "2025-03-06",
        measure(
            "amended",
            key,
            effect(
                "CA",
                since="2025-03-07T00:01-05:00",
                exemptions={"usmca": {"text": "goods that qualify under USMCA"}},
            ),
            effect("CA", 10, "2025-03-07T00:01-05:00", scope="potash"),
        ),
    )
    for scope, plain in (("all-goods", 25), ("energy", 10), ("potash", 10)):
        assert desk.total("CA", "2025-03-08", scope=scope) == plain
        assert desk.total("CA", "2025-03-08", scope=scope, usmca="true") == 0
    assert desk.total("CA", "2025-03-06T12:00-05:00", usmca="true") == 25
    assert desk.total("CA", "2025-03-08", "2025-03-05", usmca="true") == 25
    assert desk.reasons("CA", "2025-03-08", usmca="true") == {key: "exempt: goods that qualify under USMCA"}


def test_exemptions_by_product_list(desk: Desk) -> None:
    extra = "us-ieepa-brazil"
    desk.log(
        "Baseline",
        "2025-04-02",
        measure(
            "announced", BASELINE, effect("everyone", 10, "2025-04-05T00:01-04:00"), title="Baseline", **IEEPA
        ),
    )
    desk.log(
        "40% more on Brazil, but for a list",
        "2025-07-30",
        measure(
            "announced",
            extra,
            effect("BR", 40, "2025-08-06T00:01-04:00"),
            effect("BR", since="2025-08-06T00:01-04:00", scope="orange-juice", exempt=True),
            title="Brazil",
            **IEEPA,
        ),
    )
    desk.log(
        "Coffee, beef and bananas freed of the reciprocal tariff",
        "2025-11-14",
        measure(
            "amended",
            BASELINE,
            *(
                effect("everyone", since="2025-11-13T00:01-05:00", scope=s, exempt=True, refund="due")
                for s in ("coffee", "beef", "bananas")
            ),
        ),
    )
    desk.log(
        "And of Brazil's 40%",
        "2025-11-20",
        measure(
            "amended",
            extra,
            *(
                effect("BR", since="2025-11-13T00:01-05:00", scope=s, exempt=True, refund="due")
                for s in ("coffee", "beef")
            ),
        ),
    )
    assert desk.total("BR", "2025-11-15", scope="coffee") == 0
    assert desk.total("BR", "2025-11-15", "2025-11-15", scope="coffee") == 40
    assert desk.total("BR", "2025-11-15", "2025-11-13", scope="coffee") == 50
    assert (desk.total("BR", "2025-11-15"), desk.total("BR", "2025-11-15", scope="orange-juice")) == (50, 10)
    assert desk.total("VN", "2025-11-15", scope="coffee") == 0


@pytest.mark.parametrize(("content", "total"), [(None, 10), ("us-19", 10), ("us-20", 8), ("us-85", 1.5)])
def test_exemptions_by_content(desk: Desk, content: str | None, total: float) -> None:
    """Goods of which a fifth or more is American pay only on the rest."""
    desk.log(
        "Baseline",
        "2025-04-02",
        measure(
            "announced",
            BASELINE,
            effect(
                "everyone",
                10,
                "2025-04-05T00:01-04:00",
                exemptions={
                    "us-20": {
                        "text": "a fifth or more is American",
                        "rate": {"percent": 10, "of": "non-US content"},
                    }
                },
            ),
            title="Baseline",
            **IEEPA,
        ),
    )
    assert desk.total("IN", "2025-05-01", content=content) == total


def test_content_based_rates(desk: Desk) -> None:
    desk.log(
        "50% of the copper content",
        "2025-07-30",
        measure(
            "announced",
            "us-232-copper",
            effect(
                "everyone",
                since="2025-08-01T00:01-04:00",
                scope="copper",
                rate={"percent": 50, "of": "copper content"},
            ),
            title="Copper",
            **S232,
        ),
        measure(
            "announced",
            BASELINE,
            effect("everyone", 10, "2025-04-05T00:01-04:00", scope="all-goods"),
            effect(
                "everyone",
                since="2025-08-01T00:01-04:00",
                scope="copper",
                rate={"percent": 10, "of": "non-copper content"},
            ),
            title="Baseline",
            **IEEPA,
        ),
    )
    assert desk.total("MY", "2025-08-02", scope="copper-products", content="copper-40") == 26
    found = desk.duty("MY", "2025-08-02", scope="copper-products")
    assert found["total"] is None
    assert any("50% of copper content" in why for why in found["unknown"])
    assert desk.duty("MY", "2025-08-02", "2025-07-29", scope="copper-products")["layers"] == []


def test_transshipment_rates(desk: Desk) -> None:
    key = "us-ieepa-fentanyl-ca"
    desk.log(
        "25%",
        "2025-02-01",
        measure("announced", key, effect("CA", 25, "2025-03-04T00:01-05:00"), title="Fentanyl", **IEEPA),
    )
    desk.log(
        "35%, 40% if transshipped",
        "2025-07-31",
        measure("amended", key, effect("CA", 35, "2025-08-01T00:01-04:00", transshipped={"percent": 40})),
    )
    assert (desk.total("CA", "2025-08-02"), desk.total("CA", "2025-08-02", transshipped="true")) == (35, 40)
    assert desk.total("CA", "2025-07-31", transshipped="true") == 25
    assert desk.total("CA", "2025-08-02", "2025-07-30", transshipped="true") == 25


def test_in_transit_rules(desk: Desk) -> None:
    """Goods on the last leg before 7 August and entered before 5 October pay as before: 10% instead of 20%."""
    on_the_way = {
        "in-transit": {
            "text": "on the last leg before 7 August, entered before 5 October",
            "rate": {"percent": 10},
        }
    }
    desk.log(
        "20% on Vietnam",
        "2025-07-31",
        measure(
            "announced",
            COUNTRY,
            effect("VN", 20, "2025-08-07T00:01-04:00"),
            effect(
                "VN", since="2025-08-07T00:01-04:00", until="2025-10-05T00:01-04:00", exemptions=on_the_way
            ),
            title="Reciprocal",
            **IEEPA,
        ),
    )
    assert desk.total("VN", "2025-09-01") == 20
    assert desk.total("VN", "2025-09-01", qualifies="in-transit") == 10
    assert desk.total("VN", "2025-10-05", qualifies="in-transit") == 20


def test_measures_on_everyone_except_some(desk: Desk) -> None:
    desk.log(
        "Baseline",
        "2025-04-02",
        measure(
            "announced",
            BASELINE,
            effect("everyone", 10, "2025-04-05T00:01-04:00", except_=["CA", "MX"]),
            title="Baseline",
            **IEEPA,
        ),
    )
    desk.log(
        "Steel 25%",
        "2025-02-10",
        measure(
            "announced",
            "us-232-steel",
            effect("everyone", 25, "2025-03-12T00:01-04:00", scope="steel"),
            title="Steel",
            **S232,
        ),
    )
    desk.log(
        "Steel 50%, Britain as it was",
        "2025-06-03",
        measure(
            "amended",
            "us-232-steel",
            effect("everyone", 50, "2025-06-04T00:01-04:00", scope="steel", except_=["GB"]),
        ),
    )
    assert [desk.total(code, "2025-05-01") for code in ("CN", "CA", "MX")] == [10, 0, 0]
    assert [desk.total(code, "2025-06-10", scope="steel") for code in ("CA", "GB", "JP")] == [50, 35, 60]
    assert desk.total("JP", "2025-06-10", "2025-06-01", scope="steel") == 35
    (layer,) = desk.get("/v1/duty", measure=BASELINE, as_of="2025-05-01")["layers"]
    assert (layer["partner"], layer["except"]) == ("everyone", ["CA", "MX"])


def test_group_lists_of_57_or_70_partners_with_their_own_rates_in_one_act(desk: Desk) -> None:
    annex = json.loads((FIXTURES / "developments" / "D018-reciprocal-country.json").read_text())[
        "development"
    ]
    (event,) = annex["events"][:1]
    rates = {e["target"]: e["set"]["rate"]["percent"] for e in event["effects"]}
    assert len(rates) == 57
    desk.log(annex["title"], annex["announced"], event)
    more = {
        "AF": 15,
        "BO": 15,
        "CR": 15,
        "EC": 15,
        "GH": 15,
        "IS": 15,
        "NZ": 10,
        "PG": 15,
        "TR": 15,
        "TT": 15,
        "UG": 15,
        "UZ": 10,
        "VE": 15,
        "GB": 10,
    }
    new = {**dict.fromkeys(rates, 19), **more}
    desk.log(
        "Seventy at once (the rate of the first 57 is invented)",
        "2025-07-31",
        measure(
            "amended",
            COUNTRY,
            *(effect(code, rate, "2025-08-07T00:01-04:00", status="in_force") for code, rate in new.items()),
        ),
    )
    assert len(new) == 70
    for on, table in (("2025-04-09", rates), ("2025-08-07", new)):
        found = desk.get("/v1/duty", measure=COUNTRY, as_of=on)["layers"]
        assert {x["partner"]: x["rate"] for x in found if x["scope"] == "all-goods"} == table
    assert desk.total("FR", "2025-04-09T12:00-04:00") == rates["EU"]
    assert desk.total("FR", "2025-08-08", "2025-04-03") == rates["EU"]
