"""Courts, and what is only said: by whom, how surely, and what became of it."""

from tests.situations.desk import Desk, effect, measure, ruling, said

IEEPA, RECIPROCAL, STEEL = "us-ieepa", "us-ieepa-reciprocal-baseline", "us-232-steel"


def law(desk: Desk) -> None:
    """10% under IEEPA on everyone, and 50% on steel under another act."""
    desk.log(
        "Tariffs",
        "2025-04-02",
        measure(
            "announced",
            RECIPROCAL,
            effect("everyone", 10, "2025-04-05T00:01-04:00"),
            title="Baseline",
            authority=IEEPA,
        ),
        measure(
            "announced",
            STEEL,
            effect("everyone", 50, "2025-04-05T00:01-04:00", scope="steel"),
            title="Steel",
            authority="us-section-232",
        ),
    )


def test_court_ruling_voids_measures_by_authority_a_stay_a_ruling_for_named_parties_only(desk: Desk) -> None:
    law(desk)
    desk.log(
        "Unlawful, in ten days not to be collected",
        "2025-05-28",
        ruling(
            IEEPA,
            effect("everyone", legal="struck_down", ruling="V.O.S. Selections", collection="collected"),
            effect("everyone", since="by 2025-06-07", collection="not_collected"),
        ),
    )
    desk.log("Stayed", "2025-05-29", ruling(IEEPA, effect("everyone", stayed=True, collection="collected")))
    desk.log(
        "Another court, for one toy maker",
        "2025-05-29",
        ruling(
            IEEPA,
            effect("party:learning-resources", legal="enjoined", stayed=False, collection="not_collected"),
        ),
        sequence=1,
    )
    assert desk.total("JP", "2025-06-10", "2025-05-28") == 0
    assert desk.total("JP", "2025-06-10", "2025-05-28", scope="steel") == 50, "another authority"
    assert desk.total("JP", "2025-06-10") == 10
    state = desk.measure("JP", RECIPROCAL, "2025-06-10")["state"]
    assert (state["legal"], state["stayed"], state["collection"]) == ("struck_down", True, "collected")
    assert (
        desk.total("JP", "2025-06-10", party="learning-resources"),
        desk.total("JP", "2025-06-10", party="somebody-else"),
    ) == (0, 10)
    ended = desk.reasons("JP", "2025-06-10", party="learning-resources")[RECIPROCAL]
    assert ended == "not collected"
    reached = desk.get("/v1/duty", authority=IEEPA, as_of="2025-06-10", known_at="2025-05-28")["layers"]
    assert [(x["measure"], x["counts"]) for x in reached] == [(f"measure:{RECIPROCAL}", False)]


def test_struck_down_but_still_collected_until_a_date(desk: Desk) -> None:
    """The Supreme Court on 20 February 2026; the tariffs are collected until the 24th, when Section 122 begins."""
    law(desk)
    desk.log(
        "IEEPA gives no tariffs",
        "2026-02-20",
        ruling(
            IEEPA,
            effect("everyone", legal="struck_down", stayed=False, ruling="Learning Resources v. Trump"),
            effect("everyone", collection="collected", until="2026-02-24T00:00-05:00"),
            effect("everyone", since="2026-02-24T00:00-05:00", collection="not_collected"),
        ),
        measure(
            "announced",
            "us-122-surcharge",
            effect("everyone", 10, "2026-02-24T00:01-05:00", "2026-07-24T00:01-04:00"),
            effect("everyone", since="2026-02-24T00:01-05:00", scope="beef", exempt=True),
            title="Section 122 surcharge",
            authority="us-section-122",
        ),
    )
    assert desk.reasons("JP", "2026-02-22")[RECIPROCAL] == "struck down, still collected"
    assert [desk.total("JP", on) for on in ("2026-02-22", "2026-02-24", "2026-07-24")] == [10, 10, 0]
    assert desk.reasons("JP", "2026-02-24") == {RECIPROCAL: "not collected", "us-122-surcharge": "in force"}
    assert desk.total("JP", "2026-03-01", "2026-02-19") == 10
    found = desk.get("/v1/duty", authority="us-section-122", as_of="2026-03-01")["layers"]
    assert {(x["scope"], x["partner"], x["counts"], x["until"]) for x in found} == {
        ("all-goods", "everyone", True, "2026-07-24T04:01:00Z"),
        ("beef", "everyone", False, "2026-07-24T04:01:00Z"),
    }


