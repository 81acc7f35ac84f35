"""The page of what goods pay."""

from tests.web.conftest import Service
from tests.web.pages.conftest import read, words


def test_a_duty_is_explained_layer_by_layer(history: Service) -> None:
    page = read(history, "/duty", partner="GB", scope="cars", as_of="2025-07-01")
    assert "Passenger cars: 10% within the quota, 27.5% beyond it" in words(page.h1)
    rows = [words(row) for row in page.select("table tbody tr")]
    assert any("25% 7.5% in the quota Section 232 tariff on cars" in row for row in rows)
    assert any("no Yields to Section 232 tariff on cars and parts" in row for row in rows)
    assert page.select_one("select[name=scope] option[selected]")["value"] == "cars"
    assert all("as_of=2025-07-01" in a["href"] for a in page.select("main .major a[href^='/']"))


def test_what_the_goods_are_changes_what_they_pay(history: Service) -> None:
    asked = {"partner": "MX", "as_of": "2025-06-10"}
    assert "All goods: 25%" in words(read(history, "/duty", **asked).h1)
    assert "All goods: 0%" in words(read(history, "/duty", **asked, usmca="on").h1)


def test_an_unknown_total_says_why(history: Service) -> None:
    page = read(history, "/duty", partner="JP", scope="copper", as_of="2025-08-10")
    assert "Copper: not known" in words(page.h1)
    assert "50% of copper content, and the share of that is not given" in words(
        page.select_one(".standfirst")
    )


def test_bad_goods_are_told_and_the_form_stays(history: Service) -> None:
    page = read(history, "/duty", 400, partner="GB", hs="cars")
    assert "is no heading: write 2 to 10 digits" in words(page.select_one("[role=alert]"))
    assert page.select_one("input[name=hs]")["value"] == "cars"


def test_a_partners_page_leads_there(history: Service) -> None:
    page = read(history, "/partners/GB", as_of="2025-07-01")
    link = page.select_one("#state a[href^='/duty']")["href"]
    assert link == "/duty?as_of=2025-07-01&partner=GB"
    assert read(history, link).h1


def test_what_is_ticked_strangely_is_told(history: Service) -> None:
    page = read(history, "/duty", 400, partner="MX", usmca="maybe")
    assert "usmca 'maybe' is not known" in words(page.select_one("[role=alert]")).lower()
