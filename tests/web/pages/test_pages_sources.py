"""The pages of sources, read as a reader would."""

from tests.web.api.test_api_sources import said
from tests.web.conftest import Service
from tests.web.pages.conftest import read, words


def test_a_conflict_is_told_with_both_sides_and_their_dates(service: Service) -> None:
    assert "No source contradicts the record" in words(read(service, "/conflicts").main)
    service.log(said("First vintage", "2025-06-01", "2025-03-04", 10))
    page = read(service, "/conflicts")
    (row,) = page.select("table.changed tbody tr")
    told = words(row)
    assert "Mexico" in told
    assert "An institute has 10% in force since 4 March 2025" in told
    assert "Our record" in told
    assert [words(cell) for cell in row.select(".pill")] == ["now"]
    assert row.select("td")[2].a["href"].startswith("/events/")
    assert "among those chosen" in words(read(service, "/conflicts", partner="GB").main)
    assert read(service, "/conflicts", as_of="2025-02-01").select("table.changed") == []


def test_what_a_source_said_by_a_day_is_on_a_page(service: Service) -> None:
    service.log(said("First vintage", "2025-06-01", "2025-03-04", 10))
    service.log(said("Second vintage", "2025-07-01", "2025-03-04", 20))
    page = read(service, "/statements", source="institute", said_by="2025-06-15")
    (row,) = page.select("table.changed tbody tr")
    assert "An institute data : in force; rate 10%" in words(row)
    assert page.select_one("#said_by")["value"] == "2025-06-15"
    assert "rate 20%" in words(read(service, "/statements", source="institute").main)


def test_a_day_that_is_none_is_told(history: Service) -> None:
    page = read(history, "/statements", status=400, said_by="soon")
    assert "'soon' is not a point in time" in words(page.select_one("main .error"))
    read(history, "/conflicts", status=404, partner="ZZ")
