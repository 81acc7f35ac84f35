from datetime import timedelta

from tests.web.conftest import Service
from tests.web.pages.conftest import read, words
from tests.web.world import NOW, PAUSE, paused
from tracker.delivery import editions, picture
from tracker.domain.edition import Scope
from tracker.store.engine import writing


def event(service: Service, partner: str, title: str) -> str:
    page = read(service, f"/partners/{partner}")
    return next(str(a["href"]) for a in page.select(".timeline h3 a") if title in a.text)


def test_an_event_says_what_was_told_and_what_it_changed_for_whom(history: Service) -> None:
    page = read(history, event(history, "GB", "general terms"))
    assert "Told 8 May 2025" in words(page.select_one(".kicker"))
    changed = words(page.select_one(".changed"))
    assert "United Kingdom" in changed
    assert "27.5% → 10%" in changed
    assert "Agreement announced" in words(page.select_one(".acts"))
    record = words(page.select(".columns section")[1])
    assert "position" in record
    assert "Hash" in record


def test_a_schedule_of_many_rates_is_one_row(history: Service) -> None:
    page = read(history, event(history, "VN", "57 partners"))
    schedule = page.select_one(".schedule")
    assert schedule is not None
    assert len(page.select(".changed tbody tr")) < 20
    assert any("Vietnam" in words(li) and "46%" in words(li) for li in schedule.select("li"))


def test_it_is_found_by_the_id_of_the_development_and_of_its_event(on_sqlite: Service) -> None:
    made = on_sqlite.log(PAUSE)
    for id in (made["development"], made["events"][0]["id"]):
        assert words(read(on_sqlite, f"/events/{id}").h1) == PAUSE["title"]
    read(on_sqlite, "/events/nope", 404)


def test_every_version_stays_readable_with_its_reason(on_sqlite: Service) -> None:
    id = on_sqlite.log(PAUSE)["development"]
    now = PAUSE | {"events": [paused("2025-10-02")]}
    on_sqlite.post(f"/v1/developments/{id}/corrections", {"reason": "A day later", "development": now})
    page = read(on_sqlite, f"/events/{id}")
    assert "30 Aug 2025 – 2 Oct 2025" in words(page.select_one(".changed")), "all of it, as corrected"
    logged, corrected = page.select("ol.versions > li")
    assert words(logged.h3).startswith("Logged")
    assert "A day later" in words(corrected)
    assert "until 2025-10-01 2025-10-02" in words(corrected.table)
    assert "Mexico: Border tariff" in words(corrected.ul)
    before = read(
        on_sqlite, f"/events/{id}", known_position=str(int(on_sqlite.get("/readyz")["position"]) - 1)
    )
    assert before.select_one("ol.versions") is None, "as known before the correction there was one version"


def test_only_analysts_are_offered_to_mend_it(on_sqlite: Service) -> None:
    id = on_sqlite.log(PAUSE)["development"]
    assert read(on_sqlite, f"/events/{id}").select(".actions a") == []
    on_sqlite.client.post("/sign-in", data={"key": on_sqlite.ann.secret})
    assert [words(a) for a in read(on_sqlite, f"/events/{id}").select(".actions a")] == [
        "Correct",
        "Withdraw",
    ]


def test_a_measure_shows_its_course_and_where_the_point_lies(history: Service) -> None:
    page = read(history, "/measures/us-ieepa-fentanyl-cn", as_of="2025-02-20")
    course = page.select_one(".course")
    assert "rate 10% then" in words(course.select_one(".here"))
    assert "rate 20%" in words(course)
    assert "International Emergency Economic Powers Act" in words(page.select_one(".standfirst"))
    read(history, "/measures/us-nope", 404)
    assert "Cars" in words(read(history, "/agreements/us-gb-epd").select_one(".course"))
    assert "struck down" in words(read(history, "/authorities/us-ieepa").select_one("#standing"))


