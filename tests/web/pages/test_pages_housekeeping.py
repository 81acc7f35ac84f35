"""Housekeeping: what an analyst should look at, each kind from outside, over a small world."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.web.conftest import Service
from tests.web.pages.conftest import read, signed_in, words
from tests.web.world import BORDER, CARS, DEAL, GB, MX, development, paused, rated


def items(service: Service, kind: str, **asked: Any) -> list[dict[str, Any]]:
    found = service.get("/v1/housekeeping", limit=200, **asked)["items"]
    return [one for one in found if one["kind"] == kind]


def threat(claim: str = "letter", **effect: Any) -> dict[str, Any]:
    effects = [rated(50, "MX", **effect)]
    return {"type": "measure.threatened", "subject": BORDER, "claim": claim, "effects": effects}


def amended(percent: float, **fields: Any) -> dict[str, Any]:
    return {"type": "measure.amended", "subject": BORDER, "effects": [rated(percent, "MX")], **fields}


def test_a_claim_lies_open_though_an_instrument_came(on_sqlite: Service) -> None:
    on_sqlite.log(development("Threat", "2025-08-01", threat()))
    assert items(on_sqlite, "open_claim") == []
    on_sqlite.log(development("Order", "2025-08-10", amended(50)))
    (one,) = items(on_sqlite, "open_claim")
    assert "(letter) lies open since 1 August 2025: Border tariff has changed since" in one["says"]
    assert one["log"] == {
        "type": "claim.closed", "subject": BORDER, "short_key": "letter", "stands": "settled"
    }  # fmt: skip
    assert one["caused_by"] < one["because"]


def test_a_claim_lies_open_though_the_date_it_names_has_passed(on_sqlite: Service) -> None:
    on_sqlite.log(development("Threat", "2025-08-01", threat(**{"from": "2025-08-15"})))
    assert items(on_sqlite, "open_claim", as_of="2025-08-14") == []
    (one,) = items(on_sqlite, "open_claim", as_of="2025-08-16")
    assert "the date it names, 15 August 2025, has passed" in one["says"]
    assert one["log"]["stands"] == "lapsed"


@pytest.mark.parametrize("link", ["settles", "carries_out"])
def test_what_settles_a_claim_leaves_nothing_to_do(on_sqlite: Service, link: str) -> None:
    on_sqlite.log(development("Threat", "2025-08-01", threat(**{"from": "2025-08-15"})))
    on_sqlite.log(development("Order", "2025-08-10", amended(50, links={link: [f"{BORDER}#letter"]})))
    assert items(on_sqlite, "open_claim") == []


def test_closing_every_claim_that_is_listed_empties_the_list(on_sqlite: Service) -> None:
    said = {"by": "The briefing", "says": "A deal is near", "rate": {"percent": 35}}
    statement = {
        "type": "statement.made",
        "subject": MX,
        "claim": "near",
        "effects": [{"target": "MX", "set": said}],
    }
    on_sqlite.log(
        development("Threats", "2025-08-01", threat(), threat("other", **{"from": "2025-08-15"}), statement)
    )
    on_sqlite.log(development("Order", "2025-08-10", amended(35)))
    listed = items(on_sqlite, "open_claim")
    assert len(listed) == 3
    for one in listed:
        log = one["log"]
        closing = {
            "type": log["type"], "subject": log["subject"], "claim": log["short_key"],
            "effects": [{"set": {"outcome": log["stands"]}}],
        }  # fmt: skip
        on_sqlite.log(development("Closed", "2025-08-20", closing))
    assert items(on_sqlite, "open_claim") == []


def test_a_promise_stands_as_announced_though_the_measure_has_its_rate(on_sqlite: Service) -> None:
    promise = {"status": "announced", "after": {"percent": 5}, "changes": CARS, "title": "Cars at 5%"}
    provisions = [{"provision": "cars-5", "set": promise}]
    changed = {"type": "provision.changed", "subject": DEAL, "provisions": provisions}
    on_sqlite.log(development("More", "2025-08-01", changed))
    assert items(on_sqlite, "promise") == []
    amending = {"type": "measure.amended", "subject": CARS, "effects": [rated(5, "GB", scope="cars")]}
    on_sqlite.log(development("Order", "2025-08-10", amending))
    (one,) = items(on_sqlite, "promise")
    assert (
        "“Cars at 5%” of Prosperity deal, United Kingdom still stands as announced, but Car tariff"
        in one["says"]
    )
    links = {"links": {"carries_out": [f"{DEAL}#cars-5"]}}
    on_sqlite.log(development("Again", "2025-08-11", amending | links))
    assert items(on_sqlite, "promise") == []


def test_a_promise_is_past_its_day(on_sqlite: Service) -> None:
    provisions = [{"provision": "beef", "set": {"due": "2025-07-09"}}]
    on_sqlite.log(
        development(
            "Due", "2025-06-01", {"type": "provision.changed", "subject": DEAL, "provisions": provisions}
        )
    )
    assert items(on_sqlite, "promise", as_of="2025-07-08") == []
    (one,) = items(on_sqlite, "promise", as_of="2025-07-10")
    assert "was due 9 July 2025 and still stands as announced" in one["says"]


def test_an_old_rate_comes_back_when_a_pause_ends(on_sqlite: Service) -> None:
    on_sqlite.log(development("Pause", "2025-08-30", paused("2025-10-01")))
    (one,) = items(on_sqlite, "returns")
    assert (
        one["says"]
        == "On 1 October 2025 Border tariff is back at 25% for Mexico, unless something else is logged."
    )
    assert items(on_sqlite, "returns", as_of="2025-10-02") == []


def test_a_deadline_has_passed(on_sqlite: Service) -> None:
    set_ = {"title": "Sign by", "due": "2025-08-20"}
    on_sqlite.log(
        development(
            "Set", "2025-08-01", {"type": "deadline.set", "subject": GB, "deadline": "sign", "set": set_}
        )
    )
    assert items(on_sqlite, "deadline", as_of="2025-08-20T12:00-04:00") == [], "its day is not over"
    (one,) = items(on_sqlite, "deadline", as_of="2025-08-21")
    assert "“Sign by” (United Kingdom) passed on 20 August 2025" in one["says"]


def test_a_review_was_due(on_sqlite: Service) -> None:
    effects = [{"target": "MX", "set": {"review_on": "2025-08-20"}}]
    reviewed = {"type": "measure.amended", "subject": BORDER, "effects": effects}
    on_sqlite.log(development("Review", "2025-08-01", reviewed))
    assert items(on_sqlite, "review", as_of="2025-08-19") == []
    (one,) = items(on_sqlite, "review", as_of="2025-08-21")
    assert "was to be reviewed on 20 August 2025" in one["says"]


def test_a_partner_was_not_checked_for_two_weeks(on_sqlite: Service) -> None:
    assert items(on_sqlite, "unchecked", as_of="2025-09-13") == []
    assert [one["subject"] for one in items(on_sqlite, "unchecked", as_of="2025-09-15")] == [
        "partner:DE", "partner:EU", "partner:GB", "partner:MX",
    ]  # fmt: skip
    (one,) = items(on_sqlite, "unchecked", as_of="2025-09-15", partner="GB")
    assert one["says"].startswith("Nobody has looked for news of United Kingdom since 31 August 2025")
    never = items(on_sqlite, "unchecked", as_of="2025-05-01", known_at="2025-05-01", partner="GB")
    assert "United Kingdom yet" in never[0]["says"]


def test_the_list_comes_in_pages(on_sqlite: Service) -> None:
    first = on_sqlite.get("/v1/housekeeping", limit=3, as_of="2025-09-20")
    rest = on_sqlite.get("/v1/housekeeping", limit=3, cursor=first["next"])
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)


def test_the_page_says_it_and_leads_to_the_form(on_sqlite: Service) -> None:
    on_sqlite.log(development("Threat", "2025-08-01", threat()))
    on_sqlite.log(development("Order", "2025-08-10", amended(50)))
    page = read(on_sqlite, "/housekeeping", partner="MX")
    assert "lies open since 1 August 2025" in words(page.main)
    assert page.find("a", string="Log it") is None, "readers do not log"
    signed_in(on_sqlite)
    page = read(on_sqlite, "/housekeeping", partner="MX")
    form = read(on_sqlite, page.find("a", string="Log it")["href"])
    assert form.select_one("select[name=type] option[selected]")["value"] == "claim.closed"
    assert form.select_one("input[name=short_key]")["value"] == "letter"
    assert form.select_one("select[name=stands] option[selected]")["value"] == "settled"
    assert read(on_sqlite, "/partners/MX").select_one("#state a[href='/housekeeping?partner=MX']")


def test_a_page_about_nobody_says_so(on_sqlite: Service) -> None:
    page = read(on_sqlite, "/housekeeping", 400, partner="ZZ")
    assert "is not a partner that is followed" in words(page.select_one("[role=alert]"))


def test_an_empty_record_has_nothing_to_do(nothing: Service) -> None:
    assert "There is nothing to do" in words(read(nothing, "/housekeeping").main)


def test_the_founding_history_lists_what_was_due(history: Service) -> None:
    says = [one["says"] for one in history.get("/v1/housekeeping", limit=200, as_of="2025-08-31")["items"]]
    assert any(
        "British metals: quota or 50%” (United Kingdom) passed on 9 July 2025" in said for said in says
    )
    assert any("On 7 February 2026 Countermeasures against the metals tariffs" in said for said in says)
    assert not any("letter" in said for said in says), "letters were settled by the orders of 31 July"


# ---------------------------------------------------------------- links that fit


def fits(service: Service, command: dict[str, Any]) -> dict[str, list[str]]:
    answer = service.post("/v1/developments?dry_run=true", command)
    assert answer.status_code == 200, answer.text
    found: dict[str, list[str]] = {}
    for fit in answer.json()["fits"]:
        found.setdefault(fit["link"], []).append(fit["to"])
    return found


def test_a_dry_run_names_the_open_claim_that_an_order_may_settle(on_sqlite: Service) -> None:
    assert fits(on_sqlite, development("Order", "2025-08-10", amended(50))) == {}
    on_sqlite.log(development("Threat", "2025-08-01", threat()))
    assert fits(on_sqlite, development("Order", "2025-08-10", amended(50))) == {
        "settles": [f"{BORDER}#letter"]
    }
    linked = amended(50, links={"settles": [f"{BORDER}#letter"]})
    assert fits(on_sqlite, development("Order", "2025-08-10", linked)) == {}


def test_a_dry_run_names_the_promise_that_an_order_may_carry_out(on_sqlite: Service) -> None:
    promise = {"status": "announced", "changes": CARS, "title": "Cars at 5%"}
    provisions = [{"provision": "cars-5", "set": promise}]
    on_sqlite.log(
        development(
            "More", "2025-08-01", {"type": "provision.changed", "subject": DEAL, "provisions": provisions}
        )
    )
    order = {"type": "measure.amended", "subject": CARS, "effects": [rated(5, "GB", scope="cars")]}
    assert fits(on_sqlite, development("Order", "2025-08-10", order)) == {"carries_out": [f"{DEAL}#cars-5"]}


def test_a_dry_run_names_what_retaliation_may_answer(on_sqlite: Service) -> None:
    theirs = {
        "type": "measure.announced", "subject": "measure:mx-answer", "about": {"title": "Answer"},
        "effects": [rated(10, "US")],
    }  # fmt: skip
    assert BORDER in fits(on_sqlite, development("Answer", "2025-03-10", theirs))["answers"]
    assert fits(on_sqlite, development("Answer", "2025-08-10", theirs)) == {}, "that is too long ago"
    answering = theirs | {"links": {"answers": [BORDER]}}
    assert fits(on_sqlite, development("Answer", "2025-03-10", answering)) == {}


def test_a_link_is_ticked_in_the_preview_and_comes_along(on_sqlite: Service) -> None:
    on_sqlite.log(development("Threat", "2025-08-01", threat()))
    typed = {
        "csrf": signed_in(on_sqlite), "action": "preview", "title": "Order", "announced": "2025-08-10",
        "type": "measure.amended", "subject": BORDER, "to": "partners", "partners": "MX", "rate_kind": "percent",
        "rate": "50",
    }  # fmt: skip
    page = BeautifulSoup(on_sqlite.client.post("/log", data=typed).text, "html.parser")
    box = page.select_one("#preview input[type=checkbox][name=settles]")
    assert box is not None
    typed |= {"settles": ["", box["value"]]}
    page = BeautifulSoup(on_sqlite.client.post("/log", data=typed).text, "html.parser")
    assert page.select_one("input#settles")["value"] == f"{BORDER}#letter"
    assert page.select_one("#preview input[name=settles]") is None
    assert "outcome settled" in words(page.select_one("#preview"))
    saved = on_sqlite.client.post("/log", data=typed | {"action": "save"}, follow_redirects=False)
    assert saved.status_code == 303
    assert items(on_sqlite, "open_claim") == []
