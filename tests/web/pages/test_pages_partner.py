from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag

from tests.web.conftest import Service
from tests.web.pages.conftest import read, signed_in, words
from tests.web.world import BORDER, PAUSE, PRESS, development, paused


def test_the_same_page_shows_any_past_day(history: Service) -> None:
    before = read(history, "/partners/GB", as_of="2025-05-01")
    assert before.select_one("#deal") is None
    assert "10% Reciprocal tariff, baseline" in words(before.select_one(".facts"))
    after = read(history, "/partners/GB", as_of="2025-07-01")
    cars = next(row for row in after.select("#deal tbody tr") if "Cars" in words(row.th))
    assert "In force since 30 Jun 2025" in words(cars)
    assert "27.5% → 10%" in words(cars.select_one(".moves"))
    assert "100,000 cars a year" in words(cars)
    metals = next(row for row in after.select("#deal tbody tr") if "Steel" in words(row.th))
    assert "Announced" in words(metals.select("td")[0])


def test_what_was_known_then_and_what_is_known_now(history: Service) -> None:
    then = read(history, "/partners/CN", as_of="2025-04-20", known_at="2025-04-03")
    now = read(history, "/partners/CN", as_of="2025-04-20")
    assert "34% Reciprocal tariff, country rates" in words(then.select_one(".facts"))
    assert "125% Reciprocal tariff, country rates" in words(now.select_one(".facts"))


def test_a_page_that_is_not_the_present_says_so_and_leads_back(history: Service) -> None:
    page = read(history, "/partners/GB", as_of="2025-05-01", known_at="2025-06-01")
    banner = page.select_one(".banner")
    assert "state on 1 May 2025, as known on 1 June 2025" in words(banner)
    assert banner.a["href"] == "/partners/GB"
    assert page.select_one("input[name=as_of]")["value"] == "2025-05-01"
    inside = [
        a["href"] for a in page.select("main a[href^='/']") if a.parent.get("class") != ["follow", "meta"]
    ]
    assert all("as_of=2025-05-01" in href for href in inside), "links keep the point"
    assert read(history, "/partners/GB").select_one(".banner") is None


def test_a_date_that_is_none_is_told_beside_the_field_and_kept(history: Service) -> None:
    page = read(history, "/partners/GB", 400, as_of="2025-13-45")
    assert "State on: '2025-13-45' is not a point in time" in words(page.select_one(".point .error"))
    assert page.select_one("input[name=as_of]")["value"] == "2025-13-45"
    assert "United Kingdom" in words(page.h1)
    ahead = read(history, "/partners/GB", 400, known_at="2099-01-01")
    assert "lies in the future" in words(ahead.select_one(".point .error"))


def test_an_hour_can_be_asked_for(history: Service) -> None:
    for hour, rate in (("00:00", "baseline"), ("12:00", "46% Reciprocal tariff, country rates")):
        page = read(history, "/partners/VN", as_of=f"2025-04-09T{hour}-04:00")
        assert rate in words(page.select_one(".facts")), hour


def test_claims_stand_apart_and_are_marked(history: Service) -> None:
    page = read(history, "/partners/CN")
    claims = page.select_one("#claims")
    assert "245%" in words(claims)
    assert all("said, not law" in words(item) for item in claims.select(".said"))
    assert "245%" not in words(page.select_one("#state"))
    assert "245%" not in words(page.select_one(".facts"))


def test_the_sides_accounts_stand_side_by_side(history: Service) -> None:
    page = read(history, "/partners/VN")
    american, vietnamese = page.select("#deal .account")
    assert "United States said, not law" in words(american)
    assert "20%" in words(american)
    assert "names no figures" in words(vietnamese)
    assert "Not in writing" in words(page.select_one("#deal"))


def test_what_is_missing_is_not_stated_and_never_zero(history: Service) -> None:
    profile = words(read(history, "/partners/BE").select_one("#profile dl"))
    assert profile.count("not stated") == 3
    assert "$0" not in profile


def test_a_member_shows_what_holds_through_its_bloc(history: Service) -> None:
    page = read(history, "/partners/DE")
    assert "member of the European Union" in words(page.select_one(".kicker"))
    row = next(row for row in page.select("#state tr") if "Reciprocal tariff, country rates" in words(row))
    assert "via the European Union" in words(row)
    assert "Countermeasures" in words(page.select_one("#theirs"))


def test_a_value_has_its_own_since_and_its_source(history: Service) -> None:
    page = read(history, "/partners/CN")
    row = next(row for row in page.select("#state tr") if "Fentanyl tariff on China all goods" in words(row))
    assert "20%" in words(row)
    assert "4 Mar 2025" in words(row.select_one(".since")), (
        "20% since March, though the tariff is of February"
    )
    assert "told 3 March 2025" in words(row.select_one(".by"))