def test_a_digest_is_previewed_for_partners_of_ones_choice(history: Service) -> None:
    page = read(history, "/digest", day="2025-08-01", partners="CA")
    assert "was 25%" in words(page.select_one("article.edition"))
    assert "copper" not in words(page.select_one(".headline"))
    assert page.select_one("input[name=partners][value=CA][checked]") is not None
    wrong = read(history, "/digest", 400, partners="ZZ", day="2025-99-99")
    assert "ZZ" in words(wrong.select_one(".problems"))
    read(history, "/editions/nope", 404)


def test_a_long_part_of_a_digest_has_pages_of_its_own(history: Service) -> None:
    whole = read(history, "/digest", day="2025-05-09")
    titles = [words(h3) for h3 in whole.select(".part-new h3")]
    page = read(history, "/digest", day="2025-05-09", part="new", first="1")
    assert [words(h3) for h3 in page.select(".part h3")] == titles[1:]
    assert words(page.select_one(".part h2")) == f"New, 2 to {len(titles)} of {len(titles)}"
    assert page.find("a", href="/digest?day=2025-05-09") is not None
    for refusal, asked in (
        ("Part: a digest has", {"part": "old"}),
        ("First: write", {"part": "new", "first": "-1"}),
    ):
        assert refusal in words(read(history, "/digest", 400, **asked).select_one(".problems"))


def test_an_edition_stays_as_it_was_cut_and_says_what_was_mended_since(on_sqlite: Service) -> None:
    id = on_sqlite.log(PAUSE)["development"]
    with writing(on_sqlite.engine) as connection:
        made = editions.preview(
            connection, Scope(partners=["MX"]), now=NOW + timedelta(hours=1), zone="America/New_York"
        )
        frozen = editions.freeze(connection, made, NOW)
    page = read(on_sqlite, f"/editions/{frozen.id}")
    assert "Pause for Mexico" in words(page.select_one("article.edition"))
    assert page.select_one(".beyond") is None
    on_sqlite.post(f"/v1/developments/{id}/withdrawals", {"reason": "Never happened"})
    again = read(on_sqlite, f"/editions/{frozen.id}")
    assert "our record was mended" in words(again.select_one(".beyond"))
    assert "Never happened" in words(again.select_one(".beyond"))
    assert words(again.select_one("article.edition")) == words(page.select_one("article.edition"))
    assert any(frozen.id in a["href"] for a in read(on_sqlite, "/digest").select(".editions a"))


def test_a_chart_of_an_edition_is_the_picture_that_was_mailed(on_sqlite: Service) -> None:
    on_sqlite.log(PAUSE)
    with writing(on_sqlite.engine) as connection:
        made = editions.preview(
            connection, Scope(partners=["MX"]), now=NOW + timedelta(hours=1), zone="America/New_York"
        )
        frozen = editions.freeze(connection, made, NOW)
    (img,) = read(on_sqlite, f"/editions/{frozen.id}").select("article.edition img")
    assert img["alt"] == made.charts[0].words
    got = on_sqlite.client.get(str(img["src"]))
    assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
    assert got.content == picture.png(made.charts[0])
    assert "immutable" in got.headers["cache-control"]
    again = on_sqlite.client.get(str(img["src"]), headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("2.png", "0.png", "1.svg", "x"):
        gone = on_sqlite.client.get(f"/editions/{frozen.id}/charts/{name}")
        assert gone.status_code == 404
        assert "it has 1.png" in gone.text
    assert on_sqlite.client.get("/editions/nope/charts/1.png").status_code == 404


def test_a_preview_shows_its_charts_though_it_is_kept_nowhere(history: Service) -> None:
    page = read(history, "/digest", partners="CN", day="2025-04-10")
    found = [str(img["src"]) for img in page.select("article.edition img")]
    assert found
    assert all(src.startswith("data:image/png;base64,") for src in found)
    explained = page.select_one("article.edition .over-time a")
    assert explained is not None
    assert words(read(history, str(explained["href"])).h1).endswith("84%")
