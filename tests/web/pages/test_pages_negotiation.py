"""Deadlines, promises, rulings and goals, as a reader finds them."""

from tests.web.conftest import Service
from tests.web.pages.conftest import read, words
from tests.web.world import DEAL, GB, development, logged


def test_the_calendar_shows_what_is_open_and_where_it_stood(history: Service) -> None:
    page = read(history, "/deadlines", as_of="2025-07-15")
    row = page.select_one("#EU-us-tariff")
    assert [words(was) for was in row.select("s")] == ["1 June 2025", "9 July 2025"]
    assert words(row.b) == "1 August 2025"
    assert "moved from 9 July 2025 to 1 August 2025" in words(row)
    assert row.find_parent(id="open")
    assert [words(month) for month in page.select("#open h3")] == ["July 2025", "August 2025"]
    assert "Date passed, outcome not on record" in words(page.select_one("#over #GB-metals-quota"))
    assert "Steel and aluminium" in words(page.select_one("#promised"))


def test_the_calendar_is_in_the_navigation_and_is_filtered(history: Service) -> None:
    page = read(history, "/deadlines?status=met&partner=JP&as_of=2025-08-10")
    assert page.select_one("nav a[aria-current=page]")["href"].startswith("/deadlines")
    assert len(page.select(".calendar tbody tr")) == 1
    assert "Japan" in words(page.select_one("#over"))
    empty = read(history, "/deadlines", as_of="2025-02-01")
    assert "No deadline is on record at this point" in words(empty.select_one(".empty"))


def test_a_partner_shows_its_moved_deadline_struck_through(history: Service) -> None:
    page = read(history, "/partners/EU", as_of="2025-07-15")
    held = page.select_one("#coming .deadlines")
    assert [words(was) for was in held.select("s")] == ["1 June 2025", "9 July 2025"]
    assert "The date for the EU moves to 9 July" in words(held)


def test_a_partner_shows_what_was_promised_and_how_much_has_come(on_sqlite: Service) -> None:
    for announced, state in (
        ("2025-05-08", {"title": "Buys aircraft", "by": "GB", "amount": {"value": 1e10, "currency": "USD"}}),
        ("2025-07-01", {"so_far": {"value": 2e9, "currency": "USD"}}),
    ):
        told = {"provision": "aircraft", "set": state}
        event = {"type": "provision.changed", "subject": DEAL, "provisions": [told]}
        logged(on_sqlite.engine, development("Aircraft", announced, event))
    row = read(on_sqlite, "/partners/GB").select_one("#commitments tbody tr")
    assert "United Kingdom: Buys aircraft" in words(row)
    assert "US$2 billion of US$10 billion" in words(row.select_one("td.num"))
    assert "fulfilled in part: US$2 billion of US$10 billion" in words(row)


def test_a_partner_shows_the_rulings_that_bear_on_its_measures(history: Service) -> None:
    courts = read(history, "/partners/CA", as_of="2025-07-01").select_one("#rulings")
    assert "Struck down, but the ruling is stayed; duties are collected" in words(courts)
    assert "struck down, was valid" in words(courts)
    assert "Section 232" not in words(courts), "no court has spoken on it"
    assert read(history, "/partners/CA", as_of="2025-05-01").select_one("#rulings") is None


def test_an_authority_says_what_its_rulings_mean_for_which_measures(history: Service) -> None:
    page = read(history, "/authorities/us-ieepa", as_of="2025-07-01")
    assert "For all partners: struck down, but the ruling is stayed; duties are collected" in words(
        page.select_one("#standing")
    )
    told = [words(one.h3) for one in page.select("#rulings li")]
    assert told.index("Trade court: the IEEPA tariffs are unlawful") < told.index(
        "Appeals court stays the ruling for the time being"
    )
    rows = [words(row) for row in page.select("#measures tbody tr")]
    assert "Fentanyl tariff on China China, Hong Kong 20%, charged" in rows
    assert any("25%, charged; on energy" in row for row in rows)
    before = read(history, "/authorities/us-ieepa", as_of="2025-05-01")
    assert "valid; duties are collected" in words(before.select_one("#standing"))


def test_a_timeline_says_what_became_of_talks_goals_and_risks(on_sqlite: Service) -> None:
    goals = {"criteria": {"cars": "Cars pay 10% at most"}, "risks": {"beef": "Farmers object"}}
    for command in (
        development("Goals", "2025-02-01", {"type": "objectives.set", "subject": GB, "set": goals}),
        development("Off", "2025-03-01", {"type": "talks.broken_off", "subject": GB}),
        development("On", "2025-04-01", {"type": "talks.resumed", "subject": GB}),
        development(
            "Moves", "2025-06-16",
            {"type": "criterion.assessed", "subject": GB, "criterion": "cars", "set": {"standing": "advanced"}},
            {"type": "risk.assessed", "subject": GB, "risk": "beef", "set": {"standing": "materialised"}},
            {"type": "provision.changed", "subject": DEAL, "provisions": [
                {"provision": "beef", "set": {"status": "shelved"}}]},
        ),
    ):  # fmt: skip
        logged(on_sqlite.engine, command)
    said = words(read(on_sqlite, "/partners/GB").select_one("#timeline")).replace(" :", ":")
    for line in (
        "Talks: broken off", "Talks: resumed", "Criterion “Cars pay 10% at most”: advanced",
        "Risk “Farmers object”: materialised", "Beef: shelved",
    ):  # fmt: skip
        assert line in said, line


def test_a_duty_is_said_in_a_sentence_for_each_part(history: Service) -> None:
    page = read(history, "/duty", partner="GB", scope="cars", as_of="2025-07-01")
    head = words(page.select_one(".head"))
    assert "Goods from the United Kingdom" in head
    assert "This includes the normal duty" in head
    assert "from 3 Apr 2025 00:01 (announced 26 March 2025): Section 232 tariff on cars and parts" in head
    assert "quota: The British car quota" in words(page.select_one("table.measures"))
    japan = words(read(history, "/duty", partner="JP", as_of="2025-08-10").select_one(".made-of"))
    assert "15%, from 7 Aug 2025 00:01 (announced 31 July 2025)" in japan
