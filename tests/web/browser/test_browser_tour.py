"""The tour, in a real browser and without scripts: board, partner, any day, sign in, log, correct, withdraw."""

from collections.abc import Iterator

import pytest

from tests.web.browser.conftest import FAINT, WIDTHS

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser


@pytest.fixture
def tab(browser: "playwright.Browser", served: tuple[str, str]) -> Iterator["playwright.Page"]:
    """A tab without scripts. Whatever it asks of another host, or fails to get, fails the test."""
    context = browser.new_context(
        base_url=served[0], viewport={"width": 1280, "height": 900}, java_script_enabled=False
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    strayed: list[str] = []
    page.on(
        "request", lambda request: None if request.url.startswith(served[0]) else strayed.append(request.url)
    )
    page.on(
        "response", lambda answer: strayed.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )  # fmt: skip
    page.on("console", lambda message: strayed.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert strayed == []


def test_the_tour(tab: "playwright.Page", served: tuple[str, str]) -> None:
    expect = playwright.expect
    tab.goto("/")
    expect(tab.locator("table.board tbody tr")).to_have_count(21)
    tab.get_by_role("link", name="In force on all goods").click()
    expect(tab.locator("th[aria-sort=descending]")).to_have_count(1)
    tab.get_by_role("link", name="United Kingdom", exact=True).click()
    expect(tab.locator("h1")).to_have_text("United Kingdom")

    tab.get_by_label("State on").fill("2025-05-01")
    tab.get_by_role("button", name="Show").click()
    assert "as_of=2025-05-01" in tab.url
    expect(tab.locator(".banner")).to_contain_text("the state on 1 May 2025, as known now")
    expect(tab.locator("#deal")).to_have_count(0)
    tab.get_by_label("State on").fill("2025-07-01")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("#deal")).to_contain_text("27.5% → 10%")
    tab.get_by_role("link", name="Back to now").click()
    expect(tab.locator(".banner")).to_have_count(0)

    tab.get_by_role("link", name="Analysts: sign in").click()
    tab.get_by_label("Your key").fill(served[1])
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("link", name="Log a development").click()
    tab.get_by_label("In a line").fill("Mexico is given a pause")
    tab.get_by_label("Told on").fill("2025-09-01")
    tab.get_by_label("It is needed").select_option("measure.paused")
    tab.get_by_label("Measure, deal, authority or partner").fill("measure:us-ieepa-fentanyl-mx")
    tab.get_by_label("These partners").check()
    tab.get_by_label("Mexico", exact=True).check()
    tab.get_by_label("Until").fill("2025-10-01")
    tab.get_by_label("Publisher").first.fill("The Gazette")
    tab.get_by_role("button", name="Preview").last.click()
    preview = tab.locator("#preview")
    expect(preview).to_contain_text("in force → paused")
    expect(preview).to_contain_text("paused → in force")
    preview.get_by_role("button", name="Save").click()
    expect(tab.locator(".saved")).to_contain_text("Logged.")
    event = tab.url.partition("?")[0]

    tab.goto("/partners/MX")
    expect(tab.locator("#state")).to_contain_text("Paused")
    expect(tab.locator("#coming")).to_contain_text("1 Oct 2025")
    expect(tab.locator(".timeline > li").first).to_contain_text("Mexico is given a pause")
    tab.goto("/digest?partners=MX")
    expect(tab.locator("article.edition")).to_contain_text("Mexico is given a pause")

    tab.goto(event)
    tab.get_by_role("link", name="Correct").click()
    tab.get_by_label("Until").fill("2025-10-02")
    tab.get_by_label("What was wrong with our record").fill("The end is a day later")
    tab.get_by_role("button", name="Preview").last.click()
    expect(preview).to_contain_text("1 Oct 2025 – 2 Oct 2025")
    preview.get_by_role("button", name="Save the correction").click()
    expect(tab.locator(".repair")).to_contain_text("The end is a day later")

    tab.get_by_role("link", name="Withdraw").click()
    tab.get_by_label("Why it should not stand").fill("It was never said")
    tab.get_by_role("button", name="Preview").click()
    expect(preview).to_contain_text("paused → in force")
    preview.get_by_role("button", name="Withdraw").click()
    tab.goto("/partners/MX")
    expect(tab.locator(".timeline > li.withdrawn")).to_contain_text("It was never said")
    expect(tab.locator("#state h3.paused")).to_have_count(0)
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.locator(".who")).to_contain_text("sign in")


PAGES = ("/", "/partners/GB", "/partners/CN?as_of=2025-04-20&known_at=2025-04-03", "/digest?day=2025-08-01", "/about",
         "/measures/us-ieepa-reciprocal-country", "/agreements/us-vn-framework", "/sign-in", "/log")  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_its_window(
    browser: "playwright.Browser", served: tuple[str, str], scheme: str
) -> None:
    for width in WIDTHS:
        context = browser.new_context(
            base_url=served[0], viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        page = context.new_page()
        page.goto("/sign-in")
        page.fill("#key", served[1])
        page.get_by_role("button", name="Sign in").click()
        for path in PAGES:
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide at {width}"
            assert page.evaluate(FAINT) == [], f"{path}, {scheme}: too little contrast"
        context.close()


def test_the_longest_words_stay_inside_their_page(
    browser: "playwright.Browser", served: tuple[str, str]
) -> None:
    word = "Donaudampfschiff" * 18
    command = {
        "title": word, "announced": "2025-09-01", "summary": word,
        "sources": [{"publisher": word, "title": word, "kind": "press", "url": f"https://example.org/{word}"}],
        "events": [{
            "type": "measure.announced", "subject": "measure:us-long", "about": {"title": word},
            "effects": [
                {"target": code, "set": {"rate": {"percent": 1.123456 + i, "of": word}, "text": word}}
                for i, code in enumerate(("MX", "CA", "CN", "GB", "EU", "VN"))
            ],
        }],
    }  # fmt: skip
    logged = browser.new_context(base_url=served[0]).request.post(
        "/v1/developments", data=command, headers={"Authorization": f"Bearer {served[1]}"}
    )
    assert logged.status == 201, logged.text()
    event = f"/events/{logged.json()['development']}"
    for width in WIDTHS:
        page = browser.new_context(base_url=served[0], viewport={"width": width, "height": 800}).new_page()
        for path in ("/", "/partners/MX", event, "/measures/us-long", "/digest?partners=MX"):
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide at {width}"


def test_all_can_be_reached_by_keyboard(browser: "playwright.Browser", served: tuple[str, str]) -> None:
    page = browser.new_context(base_url=served[0]).new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    outlined = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(outlined) == "solid", page.evaluate("document.activeElement.outerHTML")
