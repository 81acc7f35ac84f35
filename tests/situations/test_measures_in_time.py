"""Threats, dates, pauses, steps: what applied when, and what was known of it."""

from tests.situations.desk import Desk, about, effect, measure

TITLE = {"title": "Tariff", "authority": "us-ieepa"}


def test_threat_that_never_becomes_a_measure_withdrawn_the_same_day(desk: Desk) -> None:
    desk.log(
        "25% on Colombia, 50% a week later",
        "2025-01-26",
        measure("threatened", "us-ieepa-co", effect("CO", 25), **TITLE),
        sequence=1,
    )
    assert desk.claims("CO", "2025-01-26")["threat"]["state"]["status"] == "threatened"
    desk.log(
        "Withdrawn: the flights land",
        "2025-01-26",
        measure("ended", "us-ieepa-co", effect("CO", why_ended="withdrawn"), claim="threat"),
        sequence=2,
    )
    ended = desk.claims("CO", "2025-01-26")["threat"]
    assert (ended["state"]["status"], ended["state"]["why_ended"], ended["counts"]) == (
        "ended",
        "withdrawn",
        False,
    )
    assert desk.duty("CO", "2025-01-27")["layers"] == []
    assert desk.titles("CO", "2025-01-27")[:2] == [
        "Withdrawn: the flights land",
        "25% on Colombia, 50% a week later",
    ]


def test_two_acts_on_one_day_in_order(desk: Desk) -> None:
    """Invented: an order and its amendment of the same day, logged the wrong way round."""
    desk.log("Opened", "2025-03-01", measure("announced", "us-ieepa-co", effect("CO", 10), **TITLE))
    desk.log("Second act: 20%", "2025-03-11", measure("amended", "us-ieepa-co", effect("CO", 20)), sequence=2)
    desk.log("First act: 30%", "2025-03-11", measure("amended", "us-ieepa-co", effect("CO", 30)), sequence=1)
    assert desk.total("CO", "2025-03-11") == 20
    assert desk.titles("CO", "2025-03-11")[:2] == ["Second act: 20%", "First act: 30%"]


def test_another_rate_announced_for_later_leaves_what_applies_until_then(desk: Desk) -> None:
    """Invented: an order that raises what everyone pays, one for a partner, and one for some goods."""
    desk.log(
        "10% on everyone", "2025-03-01", measure("announced", "us-122-all", effect("everyone", 10), **TITLE)
    )
    for title, day, said in (
        ("20% on everyone from June", "2025-04-01", effect("everyone", 20, since="2025-06-01")),
        ("15% on Britain from May", "2025-04-02", effect("GB", 15, since="2025-05-01")),
        ("30% on coffee from July", "2025-04-03", effect("everyone", 30, since="2025-07-01", scope="coffee")),
    ):
        desk.log(title, day, measure("announced", "us-122-all", said))
    assert [desk.total("JP", day) for day in ("2025-04-10", "2025-06-02")] == [10, 20]
    assert [desk.total("GB", day) for day in ("2025-04-10", "2025-05-02")] == [10, 15]
    assert [desk.total("JP", day, scope="coffee") for day in ("2025-04-10", "2025-06-02", "2025-07-02")] == [
        10,
        20,
        30,
    ]


def test_measure_announced_for_a_future_date(desk: Desk) -> None:
    desk.log(
        "Heavy trucks at 25%, buses at 10%",
        "2025-10-17",
        measure(
            "announced",
            "us-232-trucks",
            effect("everyone", 25, "2025-11-01T00:01-04:00", scope="heavy-trucks"),
            effect("everyone", 10, "2025-11-01T00:01-04:00", scope="buses"),
            title="Section 232 tariff on heavy trucks and buses",
            authority="us-section-232",
        ),
    )
    assert desk.reasons("MX", "2025-10-20", scope="buses") == {"us-232-trucks": "announced"}
    assert desk.total("MX", "2025-11-01", scope="buses") == 10
    assert desk.reasons("MX", "2025-11-01T00:00-04:00", scope="heavy-trucks")["us-232-trucks"] == "announced"
    coming = desk.state("MX", "2025-10-20")["coming"]
    assert {(c["scope"], c["starts"]) for c in coming} == {
        ("heavy-trucks", "2025-11-01T04:01:00Z"),
        ("buses", "2025-11-01T04:01:00Z"),
    }
    assert desk.reasons("MX", "2025-11-02", "2025-10-01", scope="buses") == {}