def test_what_does_not_count_says_why(history: Service) -> None:
    page = read(history, "/partners/VN")
    group = next(g for g in page.select("#state .group") if "not charged" in words(g.h3))
    baseline = next(
        row for row in group.select("tbody tr") if "Reciprocal tariff, baseline all goods" in words(row)
    )
    assert "Replaced by Reciprocal tariff, country rates" in words(baseline)
    assert "These goods are exempt" in words(group)


def test_goals_stand_beside_what_moved_them(history: Service) -> None:
    page = read(history, "/partners/GB")
    goal = next(row for row in page.select("#goals tr") if "Aerospace" in words(row))
    assert "Advanced" in words(goal.select_one(".standing"))
    assert "30 Jun 2025" in words(goal.select_one(".moved"))
    assert "Advanced" in words(goal.select_one(".moved"))
    other = next(row for row in page.select("#goals tr") if "financial firms" in words(row))
    assert "nothing on record yet" in words(other)


def test_what_is_coming_stands_by_date(history: Service) -> None:
    coming = words(read(history, "/partners/CN").select_one("#coming"))
    assert "10 Nov 2025" in coming
    assert "rate 10% → 34%" in coming
    assert "Deadline End of the 90-day truce" in coming


def test_a_deadline_whose_day_has_passed_is_not_open(history: Service) -> None:
    assert "Date passed, outcome not on record" in words(
        read(history, "/partners/GB").select_one(".deadlines")
    )


def test_the_timeline_is_newest_first_in_pages(history: Service) -> None:
    first, second = read(history, "/partners/CN"), read(history, "/partners/CN", page=2)
    assert len(first.select(".timeline > li")) == 25
    assert len(second.select(".timeline > li")) > 3
    older = first.select_one(".pages a[rel=next]")["href"]
    assert older == "/partners/CN?page=2#timeline"
    entry = next(li for li in first.select(".timeline > li") if "90 days" in words(li.h3))
    assert "12 May 2025" in words(entry.select_one(".told"))
    assert "rate 125% → 10%" in words(entry)
    for odd in ("0", "-1", "99", "x", "²", "9999999999999999999"):
        refused = read(history, "/partners/CN", 400, page=odd)
        assert "is no page of this timeline: give a number from 1 to 2" in words(refused.main), odd


def test_what_was_logged_late_carries_both_dates(on_sqlite: Service) -> None:
    on_sqlite.log(development("An old letter", "2025-03-03", paused("2025-03-04")))
    page = read(on_sqlite, "/partners/MX")
    entry = next(li for li in page.select(".timeline > li") if "An old letter" in words(li.h3))
    assert "Logged late told 3 March 2025, learnt 1 Sep 2025" in words(entry.select_one(".late"))
    assert not any(
        li.select_one(".late") for li in page.select(".timeline > li") if "Pause for a month" in words(li)
    )


@pytest.mark.parametrize("stated", ["2025-08", "2025", "by 2025-08-30"])
def test_a_date_is_shown_no_more_precise_than_it_was_stated(on_sqlite: Service, stated: str) -> None:
    on_sqlite.log(development("Vague", stated, paused("2025-10-01")))
    page = read(on_sqlite, "/partners/MX")
    entry = next(li for li in page.select(".timeline > li") if "Vague" in words(li.h3))
    shown = {"2025-08": "August 2025", "2025": "2025", "by 2025-08-30": "by 30 August 2025"}
    assert words(entry.select_one(".told")) == shown[stated]


def test_corrected_and_withdrawn_entries_say_so_with_the_reason(on_sqlite: Service) -> None:
    id = on_sqlite.log(PAUSE)["development"]
    now = PAUSE | {"events": [paused("2025-10-02")]}
    on_sqlite.post(f"/v1/developments/{id}/corrections", {"reason": "A day later", "development": now})
    entry = read(on_sqlite, "/partners/MX").select_one(".timeline > li.corrected")
    assert "Corrected A day later" in words(entry)
    assert "in force → paused , until 2 Oct 2025" in words(entry), (
        "all that it says, not only the day it moved"
    )
    on_sqlite.post(f"/v1/developments/{id}/withdrawals", {"reason": "Never happened"})
    entry = read(on_sqlite, "/partners/MX").select_one(".timeline > li.withdrawn")
    assert "Withdrawn Never happened" in words(entry)
    assert "paused" not in words(entry).replace("Measure paused", "")


def test_whatever_was_logged_is_shown_as_text(on_sqlite: Service) -> None:
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(1)>' + "W" * 200
    on_sqlite.log(development(nasty, "2025-08-30", paused("2025-10-01"), summary=nasty, note=nasty))
    page = read(on_sqlite, "/partners/MX")
    assert page.find("script") is None
    assert page.find("img") is None
    assert nasty in page.get_text()