def test_refund_ordered_then_suspended(desk: Desk) -> None:
    """Invented dates: a court orders refunds, and suspends its order."""
    law(desk)
    desk.log(
        "Void",
        "2026-02-20",
        ruling(IEEPA, effect("everyone", legal="struck_down", collection="not_collected")),
    )
    desk.log("Refunds ordered", "2026-03-04", ruling(IEEPA, effect("everyone", refund="due")))
    desk.log(
        "The order rests",
        "2026-03-06",
        ruling(IEEPA, effect("everyone", refund="suspended", until="2026-04-20")),
    )
    states = [
        desk.measure("JP", RECIPROCAL, on)["state"].get("refund")
        for on in ("2026-03-01", "2026-03-05", "2026-03-10", "2026-04-20")
    ]
    assert states == [None, "due", "suspended", "due"]
    assert desk.measure("JP", RECIPROCAL, "2026-03-10", "2026-03-05")["state"]["refund"] == "due"
    assert "refund" not in desk.measure("JP", STEEL, "2026-03-10", scope="steel")["state"]


def test_statement_that_corrects_an_earlier_one(desk: Desk) -> None:
    desk.log(
        "Up to 245%",
        "2025-04-15",
        said(
            "partner:CN",
            "up-to-245",
            target="CN",
            by="The White House",
            says="China now faces up to 245%",
            rate={"at_most": 245},
        ),
    )
    desk.log(
        "A sum, not a new tariff",
        "2025-04-16",
        said(
            "partner:CN",
            "up-to-245",
            "statement.revised",
            "CN",
            says="125, 20 and Section 301 together",
            scope="goods under Section 301",
        ),
    )
    first, then = desk.claims("CN", "2025-04-15")["up-to-245"], desk.claims("CN", "2025-04-16")["up-to-245"]
    assert (first["state"]["outcome"], then["state"]["outcome"], then["state"]["by"]) == (
        "open",
        "corrected",
        "The White House",
    )
    assert then["state"]["rate"] == {"at_most": 245}
    assert (
        desk.claims("CN", "2025-04-17", "2025-04-15")["up-to-245"]["state"]["says"]
        == "China now faces up to 245%"
    )
    assert desk.duty("CN", "2025-04-17")["layers"] == []
    assert desk.duty("CN", "2025-04-17")["total"] == 0


def test_ministry_statement_withdrawn_as_published_in_error(desk: Desk) -> None:
    """Invented: a ministry posts a rate, and takes the page down the day after."""
    desk.log(
        "34% on aircraft",
        "2025-04-20",
        said(
            "partner:CN",
            "mofcom-aircraft",
            target="CN",
            by="Ministry of Commerce",
            says="34% on aircraft",
            rate={"percent": 34},
            scope="aircraft",
        ),
        zone="Asia/Shanghai",
    )
    desk.log(
        "Published in error",
        "2025-04-21",
        said(
            "partner:CN",
            "mofcom-aircraft",
            "claim.closed",
            "CN",
            outcome="withdrawn",
            text="published in error",
        ),
        zone="Asia/Shanghai",
    )
    state = desk.claims("CN", "2025-04-22")["mofcom-aircraft"]["state"]
    assert (state["outcome"], state["text"], state["says"]) == (
        "withdrawn",
        "published in error",
        "34% on aircraft",
    )
    assert desk.claims("CN", "2025-04-22", "2025-04-20")["mofcom-aircraft"]["state"]["outcome"] == "open"
    assert [e["standing"] for e in desk.timeline("CN", "2025-04-22")[:2]] == ["current", "current"], (
        "they were wrong, not we"
    )