def test_pause_of_a_measure_not_yet_in_force_ends_by_itself(desk: Desk) -> None:
    desk.log(
        "25% on Mexico from 4 February",
        "2025-02-01",
        measure("announced", "us-ieepa-border-mx", effect("MX", 25, "2025-02-04T00:01-05:00"), **TITLE),
    )
    desk.log(
        "Paused for a month",
        "2025-02-03",
        measure("paused", "us-ieepa-border-mx", effect("MX", until="2025-03-04T00:01-05:00")),
    )
    assert desk.total("MX", "2025-02-10", "2025-02-02") == 25
    assert desk.duty("MX", "2025-02-10")["layers"][0]["reason"] == "paused"
    assert desk.total("MX", "2025-02-10") == 0
    assert desk.total("MX", "2025-03-04T00:01-05:00") == 25
    ahead = desk.state("MX", "2025-02-10")["coming"][0]
    assert (ahead["starts"], ahead["before"]["status"], ahead["after"]["status"]) == (
        "2025-03-04T05:01:00Z",
        "paused",
        "in_force",
    )


def test_one_day_measure_with_hours_and_zone(desk: Desk) -> None:
    desk.log(
        "Country rates",
        "2025-04-02",
        measure(
            "announced", "us-ieepa-reciprocal-country", effect("VN", 46, "2025-04-09T00:01-04:00"), **TITLE
        ),
    )
    desk.log(
        "Paused for 90 days",
        "2025-04-09T13:18-04:00",
        measure(
            "paused",
            "us-ieepa-reciprocal-country",
            effect("each_of", since="2025-04-10T00:01-04:00", until="2025-07-09T00:01-04:00", except_=["CN"]),
        ),
    )
    totals = {
        at: desk.total("VN", at)
        for at in (
            "2025-04-09T00:00-04:00",
            "2025-04-09T00:01-04:00",
            "2025-04-10T00:00-04:00",
            "2025-04-10T00:01-04:00",
        )
    }
    assert [*totals.values()] == [0, 46, 46, 0]
    assert desk.total("VN", "2025-04-11", "2025-04-09T13:00-04:00") == 46
    assert desk.total("VN", "2025-04-09T04:01Z") == 46, "asked in another zone it is the same instant"
    held = desk.measure("VN", "us-ieepa-reciprocal-country", "2025-04-09T12:00-04:00")
    assert (held["since"], held["until"]) == ("2025-04-09T04:01:00Z", "2025-04-10T04:01:00Z")


def test_rate_steps_scheduled_in_advance_and_later_postponed(desk: Desk) -> None:
    wood = "upholstered-furniture"
    desk.log(
        "Furniture at 25%, 30% from January",
        "2025-09-29",
        measure(
            "announced",
            "us-232-wood",
            effect("everyone", 25, "2025-10-14T00:01-04:00", scope=wood),
            effect("everyone", 30, "2026-01-01T00:01-05:00", scope=wood),
            effect("GB", 10, "2025-10-14T00:01-04:00", scope=wood),
            title="Section 232 tariff on timber and furniture",
            authority="us-section-232",
        ),
    )
    assert desk.total("VN", "2026-01-01", scope=wood) == 30
    desk.log(
        "The rise is put off for a year",
        "2025-12-31",
        measure(
            "amended",
            "us-232-wood",
            effect("everyone", 25, "2026-01-01T00:01-05:00", "2027-01-01T00:01-05:00", scope=wood),
        ),
    )
    for on, known, rate in (
        ("2025-12-01", None, 25),
        ("2026-02-01", "2025-12-30", 30),
        ("2026-02-01", None, 25),
        ("2027-01-02", None, 30),
    ):
        assert desk.total("VN", on, known, scope=wood) == rate, (on, known)
    assert desk.total("GB", "2026-02-01", scope=wood) == 10
    (step,) = desk.state("VN", "2026-02-01")["coming"]
    assert (step["starts"], step["words"]) == ("2027-01-01T05:01:00Z", ["rate 25% → 30%"])


