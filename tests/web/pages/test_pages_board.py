import re

from tests.web.conftest import Service
from tests.web.pages.conftest import read, words


def test_the_board_shows_every_partner_and_where_talks_stand(history: Service) -> None:
    page = read(history, "/")
    rows = page.select("table.board tbody tr")
    assert len(rows) == 21
    china = next(row for row in rows if "China" in words(row.th))
    assert "Under way" in words(china.select_one(".talks"))
    assert "In writing" in words(china.select_one(".deal"))
    layers = words(china.select_one(".layers"))
    assert "20% Fentanyl tariff on China" in layers
    assert "10% Reciprocal tariff, country rates" in layers
    assert china.select_one(".last a")["href"].startswith("/events/")


def test_a_member_says_through_which_bloc_its_rates_come(history: Service) -> None:
    page = read(history, "/")
    germany = next(row for row in page.select("tbody tr") if "Germany" in words(row.th))
    assert "via EU" in words(germany.th)
    assert "15% Reciprocal tariff, country rates via EU" in words(germany.select_one(".layers"))


def test_a_heading_is_a_link_that_sorts_and_the_sorted_column_says_so(history: Service) -> None:
    page = read(history, "/", sort="-layers", as_of="2025-08-31")
    first = words(page.select("tbody tr")[0].select_one(".layers"))
    assert first.startswith(("40%", "39%", "35%")), "the highest rate comes first"
    assert page.select_one("th.layers")["aria-sort"] == "descending"
    assert len(page.select("th[aria-sort]")) == 1
    back = page.select_one("th.layers a")["href"]
    assert back == "/?as_of=2025-08-31&sort=layers", "the other way round, at the same point"


def test_a_sector_filters(history: Service) -> None:
    page = read(history, "/", sector="Energy")
    names = [words(row.th) for row in page.select("tbody tr")]
    assert any("Canada" in name for name in names)
    assert not any("Germany" in name for name in names)
    assert page.select_one("select[name=sector] option[selected]").text == "Energy"


def test_a_point_beyond_the_record_is_said_in_a_sentence(history: Service) -> None:
    said = "The record has been kept until 31 August 2025; what happened since is not in it."
    assert said in words(read(history, "/").main)
    assert said not in words(read(history, "/", as_of="2025-08-01").main)


def test_an_empty_record_says_how_to_begin(nothing: Service) -> None:
    page = read(nothing, "/")
    assert "Nothing is on record" in words(page.main)
    assert "tracker seed" in words(page.main)


def test_before_the_first_event_the_record_knew_nobody(history: Service) -> None:
    page = read(history, "/", known_at="2024-12-31")
    assert "The record knew of no partner then" in words(page.main)
    assert page.select_one('.empty a[href="/"]') is not None


def test_words_of_the_domain_are_titles_for_people(history: Service) -> None:
    for path in ("/", "/partners/GB", "/partners/CN", "/measures/us-ieepa-reciprocal-country"):
        text = words(read(history, path).main)
        assert not re.search(r"(?<!Measure · )\b(measure|agreement|authority):us-", text), path