def test_links_to_sources_lead_out_safely(on_sqlite: Service) -> None:
    page = read(on_sqlite, "/partners/MX")
    outside = page.select('main a[href^="http"]')
    assert outside
    assert all({"noopener", "noreferrer"} <= set(link["rel"]) for link in outside)
    assert {link["href"] for link in outside} == {PRESS["url"]}


def test_no_page_needs_a_script_or_another_host(history: Service) -> None:
    signed_in(history)
    story = read(history, "/partners/GB").select_one(".timeline h3 a")["href"]
    pages = ["/", "/partners/GB", story, "/log", "/digest", "/about", "/sign-in", "/measures/us-232-steel",
             "/subscribe?preview=yes", "/deliveries"]  # fmt: skip
    for path in pages:
        answer = history.client.get(str(path), headers={"Accept": "text/html"})
        assert "unsafe" not in answer.headers["content-security-policy"], path
        assert "script-src 'none'" in answer.headers["content-security-policy"]
        page = read(history, str(path))
        assert page.find("script") is None
        assert not page.select("[style], [onclick]")
        assert all(link["href"].startswith(("/static/", "/feeds/")) for link in page.select("link"))
        assert len(page.select("h1")) == 1, path
        assert page.html["lang"] == "en"
    history.client.cookies.clear()


def test_a_partner_that_is_not_followed_is_a_page_of_its_own(history: Service) -> None:
    page = read(history, "/partners/XX", 404)
    assert "is not a partner that is followed here" in words(page.main)
    assert page.select_one(f'a[href="/measures/{BORDER}"]') is None


def row_of(page: BeautifulSoup, title: str, goods: str) -> Tag:
    """The row of a measure on the goods, among what the United States charges."""
    return next(
        row
        for row in page.select("#state table.measures tbody tr")
        if words(row.select_one(".title")) == title and goods in words(row.select_one(".scopes"))
    )


@pytest.mark.parametrize(
    ("code", "title", "goods", "rate", "since", "told"),
    [
        ("GB", "Section 232 tariff on steel", "steel", "25%", "12 Mar 2025", "10 February 2025"),
        ("GB", "Section 232 tariff on cars and parts", "cars", "25%", "3 Apr 2025", "26 March 2025"),
        ("GB", "Reciprocal tariff, baseline", "computers", "10%", "5 Apr 2025", "11 April 2025"),
        ("CA", "Fentanyl and border tariff on Canada", "energy", "10%", "4 Mar 2025", "4 March 2025"),
        ("CN", "Reciprocal tariff, country rates", "all goods", "10%", "14 May 2025", "12 May 2025"),
        ("MX", "Section 232 tariff on steel", "steel", "50%", "4 Jun 2025", "3 June 2025"),
    ],
)
def test_since_and_set_by_agree(
    history: Service, code: str, title: str, goods: str, rate: str, since: str, told: str
) -> None:
    row = row_of(read(history, f"/partners/{code}", as_of="2025-08-31"), title, goods)
    assert words(row.select_one(".rate")) == rate
    assert since in words(row.select_one(".since"))
    assert f"told {told}" in words(row.select_one(".by"))


def test_a_term_set_later_names_its_own_event(history: Service) -> None:
    page = read(history, "/partners/GB")
    cars = row_of(page, "Section 232 tariff on cars and parts", "cars")
    quota = next(term for term in cars.select(".terms li") if "100,000" in words(term))
    assert "told 16 June 2025" in words(quota)
    assert "British car quota" in quota.a["title"]
    steel = row_of(page, "Section 232 tariff on steel", "steel")
    assert any("told 3 June 2025" in words(term) for term in steel.select(".terms li"))


def test_what_is_announced_shows_the_rate_it_is_to_have(history: Service) -> None:
    page = read(history, "/partners/CN", as_of="2025-04-20", known_at="2025-04-03")
    parts = row_of(page, "Section 232 tariff on cars and parts", "auto parts")
    assert "to be 25%" in words(parts)
    assert "until 3 May 2025 at the latest" in words(parts.select_one(".since"))


def test_what_comes_after_a_day_far_back_is_cut_and_leads_on(history: Service) -> None:
    seen, asked = [], "2025-02-03"
    for _ in range(20):
        coming = read(history, "/partners/CN", as_of=asked).select_one("#coming")
        seen += [time["datetime"] for time in coming.select(".on time")]
        further = coming.select_one("p.meta")
        if further is None:
            break
        assert "This is all before" in words(further)
        until = further.time["datetime"]
        assert all(at < until for at in seen)
        asked = parse_qs(urlsplit(further.a["href"]).query)["as_of"][0]
        assert further.select("a")[1]["href"] == "/partners/CN#timeline"
    assert further is None
    assert asked != "2025-02-03"
    assert seen == sorted(set(seen)), "each date once"
