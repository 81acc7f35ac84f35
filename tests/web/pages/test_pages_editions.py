"""The page of all editions."""

from datetime import date, timedelta

from msgspec.structs import replace

from tests.web.conftest import Service
from tests.web.pages.conftest import read, words
from tests.web.world import NOW, PAUSE, logged
from tracker.delivery import editions
from tracker.delivery.editions import Frozen
from tracker.domain.edition import Scope
from tracker.store.engine import writing

FIRST = date(2025, 9, 2)


def days(service: Service, number: int, *partners: str) -> list[Frozen]:
    """An edition a day."""
    with writing(service.engine) as connection:
        scope = Scope(partners=list(partners))
        made = editions.preview(connection, scope, now=NOW, zone="America/New_York")
        days = [timedelta(days=n) for n in range(number)]
        return [editions.freeze(connection, replace(made, day=str(FIRST + n)), NOW + n) for n in days]


def test_editions_are_listed_with_those_in_which_nothing_changed(on_sqlite: Service) -> None:
    assert "No edition has been cut yet" in words(read(on_sqlite, "/editions").select_one("main"))
    (quiet,) = days(on_sqlite, 1)
    logged(on_sqlite.engine, PAUSE)
    _, loud = days(on_sqlite, 2, "MX")
    page = read(on_sqlite, "/editions")
    rows = page.select("table.cut tbody tr")
    assert [words(cell) for cell in rows[0].select("td")][:3] == [
        "3 September 2025", "1 entry added late (MX) , 3 September 2025", "Mexico",
    ]  # fmt: skip
    assert {a["href"] for a in page.select("table.cut a")} >= {
        f"/editions/{loud.id}",
        f"/editions/{quiet.id}",
    }
    assert sum("Nothing changed" in words(row) for row in rows) == 1
    found = read(on_sqlite, "/editions", partner="MX", changed="yes")
    assert len(found.select("table.cut tbody tr")) == 2
    assert found.select_one("option[value=MX]").has_attr("selected")  # type: ignore[union-attr]
    none = read(on_sqlite, "/editions", partner="GB")
    assert "No edition among those chosen" in words(none.select_one("main"))
    assert read(on_sqlite, "/digest").find("a", href="/editions") is not None
    assert read(on_sqlite, f"/editions/{loud.id}").find("a", href="/editions") is not None


def test_older_editions_are_a_page_further(on_sqlite: Service) -> None:
    made = days(on_sqlite, 53)
    page = read(on_sqlite, "/editions", changed="")
    older = page.select_one("a[rel=next]")
    assert older is not None
    assert len(page.select("table.cut tbody tr")) == 50
    rest = read(on_sqlite, str(older["href"]))
    assert [a["href"] for a in rest.select("table.cut a")] == [f"/editions/{made[n].id}" for n in (2, 1, 0)]
    assert rest.find("a", string="Newest")["href"] == "/editions"  # type: ignore[index]


def test_what_is_asked_wrongly_is_said(on_sqlite: Service) -> None:
    assert "ZZ" in words(read(on_sqlite, "/editions", 400, partner="zz").select_one(".problems"))
    for asked in ({"cursor": "abc"}, {"limit": "3"}, {"partner": "x" * 5000}):
        read(on_sqlite, "/editions", 400, **asked)
