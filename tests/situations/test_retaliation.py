"""What partners do, blocs and their members, and what is neither the one nor the other's tariff."""

from tests.situations.desk import Desk, about, effect, measure


def test_partners_retaliation_in_phases_linked_suspended_and_removed_beyond_what_was_announced(
    desk: Desk,
) -> None:
    us, ca = "us-ieepa-fentanyl-ca", "ca-surtax"
    answers = {"links": {"answers": [f"measure:{us}"]}}
    desk.log(
        "Tariff and surtax",
        "2025-02-01",
        measure(
            "announced",
            us,
            effect("CA", 25, "2025-02-04T00:01-05:00"),
            title="Fentanyl",
            authority="us-ieepa",
        ),
        measure(
            "announced",
            ca,
            effect("US", 25, "2025-02-04", scope="listed-goods"),
            effect("US", 25, "2025-02-25", scope="listed-goods-phase-2"),
            title="Canadian surtax",
            **answers,
        ),
    )
    desk.log(
        "Both stand still for a month",
        "2025-02-03",
        measure("paused", us, effect("CA", until="2025-03-04T00:01-05:00")),
        measure("paused", ca, effect("US", until="2025-03-04")),
    )
    desk.log(
        "Phase 2 waits",
        "2025-03-06",
        measure("paused", ca, effect("US", scope="listed-goods-phase-2", until="2025-04-02")),
    )
    export = {"direction": "export"}
    assert desk.total("CA", "2025-02-26", "2025-02-02", scope="listed-goods-phase-2", **export) == 25
    assert [desk.total("CA", on, scope="listed-goods", **export) for on in ("2025-02-10", "2025-03-05")] == [
        0,
        25,
    ]
    assert [
        desk.total("CA", on, scope="listed-goods-phase-2", **export)
        for on in ("2025-03-05", "2025-03-10", "2025-04-03")
    ] == [25, 0, 25]
    assert desk.duty("CA", "2025-03-05", scope="listed-goods")["total"] == 25, "the American one alone"
    desk.log(
        "Goods under USMCA to be freed",
        "2025-08-22",
        measure(
            "amended",
            ca,
            effect(
                "US", since="2025-09-01", exemptions={"usmca": {"text": "goods that qualify under USMCA"}}
            ),
        ),
    )
    desk.log(
        "The order frees all but metals and cars",
        "2025-08-29",
        measure("ended", ca, effect("US", since="2025-09-01", why_ended="revoked")),
    )
    ask = {"scope": "listed-goods", **export}
    assert desk.total("CA", "2025-09-02", "2025-08-25", **ask) == 25
    assert desk.total("CA", "2025-09-02", "2025-08-25", usmca="true", **ask) == 0
    assert desk.total("CA", "2025-09-02", **ask) == 0
    links = next(e["links"] for e in desk.timeline("CA", "2025-09-01") if e["title"] == "Tariff and surtax")
    assert links["answers"] == [f"measure:{us}"]


