"""Questions on real history, January to August 2025, each with an answer researched from the instruments and reports of
the time and written down before the tracker was asked.

Totals are percent of the customs value. Only what is on record counts: no normal duty but on cars and light trucks, no
Section 301 duty, no antidumping.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from litestar.testing import TestClient

from tracker.app import create_app
from tracker.seeding import seed
from tracker.settings import load
from tracker.store.engine import open_engine
from tracker.store.migrate import migrate

BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.fixture
def client(real_api: TestClient[Any]) -> TestClient[Any]:
    return real_api


def answer(client: TestClient[Any], path: str, **asked: Any) -> dict[str, Any]:
    said = client.get(path, params=asked)
    assert said.status_code == 200, said.text
    found: dict[str, Any] = said.json()
    return found


def on(partner: str, scope: str, as_of: str, known_at: str | None = None, **more: str) -> dict[str, str]:
    """A question on a partner's goods; without ``known_at``: as known that day, too."""
    return {"partner": partner, "scope": scope, "as_of": as_of, "known_at": known_at or as_of, **more}


ALL = "all-goods"
TOTALS: dict[str, tuple[dict[str, str], float | None]] = {
    # Canada, Mexico and China over fentanyl and the border
    "Canada, all goods, 3 February: ordered, not yet in force": (on("CA", ALL, "2025-02-03T12:00-05:00"), 0),
    "Canada on 4 February, as known on the 2nd": (on("CA", ALL, "2025-02-04", "2025-02-02"), 25),
    "Canadian oil on 4 February, as known on the 2nd": (on("CA", "crude-oil", "2025-02-04", "2025-02-02"), 10),
    "Canada on 4 February, as known on the 3rd: paused": (on("CA", ALL, "2025-02-04", "2025-02-03"), 0),
    "Canada on 10 February: paused": (on("CA", ALL, "2025-02-10"), 0),
    "Canada on 5 March, as known on 10 February: the pause ends by itself": (
        on("CA", ALL, "2025-03-05", "2025-02-10"), 25),
    "Canada, a minute before the pause ends": (on("CA", ALL, "2025-03-04T00:00-05:00"), 0),
    "Canada, when the pause ends": (on("CA", ALL, "2025-03-04T00:01-05:00"), 25),
    "Mexico on 10 February, as known on the 2nd": (on("MX", ALL, "2025-02-10", "2025-02-02"), 25),
    "China on 10 February": (on("CN", ALL, "2025-02-10"), 10),
    "China on 3 March: 20% is ordered for tomorrow": (on("CN", ALL, "2025-03-03"), 10),
    "China, a minute before 20%": (on("CN", ALL, "2025-03-04T00:00-05:00"), 10),
    "China at 00:01 on 4 March": (on("CN", ALL, "2025-03-04T00:01-05:00"), 20),
    "Mexican goods under USMCA on 6 March: not yet exempt": (on("MX", ALL, "2025-03-06", usmca="true"), 25),
    "Mexican goods under USMCA on 7 March": (on("MX", ALL, "2025-03-07", usmca="true"), 0),
    "Mexican potash outside USMCA on 10 March": (on("MX", "potash", "2025-03-10"), 10),
    "Canadian potash outside USMCA on 6 March": (on("CA", "potash", "2025-03-06"), 25),
    "Canadian potash outside USMCA on 10 March": (on("CA", "potash", "2025-03-10"), 10),
    "Canada on 3 August": (on("CA", ALL, "2025-08-03"), 35),
    "Canada on 3 August, as known on 20 July: the letter is no law": (on("CA", ALL, "2025-08-03", "2025-07-20"), 25),
    "Canadian goods under USMCA on 3 August": (on("CA", ALL, "2025-08-03", usmca="true"), 0),
    "Canadian gas on 3 August: still 10%": (on("CA", "natural-gas", "2025-08-03"), 10),
    "Transshipped as if not Canadian, 3 August": (on("CA", ALL, "2025-08-03", transshipped="true"), 40),
    "Mexico on 3 August: the 30% is held off": (on("MX", ALL, "2025-08-03"), 25),
    # Steel, aluminium, cars
    "German steel on 11 March": (on("DE", "steel", "2025-03-11"), 0),
    "German steel on 12 March, as known on 10 February": (on("DE", "steel", "2025-03-12", "2025-02-10"), 25),
    "Canadian steel outside USMCA on 20 March, as known then: both duties": (on("CA", "steel", "2025-03-20"), 50),
    "Canadian steel outside USMCA on 20 March, as known on 30 April: the order on stacking reaches back": (
        on("CA", "steel", "2025-03-20", "2025-04-30"), 25),
    "Canadian steel under USMCA on 20 March, as known on 30 April": (
        on("CA", "steel", "2025-03-20", "2025-04-30", usmca="true"), 25),
    "Canadian steel on 12 March, as known on 11 March at noon: the extra 25% is a threat": (
        on("CA", "steel", "2025-03-12", "2025-03-11T12:00-04:00", usmca="true"), 25),
    "Vietnamese steel on 9 April: no reciprocal on top": (on("VN", "steel", "2025-04-09T12:00-04:00"), 25),
    "German steel, a minute before 50%": (on("DE", "steel", "2025-06-04T00:00-04:00"), 25),
    "German steel at 00:01 on 4 June": (on("DE", "steel", "2025-06-04T00:01-04:00"), 50),
    "British steel on 4 June": (on("GB", "steel", "2025-06-04"), 25),
    "British aluminium on 20 August": (on("GB", "aluminium", "2025-08-20"), 25),
    "Chinese steel on 10 June: with fentanyl": (on("CN", "steel", "2025-06-10"), 70),
    "Canadian steel under USMCA on 10 June": (on("CA", "steel", "2025-06-10", usmca="true"), 50),
    "French aluminium on 8 August: the EU's ceiling is none for metals": (on("FR", "aluminium", "2025-08-08"), 50),
    "German cars on 2 April": (on("DE", "cars", "2025-04-02"), 2.5),
    "German cars, a minute before 25%": (on("DE", "cars", "2025-04-03T00:00-04:00"), 2.5),
    "German cars at 00:01 on 3 April": (on("DE", "cars", "2025-04-03T00:01-04:00"), 27.5),
    "Japanese cars on 3 April, as known on 1 April": (on("JP", "cars", "2025-04-03", "2025-04-01"), 27.5),
    "Japanese light trucks on 10 May": (on("JP", "light-trucks", "2025-05-10"), 50),
    "Japanese parts on 2 May": (on("JP", "auto-parts", "2025-05-02"), 10),
    "Japanese parts on 3 May": (on("JP", "auto-parts", "2025-05-03"), 25),
    "Mexican parts under USMCA on 10 May": (on("MX", "auto-parts", "2025-05-10", usmca="true"), 0),
    "Canadian cars outside USMCA on 20 April, as known then": (on("CA", "cars", "2025-04-20"), 52.5),
    "Canadian cars outside USMCA on 20 April, as known on 30 April": (
        on("CA", "cars", "2025-04-20", "2025-04-30"), 27.5),
    "Canadian cars under USMCA, 40% American content, 20 April": (
        on("CA", "cars", "2025-04-20", usmca="true", content="us-40"), 15),
    "Chinese cars on 20 April: with fentanyl, without reciprocal": (on("CN", "cars", "2025-04-20"), 47.5),
    "Japanese cars on 8 August: the deal is not in force": (on("JP", "cars", "2025-08-08"), 27.5),
    "German cars on 25 August: relief awaits the EU's law": (on("DE", "cars", "2025-08-25"), 27.5),
    "Korean cars on 8 August, under KORUS": (on("KR", "cars", "2025-08-08", qualifies="korus"), 25),
    "British cars on 20 May: a deal announced": (on("GB", "cars", "2025-05-20"), 27.5),
    "British cars on 1 July, as known on 1 June": (on("GB", "cars", "2025-07-01", "2025-06-01"), 27.5),
    "British aircraft on 20 May": (on("GB", "aircraft", "2025-05-20"), 10),
    "British aircraft on 1 July": (on("GB", "aircraft", "2025-07-01"), 0),
    # The baseline, the country rates, the pauses
    "Britain on 4 April": (on("GB", ALL, "2025-04-04"), 0),
    "Britain, a minute before the baseline": (on("GB", ALL, "2025-04-05T00:00-04:00"), 0),
    "Britain at 00:01 on 5 April": (on("GB", ALL, "2025-04-05T00:01-04:00"), 10),
    "British medicines on 1 May: exempt": (on("GB", "pharmaceuticals", "2025-05-01"), 0),
    "German softwood on 8 August: exempt": (on("DE", "softwood-lumber", "2025-08-08"), 0),
    "China, a minute before 104%": (on("CN", ALL, "2025-04-09T00:00-04:00"), 30),
    "China at 00:01 on 9 April": (on("CN", ALL, "2025-04-09T00:01-04:00"), 104),
    "China on 9 April, as known on the 7th": (on("CN", ALL, "2025-04-09", "2025-04-07"), 54),
    "China, a minute before 145%": (on("CN", ALL, "2025-04-10T00:00-04:00"), 104),
    "China on 10 April": (on("CN", ALL, "2025-04-10"), 145),
    "China, a minute before the truce": (on("CN", ALL, "2025-05-14T00:00-04:00"), 145),
    "China when the truce begins": (on("CN", ALL, "2025-05-14T00:01-04:00"), 30),
    "China on 20 May, as known on 11 May": (on("CN", ALL, "2025-05-20", "2025-05-11"), 145),
    "China on 13 August, as known on 1 July: the truce runs out": (on("CN", ALL, "2025-08-13", "2025-07-01"), 54),
    "China on 13 August": (on("CN", ALL, "2025-08-13"), 30),
    "China on 9 November, as known on 31 August": (on("CN", ALL, "2025-11-09", "2025-08-31"), 30),
    "China on 11 November, as known on 31 August": (on("CN", ALL, "2025-11-11", "2025-08-31"), 54),
    "Chinese smartphones on 6 April, as known then": (on("CN", "smartphones", "2025-04-06"), 30),
    "Chinese smartphones on 6 April, as known on 12 April": (on("CN", "smartphones", "2025-04-06", "2025-04-12"), 20),
    "Vietnamese smartphones at noon on 9 April, as known then": (on("VN", "smartphones", "2025-04-09T12:00-04:00"), 46),
    "Vietnamese smartphones at noon on 9 April, as known on 12 April": (
        on("VN", "smartphones", "2025-04-09T12:00-04:00", "2025-04-12"), 0),
    "Chinese chips on 20 April: exempt from the reciprocal from the first": (
        on("CN", "semiconductors", "2025-04-20"), 20),
    "Taiwanese chips on 6 April, as known then: exempt from the first": (on("TW", "semiconductors", "2025-04-06"), 0),
    "India on 9 April, as known on the evening of the 2nd": (
        on("IN", ALL, "2025-04-09T12:00-04:00", "2025-04-02"), 27),
    "India on 9 April at noon: the annex was corrected": (on("IN", ALL, "2025-04-09T12:00-04:00"), 26),
    "Vietnam on 3 August, as known on 15 July: the pause ends on the 1st": (
        on("VN", ALL, "2025-08-03", "2025-07-15"), 46),
    "Vietnam on 3 August": (on("VN", ALL, "2025-08-03"), 10),
    "Vietnam on 20 July, as known on 8 July": (on("VN", ALL, "2025-07-20", "2025-07-08"), 10),
    "Vietnam on 20 July, as known on 6 July": (on("VN", ALL, "2025-07-20", "2025-07-06"), 46),
    "Vietnam on 8 August, transshipped": (on("VN", ALL, "2025-08-08", transshipped="true"), 40),
    "Vietnam on 10 August, loaded before the 7th": (on("VN", ALL, "2025-08-10", qualifies="in-transit"), 10),
    "Vietnam, a minute before 20%": (on("VN", ALL, "2025-08-07T00:00-04:00"), 10),
    "Vietnam at 00:01 on 7 August": (on("VN", ALL, "2025-08-07T00:01-04:00"), 20),
    "Swiss watches on 8 August": (on("CH", "watches", "2025-08-08"), 39),
    "Swiss medicines on 8 August": (on("CH", "pharmaceuticals", "2025-08-08"), 0),
    "Switzerland on 8 August, as known on 15 July": (on("CH", ALL, "2025-08-08", "2025-07-15"), 31),
    "Japan on 2 August, as known on 8 July: the letter's 25% is a claim, the old 24% would come back": (
        on("JP", ALL, "2025-08-02", "2025-07-08"), 24),
    "The EU on 2 August, as known on 13 July": (on("EU", ALL, "2025-08-02", "2025-07-13"), 20),
    "Belgium on 3 August": (on("BE", ALL, "2025-08-03"), 10),
    "Belgium on 8 August: inherited, normal duty included": (on("BE", ALL, "2025-08-08"), 15),
    "Korea on 8 August": (on("KR", ALL, "2025-08-08"), 15),
    "Israel on 8 August": (on("IL", ALL, "2025-08-08"), 15),
    "Australian beef on 8 August": (on("AU", "beef", "2025-08-08"), 10),
    "Brazil on 5 August": (on("BR", ALL, "2025-08-05"), 10),
    "Brazil on 8 August": (on("BR", ALL, "2025-08-08"), 50),
    "Brazil on 2 August, as known on 10 July: the letter is no law": (on("BR", ALL, "2025-08-02", "2025-07-10"), 10),
    "Brazilian coffee on 8 August": (on("BR", "coffee", "2025-08-08"), 50),
    "Brazilian orange juice on 8 August: spared the 40%": (on("BR", "orange-juice", "2025-08-08"), 10),
    "Brazilian aircraft on 8 August: spared the 40%": (on("BR", "aircraft", "2025-08-08"), 10),
    "Brazil on 10 August, loaded before the 6th": (on("BR", ALL, "2025-08-10", qualifies="in-transit"), 10),
    "India on 28 August, as known on 5 August": (on("IN", ALL, "2025-08-28", "2025-08-05"), 25),
    "India, a minute before 50%": (on("IN", ALL, "2025-08-27T00:00-04:00"), 25),
    "India at 00:01 on 27 August": (on("IN", ALL, "2025-08-27T00:01-04:00"), 50),
    "Indian medicines on 28 August": (on("IN", "pharmaceuticals", "2025-08-28"), 0),
    "Indian steel on 28 August: only Section 232": (on("IN", "steel", "2025-08-28"), 50),
    # Partners that are not followed, and are named in lists or as members
    "Spanish cars on 8 August": (on("ES", "cars", "2025-08-08"), 27.5),
    "Ireland on 8 August: inherited": (on("IE", ALL, "2025-08-08"), 15),
    "Irish medicines on 8 August": (on("IE", "pharmaceuticals", "2025-08-08"), 0),
    "Hong Kong on 20 April": (on("HK", ALL, "2025-04-20"), 145),
    "Laos on 8 August": (on("LA", ALL, "2025-08-08"), 40),
    "Norway on 8 August": (on("NO", ALL, "2025-08-08"), 15),
    "Chile on 8 August: not listed": (on("CL", ALL, "2025-08-08"), 10),
    "Russia on 8 August: left out": (on("RU", ALL, "2025-08-08"), 0),
    # Copper
    "Japanese copper tubes, 40% copper, on 10 August: reciprocal on the rest": (
        on("JP", "copper-products", "2025-08-10", content="copper-40"), 29),
    "Japanese copper tubes on 10 August, content not told": (on("JP", "copper-products", "2025-08-10"), None),
    "Japanese copper cathodes on 10 August: left out": (on("JP", "refined-copper", "2025-08-10"), 0),
    "Japanese copper tubes on 31 July": (on("JP", "copper-products", "2025-07-31T12:00-04:00"), 0),
    # Parcels
    "Chinese parcels at noon on 4 February": (on("CN", "low-value-parcels", "2025-02-04T12:00-05:00"), 10),
    "Chinese parcels on 10 February: duty-free again": (on("CN", "low-value-parcels", "2025-02-10"), 0),
    "Chinese parcels on 1 May": (on("CN", "low-value-parcels", "2025-05-01"), 0),
    "Chinese parcels by courier on 2 May": (on("CN", "low-value-parcels", "2025-05-02"), 145),
    "Canadian parcels on 10 March: still duty-free": (on("CA", "low-value-parcels", "2025-03-10"), 0),
    "Japanese parcels by courier on 28 August": (on("JP", "low-value-parcels", "2025-08-28"), 0),
    "Japanese parcels by courier on 30 August": (on("JP", "low-value-parcels", "2025-08-30"), 15),
    "Japanese parcels on 29 August, as known on 29 July": (
        on("JP", "low-value-parcels", "2025-08-29", "2025-07-29"), 0),
    # Courts
    "China on the night of the ruling of 28 May: collected still": (on("CN", ALL, "2025-05-28"), 30),
    "China on 10 June, as known on 28 May: ten days to unwind are over": (on("CN", ALL, "2025-06-10", "2025-05-28"), 0),
    "German steel on 3 June, as known on 28 May: not under IEEPA": (on("DE", "steel", "2025-06-03", "2025-05-28"), 25),
    "China on 10 June, as known on 29 May: stayed": (on("CN", ALL, "2025-06-10", "2025-05-29"), 30),
    "Britain on 30 August: unlawful on appeal, collected": (on("GB", ALL, "2025-08-30"), 10),
    # American goods abroad
    "American goods of the first list in Canada, 10 February: repealed": (
        on("CA", "listed-goods", "2025-02-10", direction="export"), 0),
    "American goods of the first list in Canada, 10 March": (
        on("CA", "listed-goods", "2025-03-10", direction="export"), 25),
    "American steel in Canada, 14 March": (on("CA", "steel", "2025-03-14", direction="export"), 25),
    "American goods of the first list in Canada on 2 September, as known on 21 August": (
        on("CA", "listed-goods", "2025-09-02", "2025-08-21", direction="export"), 25),
    "American goods of the first list under USMCA in Canada on 2 September, as known on 22 August: said, not ordered": (
        on("CA", "listed-goods", "2025-09-02", "2025-08-22", direction="export", usmca="true"), 25),
    "American goods of the first list in Canada on 2 September, as known on 31 August": (
        on("CA", "listed-goods", "2025-09-02", "2025-08-31", direction="export"), 0),
    "American steel in Canada on 2 September, as known on 31 August": (
        on("CA", "steel", "2025-09-02", "2025-08-31", direction="export"), 25),
    "American cars in Canada under USMCA, 20% Canadian and Mexican content, 20 April": (
        on("CA", "cars", "2025-04-20", direction="export", usmca="true", content="ca-mx-20"), 20),
    "American gas in China, 15 February": (on("CN", "natural-gas", "2025-02-15", direction="export"), 15),
    "American soybeans in China, 20 March": (on("CN", "soybeans", "2025-03-20", direction="export"), 10),
    "American wheat in China, 20 March": (on("CN", "wheat", "2025-03-20", direction="export"), 15),
    "American soybeans in China, 20 April": (on("CN", "soybeans", "2025-04-20", direction="export"), 135),
    "American soybeans in China, 20 May": (on("CN", "soybeans", "2025-05-20", direction="export"), 20),
    "American goods in China on 11 April, as known on 8 April": (
        on("CN", ALL, "2025-04-11", "2025-04-08", direction="export"), 34),
    "American goods in China on 11 April": (on("CN", ALL, "2025-04-11T08:00-04:00", direction="export"), 84),
    "American goods in China on 13 April": (on("CN", ALL, "2025-04-13", direction="export"), 125),
    "American goods in China on 20 May": (on("CN", ALL, "2025-05-20", direction="export"), 10),
    "American goods in China on 20 August, as known on 1 August: the truce runs out": (
        on("CN", ALL, "2025-08-20", "2025-08-01", direction="export"), 34),
    "American whiskey in Germany, 16 April: suspended": (on("DE", "whiskey", "2025-04-16", direction="export"), 0),
    "American listed goods in the EU on 20 July, as known on 15 May: suspended until 14 July, then 10 or 25%": (
        on("EU", "listed-goods", "2025-07-20", "2025-05-15", direction="export"), None),
    "American listed goods in the EU, 20 July": (on("EU", "listed-goods", "2025-07-20", direction="export"), 0),
    "American listed goods in the EU, 20 August": (on("EU", "listed-goods", "2025-08-20", direction="export"), 0),
    "American goods in Britain, 1 June: no retaliation": (on("GB", ALL, "2025-06-01", direction="export"), 0),
    "American goods in Mexico, 1 June: no retaliation": (on("MX", ALL, "2025-06-01", direction="export"), 0),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "total"), TOTALS.values(), ids=[*TOTALS])