def test_retroactive_exemption_with_refunds(desk: Desk) -> None:
    desk.log(
        "Baseline",
        "2025-04-02",
        measure(
            "announced",
            "us-ieepa-reciprocal-baseline",
            effect("everyone", 10, "2025-04-05T00:01-04:00"),
            **TITLE,
        ),
    )
    desk.log(
        "Telephones spared, back to 5 April",
        "2025-04-11",
        measure(
            "amended",
            "us-ieepa-reciprocal-baseline",
            effect(
                "everyone", since="2025-04-05T00:01-04:00", scope="smartphones", exempt=True, refund="due"
            ),
        ),
    )
    assert desk.total("CN", "2025-04-06", "2025-04-06", scope="smartphones") == 10
    found = desk.duty("CN", "2025-04-06", "2025-04-11", scope="smartphones")
    (layer,) = found["layers"]
    assert (found["total"], layer["reason"], layer["state"]["refund"]) == (0, "exempt, refund due", "due")
    assert desk.total("CN", "2025-04-06", scope="computers") == 10


def test_official_text_corrected_retroactively(desk: Desk) -> None:
    """Japan's 15% was to include the normal duty; the order of 31 July had not said so."""
    key = "us-ieepa-reciprocal-country"
    desk.log(
        "15% on top",
        "2025-07-31",
        measure("announced", key, effect("JP", 15, "2025-08-07T00:01-04:00"), **TITLE),
    )
    desk.log(
        "15% in all, back to 7 August, with refunds",
        "2025-09-04",
        measure(
            "amended",
            key,
            effect("JP", since="2025-08-07T00:01-04:00", rate={"percent": 15, "all_in": True}, refund="due"),
        ),
    )
    ask = {"scope": "cars"}  # normal duty 2.5%
    assert desk.total("JP", "2025-08-20", "2025-09-01", **ask) == 17.5
    assert desk.total("JP", "2025-08-20", **ask) == 15
    assert desk.measure("JP", key, "2025-08-20")["state"]["refund"] == "due"
    assert [e["standing"] for e in desk.timeline("JP", "2025-09-05")[:2]] == ["current", "current"], (
        "no repair of ours"
    )


def test_investigation_opened_measure_proposed_then_ordered(desk: Desk) -> None:
    key, fee = "us-301-ships-cn", {"amount": {"value": 50, "currency": "USD", "per": "net ton"}}
    desk.log(
        "Inquiry into shipbuilding",
        "2024-04-17",
        measure(
            "investigation.opened",
            key,
            effect("CN", scope="ships"),
            title="Fees on Chinese ships",
            kind="fee",
            authority="us-section-301",
        ),
    )
    desk.log(
        "Draft", "2025-02-21", measure("proposed", key, effect("CN", scope="ships", rate={"unknown": True}))
    )
    desk.log(
        "Order",
        "2025-04-17",
        measure("announced", key, effect("CN", since="2025-10-14", scope="ships", rate=fee)),
    )
    desk.log(
        "Suspended for a year",
        "2025-11-09",
        measure("paused", key, effect("CN", since="2025-11-10", until="2026-11-10")),
    )
    assert [
        desk.measure("CN", key, on, scope="ships")["state"]["status"]
        for on in ("2024-05-01", "2025-03-01", "2025-05-01", "2025-10-20", "2025-12-01", "2026-11-10")
    ] == ["under_investigation", "proposed", "announced", "in_force", "paused", "in_force"]
    found = desk.duty("CN", "2025-10-20", scope="ships")
    assert (found["total"], found["layers"][0]["words"]) == (None, "US$50 per net ton")
    assert desk.duty("CN", "2025-10-20", "2025-04-01", scope="ships")["layers"][0]["reason"] == "proposed"