def test_measures_on_a_bloc_inherited_by_members_and_a_members_own_threat_beside(desk: Desk) -> None:
    """The threat over Greenland: 10% from 1 February 2026 on six members, Norway and Britain; withdrawn on the 21st."""
    desk.log(
        "15% in all for the Union",
        "2025-07-31",
        measure(
            "announced",
            "us-ieepa-reciprocal-country",
            effect("EU", since="2025-08-07T00:01-04:00", rate={"percent": 15, "all_in": True}),
            title="Reciprocal",
            authority="us-ieepa",
        ),
    )
    desk.log(
        "10% on whoever stands by Denmark, 25% from June",
        "2026-01-17",
        measure(
            "threatened",
            "us-greenland",
            *(effect(code, 10, "2026-02-01") for code in ("DK", "NO", "DE", "FR", "GB", "NL")),
            title="Tariff over Greenland",
        ),
        measure(
            "threatened",
            "us-greenland",
            *(effect(code, 25, "2026-06-01") for code in ("DK", "NO", "DE", "FR", "GB", "NL")),
            claim="second-step",
        ),
    )
    assert (desk.total("DE", "2026-02-02"), desk.total("IT", "2026-02-02")) == (15, 15), (
        "its day makes a threat no law"
    )
    assert desk.measure("DE", "us-ieepa-reciprocal-country", "2026-02-02")["via"] == "EU"
    threats = [claim["state"] for claim in desk.duty("DE", "2026-01-18")["claims"]]
    assert {(t["rate"]["percent"], t["starts"]) for t in threats} == {(10, "2026-02-01"), (25, "2026-06-01")}
    assert desk.duty("IT", "2026-01-18")["claims"] == []
    assert desk.duty("DE", "2026-01-18", "2026-01-16")["claims"] == []
    desk.log(
        "Withdrawn",
        "2026-01-21",
        measure("ended", "us-greenland", effect("each_of", why_ended="withdrawn")),
    )
    for code in ("DE", "NO", "GB"):
        told = desk.claims(code, "2026-01-22")
        assert [told[key]["state"]["status"] for key in ("threat", "second-step")] == ["ended", "ended"]
    assert desk.state("DE", "2026-01-22")["partner"]["blocs"] == ["EU"]


def test_export_controls_suspended_for_a_year_and_a_threat_answered(desk: Desk) -> None:
    """China's controls of 9 October 2025, the 100% threatened the day after, and the truce of Busan."""
    key, fentanyl = "cn-rare-earth-controls", "us-ieepa-fentanyl-cn"
    desk.log(
        "Fentanyl 20%",
        "2025-03-03",
        measure(
            "announced",
            fentanyl,
            effect("CN", 20, "2025-03-04T00:01-05:00"),
            title="Fentanyl",
            authority="us-ieepa",
        ),
    )
    desk.log(
        "Controls on rare earths, in steps",
        "2025-10-09",
        measure(
            "announced",
            key,
            effect(
                "everyone", since="2025-12-01", scope="rare-earths", text="also goods made abroad with them"
            ),
            title="Export controls",
            kind="export_control",
        ),
        zone="Asia/Shanghai",
    )
    desk.log(
        "100% more from 1 November",
        "2025-10-10",
        measure(
            "threatened",
            "us-extra-cn",
            effect("CN", 100, "2025-11-01"),
            title="Extra tariff",
            links={"answers": [f"measure:{key}"]},
        ),
    )
    desk.log(
        "Truce",
        "2025-11-04",
        measure("ended", "us-extra-cn", effect("CN", why_ended="withdrawn"), claim="threat"),
        measure("amended", fentanyl, effect("CN", 10, "2025-11-10T00:01-05:00")),
    )
    desk.log(
        "Controls suspended",
        "2025-11-07",
        measure("paused", key, effect("everyone", until="2026-11-10")),
        zone="Asia/Shanghai",
    )
    assert [
        desk.measure("CN", key, on, scope="rare-earths")["state"]["status"]
        for on in ("2025-10-20", "2025-12-02", "2026-11-10")
    ] == ["announced", "paused", "in_force"]
    assert (
        desk.measure("CN", key, "2025-12-02", "2025-10-20", scope="rare-earths")["state"]["status"]
        == "in_force"
    )
    assert [desk.total("CN", on) for on in ("2025-11-09", "2025-11-10")] == [20, 10]
    assert desk.duty("CN", "2025-12-02", scope="rare-earths", direction="export")["layers"] == [], (
        "a control is no duty"
    )