def test_total(client, asked, total):
    found = answer(client, "/v1/duty", **asked)
    assert found["total"] == total, [
        (x["measure"], x["scope"], x["counts"], x["reason"], x["adds"]) for x in found["layers"]
    ]


def state(client: TestClient[Any], partner: str, as_of: str, known_at: str | None = None) -> dict[str, Any]:
    return answer(client, f"/v1/partners/{partner}/state", as_of=as_of, known_at=known_at or as_of)


def one(items: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    found = [item for item in items if all(item[name] == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, [(item["subject"], item["key"], item["claim"]) for item in items])
    return found[0]


def measure(
    client: TestClient[Any], partner: str, key: str, as_of: str, known_at: str | None = None, scope: str = ALL
) -> dict[str, Any]:
    measures = state(client, partner, as_of, known_at)["measures"]
    return one(measures, subject=f"measure:{key}", scope=scope, claim=None)


def claim(
    client: TestClient[Any], partner: str, key: str, as_of: str, known_at: str | None = None
) -> dict[str, Any]:
    found: dict[str, Any] = one(state(client, partner, as_of, known_at)["claims"], claim=key)["state"]
    return found


def deal(client: TestClient[Any], key: str, as_of: str) -> dict[str, Any]:
    found: dict[str, Any] = answer(client, f"/v1/agreements/{key}", as_of=as_of, known_at=as_of)["deal"]
    return found


@pytest.mark.parametrize(
    ("as_of", "status"),
    [("2025-06-26", "under_way"), ("2025-06-28", "broken_off"), ("2025-06-30", "under_way")],
    ids=["before", "after the end on 27 June", "after the digital services tax was dropped"],
)
def test_where_do_the_talks_with_canada_stand(client, as_of, status):
    assert state(client, "CA", as_of)["talks"]["state"]["status"] == status


def test_what_became_of_the_threat_against_colombia(client):
    found = answer(client, "/v1/measures/us-ieepa-colombia", as_of="2025-01-27", known_at="2025-01-27")
    [threat] = found["measure"]["partners"]["CO"]
    assert (threat["state"]["status"], threat["state"]["outcome"], threat["counts"]) == (
        "ended",
        "withdrawn",
        False,
    )


def test_by_when_must_the_eu_agree_as_known_on_24_and_on_26_may(client):
    assert claim(client, "EU", "eu-50", "2025-05-24")["starts"] == "2025-06-01"
    assert claim(client, "EU", "eu-50", "2025-05-26")["starts"] == "2025-07-09"
    dues = [
        d["state"]["due"]
        for d in state(client, "EU", "2025-05-26")["deadlines"]
        if d["state"]["status"] == "open"
    ]
    assert "2025-07-09" in dues


def test_is_the_deal_with_the_eu_in_writing(client):
    assert deal(client, "us-eu-framework", "2025-08-20")["agreement"]["state"].get("in_writing") is not True
    written = deal(client, "us-eu-framework", "2025-08-21")["agreement"]["state"]
    assert (written["status"], written["in_writing"]) == ("text_published", True)


def test_relief_for_european_cars_is_promised_and_awaits_the_eus_law(client):
    promised = one(deal(client, "us-eu-framework", "2025-08-25")["provisions"], key="cars")["state"]
    assert promised["status"] == "announced"
    assert promised["awaits"]
    assert promised["after"]["percent"] == 15


def test_what_do_vietnam_and_the_united_states_say_of_their_deal(client):
    told = deal(client, "us-vn-framework", "2025-07-03")
    assert {account["claim"] for account in told["accounts"]} == {"us-account", "vn-account"}
    assert told["agreement"] is None or told["agreement"]["state"].get("in_writing") is not True
    assert state(client, "VN", "2025-07-03")["in_writing"] is False


def test_the_british_deal_is_written_and_not_in_force_then_in_force_for_cars(client):
    may, july = deal(client, "us-gb-epd", "2025-05-20"), deal(client, "us-gb-epd", "2025-07-01")
    assert may["agreement"]["state"]["in_writing"] is True
    assert not [part for part in may["provisions"] if part["state"]["status"] == "in_force"]
    assert one(july["provisions"], key="cars")["state"]["status"] == "in_force"
    assert one(july["provisions"], key="steel-aluminium")["state"]["status"] == "announced"


def test_the_japanese_deal_is_announced_only(client):
    told = deal(client, "us-jp-framework", "2025-08-31")["agreement"]["state"]
    assert (told["status"], told.get("in_writing", False)) == ("announced", False)


@pytest.mark.parametrize(
    ("as_of", "known_at", "legal", "stayed", "collection", "counts"),
    [
        ("2025-05-27", None, "valid", False, "collected", True),
        ("2025-05-28", None, "struck_down", False, "collected", True),
        ("2025-06-10", "2025-05-28", "struck_down", False, "not_collected", False),
        ("2025-06-10", "2025-05-29", "struck_down", True, "collected", True),
        ("2025-06-15", None, "struck_down", True, "collected", True),
        ("2025-08-30", None, "struck_down", True, "collected", True),
    ],
    ids=[
        "before",
        "that night",
        "ten days on, as known that night",
        "ten days on, as stayed",
        "in June",
        "on appeal",
    ],
)
def test_are_the_emergency_tariffs_lawful_and_are_they_collected(
    client, as_of, known_at, legal, stayed, collection, counts
):
    found = measure(client, "CN", "us-ieepa-fentanyl-cn", as_of, known_at)
    said = found["state"]
    assert (said["legal"], said.get("stayed", False), said["collection"], found["counts"]) == (
        legal,
        stayed,
        collection,
        counts,
    )


@pytest.mark.parametrize(
    ("as_of", "until"),
    [("2025-04-16", "2025-07-14"), ("2025-07-20", "2025-08-06"), ("2025-08-20", "2026-02-07")],
)
def test_until_when_does_the_eu_suspend_its_countermeasures(client, as_of, until):
    found = measure(client, "EU", "eu-countermeasures-steel", as_of, scope="listed-goods")
    assert (found["state"]["status"], found["counts"]) == ("paused", False)
    assert datetime.fromisoformat(found["until"]).astimezone(BRUSSELS).date().isoformat() == until


def test_the_digital_tax_threat_names_no_rate_and_only_countries_with_such_a_tax(client):
    said = claim(client, "FR", "dst-countries", "2025-08-26")
    assert (said["status"], said["rate"]["unknown"]) == ("threatened", True)
    assert "digital services tax" in said["condition"]
    assert answer(client, "/v1/duty", **on("FR", ALL, "2025-08-26"))["total"] == 15


def test_up_to_245_is_a_claim_that_is_explained_a_day_later(client):
    assert claim(client, "CN", "up-to-245", "2025-04-15")["rate"] == {"at_most": 245}
    assert "Section 301" in claim(client, "CN", "up-to-245", "2025-04-17")["says"]
    assert "Section 301" not in claim(client, "CN", "up-to-245", "2025-04-17", "2025-04-15")["says"]


def test_brazil_is_investigated_under_section_301_and_pays_nothing_for_it(client):
    found = measure(client, "BR", "us-section-301-brazil", "2025-07-20")
    assert (found["state"]["status"], found["counts"]) == ("under_investigation", False)


def test_mexicos_new_date_is_29_october(client):
    dues = [
        d["state"]["due"]
        for d in state(client, "MX", "2025-08-02")["deadlines"]
        if d["state"]["status"] == "open"
    ]
    assert "2025-10-29" in dues


def test_british_steel_is_to_be_looked_at_on_9_july(client):
    assert (
        measure(client, "GB", "us-232-steel", "2025-06-10", scope="steel")["state"]["review_on"]
        == "2025-07-09"
    )


def test_was_the_aerospace_criterion_moved_by_the_order_of_16_june(client):
    def standing(day: str) -> str:
        found = one(state(client, "GB", day)["criteria"], key="aerospace-relief")["state"]["standing"]
        return str(found)

    assert standing("2025-05-20") == "open"
    assert standing("2025-07-01") in ("advanced", "met")


def test_what_is_missing_in_belgiums_profile_is_missing(client):
    profile = state(client, "BE", "2025-06-01")["profile"]
    assert profile is None or not {"sectors", "imports", "exports"} & profile["state"].keys()


def test_the_digital_services_tax_of_canada_is_not_collected_after_29_june(client):
    assert (
        measure(client, "CA", "ca-digital-services-tax", "2025-07-01", scope="digital-services")["state"][
            "status"
        ]
        != "in_force"
    )


def test_whom_did_emergency_tariffs_reach_on_10_february(client):
    found = answer(client, "/v1/duty", authority="us-ieepa", as_of="2025-02-10", known_at="2025-02-10")
    assert {x["partner"] for x in found["layers"] if x["counts"]} == {"CN", "HK"}
    assert {
        (x["partner"], x["reason"]) for x in found["layers"] if x["scope"] == ALL and not x["counts"]
    } >= {("CA", "paused"), ("MX", "paused")}


def test_which_country_rates_held_on_8_august(client):
    found = answer(
        client, "/v1/duty", measure="us-ieepa-reciprocal-country", as_of="2025-08-08", known_at="2025-08-08"
    )
    rates = {x["partner"]: x["rate"] for x in found["layers"] if x["scope"] == ALL and x["counts"]}
    assert {"CH": 39, "LA": 40, "SY": 41, "EU": 15, "TW": 20, "IN": 25, "CN": 10}.items() <= rates.items()
    assert not {"CA", "MX", "AU", "SG"} & rates.keys()


def test_is_there_a_duty_under_section_122(client):
    assert answer(client, "/v1/duty", authority="us-section-122", as_of="2025-08-08")["layers"] == []


def test_nobody_keeps_the_record_of_a_partner_that_is_not_followed(client):
    assert answer(client, "/v1/duty", **on("NO", ALL, "2025-08-08"))["temporal"]["beyond_coverage"] is True


def test_a_day_that_nobody_has_kept_the_record_for_is_said_to_be_one(client):
    assert answer(client, "/v1/duty", partner="CN", as_of="2025-11-11")["temporal"]["beyond_coverage"] is True
    assert (
        answer(client, "/v1/duty", partner="CN", as_of="2025-08-15")["temporal"]["beyond_coverage"] is False
    )


@pytest.mark.parametrize("scope", [ALL, "semiconductors", "toys"])
def test_the_total_on_chinese_goods_says_that_section_301_comes_on_top_of_some(client, scope):
    found = answer(client, "/v1/duty", **on("CN", scope, "2025-04-20"))
    assert any(part["subject"].startswith("measure:us-section-301") for part in found["parts"])


@pytest.mark.parametrize(
    ("asked", "listed", "not_listed"),
    [
        (on("GB", "steel", "2025-05-20"), {"steel-tariffs-eliminated"}, {"cars-10-within-quota"}),
        (on("GB", "cars", "2025-05-20"), {"cars-10-within-quota"}, {"steel-tariffs-eliminated"}),
        (on("JP", ALL, "2025-07-10"), {"letter-jp"}, {"letter-kr"}),
        (on("MX", ALL, "2025-07-20"), {"letter-mx"}, {"letter-eu"}),
        (on("JP", ALL, "2025-08-10"), set(), {"letter-jp"}),
        (on("GB", ALL, "2025-07-01"), set(), {"gb-quota-from-23-june"}),
        (on("CA", "steel", "2025-03-11T15:00-04:00"), {"canada-50"}, set()),
        (on("CN", ALL, "2025-05-10"), {"document-up-to-245"}, {"document-china-125"}),
        (on("CN", ALL, "2025-05-10", direction="export"), {"document-china-125"}, {"document-up-to-245"}),
        (on("CA", "listed-goods", "2025-08-24", direction="export"), {"carney-22-august"}, set()),
    ],
    ids=lambda value: f"{value['partner']} {value['scope']} {value['as_of'][:10]}" if isinstance(value, dict) else "",
)  # fmt: skip
def test_who_says_otherwise_of_these_goods(client, asked, listed, not_listed):
    claims = {item["claim"] for item in answer(client, "/v1/duty", **asked)["claims"]}
    assert listed <= claims
    assert not not_listed & claims


def test_british_cars_within_the_quota_and_beyond_it(client):
    for day in ("2025-06-30", "2025-08-31"):
        found = answer(client, "/v1/duty", **on("GB", "cars", day))
        assert (found["total_in_quota"], found["total"], found["includes_normal_duty"]) == (10, 27.5, True)
    for day in ("2025-06-29", "2025-05-20"):
        assert answer(client, "/v1/duty", **on("GB", "cars", day))["total_in_quota"] is None


@pytest.mark.parametrize(("as_of", "rate"), [("2025-05-10", 120), ("2025-05-14", 54), ("2025-06-02", 54)])
def test_what_does_a_parcel_by_post_from_china_pay(client, as_of, rate):
    found = answer(client, "/v1/duty", **on("CN", "postal-parcels", as_of))
    [layer] = [layer for layer in found["layers"] if layer["counts"]]
    assert found["total"] == rate
    assert "an item" in layer["state"]["rate"]["text"]


def test_what_does_a_parcel_by_post_from_britain_pay_on_30_august(client):
    found = answer(client, "/v1/duty", **on("GB", "postal-parcels", "2025-08-30"))
    assert found["total"] is None
    assert any("flat sum" in reason for reason in found["unknown"])


def test_parcels_by_post_from_china_are_banned_for_a_day(client):
    found = answer(client, "/v1/duty", **on("CN", "postal-parcels", "2025-02-04"))
    assert found["total"] is None
    assert any("bans" in reason for reason in found["unknown"])
    assert answer(client, "/v1/duty", **on("CN", "postal-parcels", "2025-02-10"))["total"] == 0


@pytest.fixture(scope="module")
def client_of_may(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient[Any], str]]:
    """A record that was kept until 1 May 2025 and no longer."""
    may = datetime(2025, 5, 1, 12, tzinfo=UTC)
    folder: Path = tmp_path_factory.mktemp("may")
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    migrate(engine)
    seed(engine, may)
    with TestClient(create_app(load({"TRACKER_DATA_DIR": str(folder)}), engine, lambda: may)) as client:
        yield client, may.isoformat()
    engine.dispose()


def test_what_was_known_on_1_may_is_answered_the_same_after_four_more_months(client, client_of_may):
    earlier, may = client_of_may
    for asked, _ in [*TOTALS.values()][::3]:
        then, now = (answer(one, "/v1/duty", **{**asked, "known_at": may}) for one in (earlier, client))
        assert then == now | {"causes": then["causes"]}, asked  # events have other ids
