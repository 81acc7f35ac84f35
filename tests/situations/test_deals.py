"""Deals: told differently, written down, signed, ratified, carried out in parts; promises in money and in goods."""

from tests.situations.desk import Desk, deal, effect, measure, promise


def test_deals_as_claims_that_the_sides_describe_differently(desk: Desk) -> None:
    key = "us-vn-framework"
    whole = deal("announced", key, title="Framework with Vietnam", effects=[{"set": {"in_writing": False}}])
    desk.log(
        "20%, says Washington; a framework, says Hanoi",
        "2025-07-02",
        whole,
        deal(
            "announced",
            key,
            promise("all-goods", title="All goods at 20%", status="announced", after={"percent": 20}),
            claim="us-account",
        ),
        deal(
            "announced", key, claim="vn-account", effects=[{"set": {"text": "a framework, without figures"}}]
        ),
        sources=[{"publisher": "Truth Social", "kind": "party"}],
    )
    found = desk.deal(key, "2025-07-03")
    accounts = {(a["claim"], a["aspect"]): a["state"] for a in found["accounts"]}
    assert accounts["us-account", "provision"]["after"]["percent"] == 20
    assert accounts["vn-account", "state"]["text"] == "a framework, without figures"
    assert (found["provisions"], found["agreement"]["state"]["in_writing"]) == ([], False)
    assert desk.state("VN", "2025-07-03")["in_writing"] is False
    assert desk.state("VN", "2025-07-03", "2025-07-01")["agreements"] == []
    assert desk.duty("VN", "2025-07-03")["layers"] == []
    sources = {c["sources"][0]["kind"] for c in desk.state("VN", "2025-07-03")["causes"].values()}
    assert "party" in sources
    page = desk.client.get("/partners/VN?as_of=2025-07-03").text
    assert page.index("How the sides tell it") < page.index("a framework, without figures")


def test_deal_announced_published_signed_ratified_by_one_side_implemented_in_parts_a_provision_shelved(
    desk: Desk,
) -> None:
    """The deal with the United Kingdom; that it is signed and that London ratifies it is invented."""
    key, autos = "us-gb-epd", "us-232-autos"
    desk.log(
        "Cars",
        "2025-03-26",
        measure(
            "announced",
            autos,
            effect("everyone", 25, "2025-04-03T00:01-04:00", scope="cars"),
            title="Cars",
            authority="us-section-232",
        ),
    )
    desk.log(
        "A deal",
        "2025-05-08",
        deal(
            "announced",
            key,
            promise(
                "cars",
                title="Cars at 10%",
                status="announced",
                before={"percent": 27.5},
                after={"percent": 10},
                changes=f"measure:{autos}",
            ),
            promise("steel", title="Steel at zero", status="announced", after={"percent": 0}),
            title="Prosperity Deal",
        ),
    )
    desk.log("The terms are out", "2025-05-08T18:00-04:00", deal("text_published", key))
    desk.log(
        "Cars by quota",
        "2025-06-16",
        measure(
            "amended",
            autos,
            effect("GB", 7.5, "2025-06-30T00:01-04:00", scope="cars"),
            links={"carries_out": [f"agreement:{key}#cars"]},
        ),
        deal("provision.changed", key, promise("cars", "2025-06-30T00:01-04:00", status="in_force")),
    )
    desk.log(
        "Steel is shelved", "2025-09-16", deal("provision.changed", key, promise("steel", status="shelved"))
    )
    desk.log("Signed", "2025-10-01", deal("signed", key))
    desk.log(
        "London ratifies",
        "2025-11-01",
        deal("ratified", key, effects=[{"set": {"ratified": {"GB": "2025-11-01"}, "awaits": "Congress"}}]),
    )
    course = [
        ("2025-05-08T12:00-04:00", "announced"),
        ("2025-05-09", "text_published"),
        ("2025-10-02", "signed"),
        ("2025-11-02", "signed"),
    ]
    for on, status in course:
        assert desk.deal(key, on)["agreement"]["state"]["status"] == status, on
    last = desk.deal(key, "2025-11-02")["agreement"]["state"]
    assert (last["ratified"], last["awaits"], last["in_writing"]) == ({"GB": "2025-11-01"}, "Congress", True)
    assert [desk.provision(key, "cars", on)["status"] for on in ("2025-06-29", "2025-06-30")] == [
        "announced",
        "in_force",
    ]
    assert [desk.provision(key, "steel", on)["status"] for on in ("2025-09-15", "2025-09-16")] == [
        "announced",
        "shelved",
    ]
    assert desk.provision(key, "steel", "2025-09-20", "2025-09-01")["status"] == "announced"
    assert desk.total("GB", "2025-07-01", scope="cars") == 10


def test_commitments_with_amounts_and_dates_fulfilled_or_not(desk: Desk) -> None:
    """Japan's money and China's soybeans are real; what has come of them is invented."""
    money, beans = "us-jp-framework", "us-cn-busan"
    usd = {"value": 550e9, "currency": "USD"}
    desk.log(
        "Japan",
        "2025-07-22",
        deal(
            "announced",
            money,
            promise(
                "investment", title="Investment", by="JP", status="announced", amount=usd, due="by 2029-01-19"
            ),
            title="Framework with Japan",
        ),
    )
    desk.log(
        "China buys soybeans",
        "2025-11-01",
        deal(
            "announced",
            beans,
            promise(
                "soybeans-2025",
                title="Soybeans",
                by="CN",
                status="announced",
                amount={"value": 12e6, "unit": "tonnes"},
                due="by 2025-12-31",
            ),
            promise(
                "soybeans-2026",
                title="Soybeans a year",
                by="CN",
                status="announced",
                amount={"value": 25e6, "unit": "tonnes", "per": "year"},
                due="2028",
            ),
            title="Truce of Busan",
        ),
    )
    desk.log(
        "A first part",
        "2026-02-17",
        deal("provision.changed", money, promise("investment", so_far={"value": 36e9, "currency": "USD"})),
    )
    desk.log(
        "Bought too little",
        "2026-01-05",
        deal(
            "provision.changed",
            beans,
            promise("soybeans-2025", status="not_fulfilled", so_far={"value": 8e6, "unit": "tonnes"}),
        ),
    )
    held = desk.provision(money, "investment", "2026-03-01")
    assert (held["by"], held["amount"], held["so_far"]["value"], held["due"]) == (
        "JP",
        usd,
        36e9,
        "by 2029-01-19",
    )
    assert "so_far" not in desk.provision(money, "investment", "2026-03-01", "2026-01-05")
    late = desk.provision(beans, "soybeans-2025", "2026-01-06")
    assert (late["status"], late["amount"]) == ("not_fulfilled", {"value": 12e6, "unit": "tonnes"})
    assert desk.provision(beans, "soybeans-2025", "2025-12-31")["status"] == "announced"
    page = desk.client.get("/partners/CN?as_of=2026-01-06").text
    assert "12 million tonnes" in page
    assert "25 million tonnes per year" in page
    assert "by 31 December 2025" in page