def test_measure_of_a_third_country_that_bears_on_the_talks(desk: Desk) -> None:
    """Nexperia: a Dutch order, and China's export ban, which it lifts for civil use."""
    desk.log(
        "The Hague takes control of Nexperia",
        "2025-10-12",
        measure(
            "announced",
            "nl-nexperia",
            effect("everyone", since="2025-09-30", text="decisions of the company may be stopped"),
            title="Order on Nexperia",
            kind="other",
        ),
        zone="Europe/Amsterdam",
    )
    desk.log(
        "China bans the export of Nexperia's chips",
        "2025-10-14",
        measure(
            "announced",
            "cn-nexperia-ban",
            effect("everyone", since="2025-10-04", scope="semiconductors"),
            title="Ban on Nexperia chips",
            kind="export_control",
            links={"answers": ["measure:nl-nexperia"]},
        ),
        zone="Asia/Shanghai",
    )
    desk.log(
        "The order is suspended",
        "2025-11-19",
        measure("paused", "nl-nexperia", effect("everyone")),
        zone="Europe/Amsterdam",
    )
    assert [
        desk.measure("NL", "nl-nexperia", on)["state"]["status"] for on in ("2025-11-01", "2025-11-20")
    ] == ["in_force", "paused"]
    assert (
        desk.measure("CN", "cn-nexperia-ban", "2025-11-01", scope="semiconductors")["kind"]
        == "export_control"
    )
    refused = desk.client.post(
        "/v1/developments?dry_run=true",
        headers={"Authorization": f"Bearer {desk.key}"},
        json={
            "title": "Between two others",
            "announced": "2025-10-14",
            "events": [measure("announced", "cn-x", effect("NL", 5), title="X")],
        },
    )
    assert refused.status_code == 422
    assert "US or everyone" in refused.json()["detail"], "it would stand on no page"


def test_talks_broken_off_and_resumed(desk: Desk) -> None:
    desk.log("Talks", "2025-06-16", about("CA", "talks.held", set={"level": "leaders"}))
    desk.log("Broken off over the digital tax", "2025-06-27", about("CA", "talks.broken_off"))
    desk.log(
        "Tax dropped, talks go on",
        "2025-06-29",
        about("CA", "talks.resumed"),
        about("CA", "deadline.set", deadline="deal", set={"title": "A deal", "due": "2025-07-21"}),
    )
    desk.log("Broken off again over an advertisement", "2025-10-23", about("CA", "talks.broken_off"))
    assert [
        desk.state("CA", on)["talks"]["state"]["status"]
        for on in ("2025-06-20", "2025-06-28", "2025-07-01", "2025-10-24")
    ] == ["under_way", "broken_off", "under_way", "broken_off"]
    assert desk.state("CA", "2025-07-01", "2025-06-28")["talks"]["state"]["status"] == "broken_off"
    assert desk.state("CA", "2025-07-01")["talks"]["since"] == "2025-06-29T04:00:00Z"


def test_deadlines_moved_four_times(desk: Desk) -> None:
    moves = [
        ("2025-01-20", "2025-04-05"),
        ("2025-04-04", "2025-06-19"),
        ("2025-06-19", "2025-09-17"),
        ("2025-09-16", "2025-12-16"),
        ("2025-09-25", "2026-01-23"),
    ]
    for i, (on, due) in enumerate(moves):
        title = {"title": "TikTok to be sold"} if i == 0 else {}
        desk.log(
            f"Until {due}",
            on,
            about(
                "CN", "deadline.moved" if i else "deadline.set", deadline="tiktok", set={**title, "due": due}
            ),
        )
    for on, due in moves:
        (held,) = desk.state("CN", on)["deadlines"]
        assert (held["state"]["due"], held["state"]["status"], held["state"]["title"]) == (
            due,
            "open",
            "TikTok to be sold",
        )
    desk.log("Sold", "2026-01-22", about("CN", "deadline.closed", deadline="tiktok", set={"status": "met"}))
    assert desk.state("CN", "2026-01-23")["deadlines"][0]["state"]["status"] == "met"
    assert desk.state("CN", "2025-09-20", "2025-04-10")["deadlines"][0]["state"]["due"] == "2025-06-19"
    course = [
        (c["before"].get("due"), c["after"].get("due"))
        for e in desk.timeline("CN", "2026-01-01")
        for c in e["changes"]
        if c["aspect"] == "deadline"
    ]
    assert course[-1] == (None, "2025-04-05")
    assert [new for _, new in reversed(course)] == [due for _, due in moves]