def test_statements_without_date_scope_or_authority(desk: Desk) -> None:
    desk.log(
        "100% on films",
        "2025-05-04",
        measure("threatened", "us-films", effect("everyone", 100, scope="films"), title="Tariff on films"),
        confidence="reported",
    )
    desk.log(
        "The baseline may rise to 15 or 20%",
        "2025-07",
        said(
            "partner:EU",
            "higher-baseline",
            by="The President",
            says="a baseline of 15 or 20%",
            rate={"at_least": 15, "at_most": 20},
        ),
    )
    films, baseline = (
        desk.claims("FR", "2025-08-01")["threat"],
        desk.claims("FR", "2025-08-01")["higher-baseline"],
    )
    assert ("starts" in films["state"], films["since_stated"], films["kind"]) == (False, None, "tariff")
    assert "authority" not in films["state"]
    assert ("starts" in baseline["state"], "scope" in baseline["state"], baseline["since_stated"]) == (
        False,
        False,
        "2025-07",
    )
    assert desk.duty("FR", "2025-08-01", scope="films")["total"] == 0
    assert {c["claim"] for c in desk.duty("FR", "2025-08-01", scope="films")["claims"]} == {
        "threat",
        "higher-baseline",
    }
    assert {c["claim"] for c in desk.duty("FR", "2025-08-01", scope="cars")["claims"]} == {"higher-baseline"}
    entry = next(e for e in desk.timeline("FR", "2025-08-01") if e["title"] == "100% on films")
    assert entry["confidence"] == "reported"


def test_sources_that_conflict_by_tier(desk: Desk) -> None:
    law(desk)
    desk.log(
        "Steel: a quota from 23 June, a newspaper says",
        "2025-06-17",
        said(
            f"measure:{STEEL}",
            "quota-23-june",
            target="GB",
            since="2025-06-23",
            by="A newspaper",
            says="A quota from 23 June",
        ),
        sources=[{"publisher": "A newspaper", "kind": "press"}],
        confidence="disputed",
    )
    desk.log(
        "The minister speaks of July",
        "2025-06-18",
        said(
            f"measure:{STEEL}",
            "quota-july",
            target="GB",
            since="2025-07",
            by="The minister",
            says="A quota in July",
        ),
        sources=[{"publisher": "GOV.UK", "kind": "party"}],
    )
    desk.log(
        "The order: 30 June",
        "2025-06-20",
        measure(
            "amended",
            STEEL,
            effect("GB", 25, "2025-06-30T00:01-04:00", scope="steel"),
            links={"settles": [f"measure:{STEEL}#quota-23-june"]},
        ),
        said(f"measure:{STEEL}", "quota-23-june", "claim.closed", "GB", outcome="contradicted"),
        sources=[{"publisher": "Federal Register", "kind": "official"}],
        confidence="confirmed",
    )
    state = desk.state("GB", "2025-07-01")
    by_tier = {
        state["causes"][str(item["causes"][name])]["sources"][0]["kind"]: item["state"].get("starts")
        or item["since"]
        for name, item in [
            *(("says", claim) for claim in state["claims"]),
            *(("rate", m) for m in state["measures"] if m["subject"] == f"measure:{STEEL}"),
        ]
    }
    assert by_tier == {"press": "2025-06-23", "party": "2025-07", "official": "2025-06-30T04:01:00Z"}
    assert desk.claims("GB", "2025-07-01")["quota-23-june"]["state"]["outcome"] == "contradicted"
    assert desk.total("GB", "2025-06-25", "2025-06-18", scope="steel") == 60, (
        "only what an instrument says counts"
    )
    assert {c["confidence"] for c in state["causes"].values()} == {None, "disputed", "confirmed"}
    event = next(
        e["development"] for e in desk.timeline("GB", "2025-07-01") if e["title"].startswith("Steel")
    )
    assert "disputed" in desk.client.get(f"/events/{event}").text.lower()
    assert "disputed" in desk.client.get("/partners/GB?as_of=2025-06-19").text.lower()