def test_review_clause_with_a_date(desk: Desk) -> None:
    key = "us-232-steel"
    desk.log(
        "Steel at 50%, Britain at 25% until a review",
        "2025-06-03",
        measure(
            "announced",
            key,
            effect("everyone", 50, "2025-06-04T00:01-04:00", scope="steel"),
            effect(
                "GB",
                25,
                "2025-06-04T00:01-04:00",
                scope="steel",
                review_on="2025-07-09",
                condition="may become a quota, or 50%, if Britain does not keep to the deal",
            ),
            title="Section 232 tariff on steel",
            authority="us-section-232",
        ),
        about(
            "GB",
            "deadline.set",
            deadline="steel-review",
            set={"title": "Review of British steel", "due": "2025-07-09"},
        ),
    )
    held = desk.measure("GB", key, "2025-07-20", scope="steel")
    assert (held["state"]["review_on"], held["state"]["rate"]["percent"]) == ("2025-07-09", 25), (
        "no rise by itself"
    )
    assert [d["state"]["due"] for d in desk.state("GB", "2025-06-10")["deadlines"]] == ["2025-07-09"]
    assert desk.total("GB", "2025-06-10", scope="steel") == 25
    assert desk.total("DE", "2025-06-10", scope="steel") == 50


def test_import_ban(desk: Desk) -> None:
    desk.log(
        "The border closes to Mexican cattle",
        "2025-05-11",
        {
            "type": "scope.defined",
            "subject": "scope:live-cattle",
            "about": {"title": "Live cattle", "within": "farm-goods", "hs": ["0102"]},
        },
        measure(
            "announced",
            "us-cattle-mx",
            effect("MX", scope="live-cattle", rate={"ban": True}),
            title="Cattle ban",
            kind="ban",
        ),
    )
    desk.log(
        "Reopened in part", "2025-07-07", measure("ended", "us-cattle-mx", effect("MX", why_ended="revoked"))
    )
    desk.log("Closed again", "2025-07-09", measure("resumed", "us-cattle-mx", effect("MX", why_ended=None)))
    found = desk.duty("MX", "2025-06-01", hs="0102.29")
    assert (found["scope"], found["total"], found["unknown"]) == (
        "live-cattle",
        None,
        ["Cattle ban bans these goods"],
    )
    assert desk.total("MX", "2025-07-08", scope="live-cattle") == 0
    assert desk.total("MX", "2025-07-10", scope="live-cattle") is None
    assert desk.total("MX", "2025-07-10", "2025-07-08", scope="live-cattle") == 0


def test_precision_of_dates_is_kept_and_shown(desk: Desk) -> None:
    key = "us-232-autos"
    desk.log(
        "Parts by 3 May at the latest",
        "2025-03-26",
        measure(
            "announced",
            key,
            effect("everyone", 25, "by 2025-05-03", scope="auto-parts"),
            effect("everyone", 25, "2025-04-03T00:01-04:00", scope="cars"),
            title="Section 232 tariff on cars and parts",
            authority="us-section-232",
        ),
    )
    desk.log(
        "Invented: spare wheels end some time in October",
        "2025-06-01",
        measure("amended", key, effect("GB", 10, "2025-06-01", "2025-10", scope="auto-parts")),
    )
    parts, cars = (desk.measure("DE", key, "2025-05-10", scope=scope) for scope in ("auto-parts", "cars"))
    assert (parts["since"], parts["since_stated"]) == ("2025-05-03T04:00:00Z", "by 2025-05-03")
    assert (cars["since"], cars["since_stated"]) == ("2025-04-03T04:01:00Z", None)
    ahead = {c["scope"]: c for c in desk.state("DE", "2025-04-01")["coming"]}
    assert (ahead["auto-parts"]["starts_stated"], ahead["cars"]["starts_stated"]) == ("by 2025-05-03", None)
    (layer,) = desk.duty("DE", "2025-05-10", scope="auto-parts")["layers"]
    assert layer["from_stated"] == "by 2025-05-03"
    (layer,) = desk.duty("GB", "2025-06-10", scope="auto-parts")["layers"]
    assert (layer["from_stated"], layer["until_stated"]) == (None, "2025-10")
    (logged,) = (e for e in desk.timeline("DE", "2025-04-01") if e["title"].startswith("Parts"))
    assert {
        c["starts_stated"]
        for c in logged["changes"]
        if c["scope"] == "auto-parts" and c["starts"] == "2025-05-03T04:00:00Z"
    } == {"by 2025-05-03"}
    page = desk.client.get("/partners/DE?as_of=2025-05-10").text
    assert "by 3 May 2025" in page
    assert "October 2025" in desk.client.get("/partners/GB?as_of=2025-06-10").text
    digest = desk.client.get("/digest?day=2025-03-27&partners=DE").text
    assert "by 3 May 2025" in digest
    assert "from by" not in digest
