"""To subscribe, confirm and stop with nothing but a keyboard; and that these pages fit their window and can be read."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.web.browser.conftest import FAINT, WIDTHS
from tests.web.conftest import settings_for
from tests.web.world import NOW
from tracker.delivery import enrolment, notices, subscriptions
from tracker.delivery.notices import Links
from tracker.delivery.sealing import sealer
from tracker.delivery.subscriptions import Wanted
from tracker.store.engine import open_engine, reading, writing

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

BROKEN = """() => [...document.querySelectorAll('.ticks label')].flatMap(label => {
  const text = [...label.childNodes].find(n => n.nodeType === 3 && n.data.trim());
  return [...text.data.matchAll(/\\S+/g)].filter(word => {
    const range = document.createRange();
    range.setStart(text, word.index); range.setEnd(text, word.index + word[0].length);
    return new Set([...range.getClientRects()].map(one => Math.round(one.top))).size > 1;
  }).map(word => word[0]);
})"""
"""The words that stand on two lines."""
HERE = "document.activeElement.matches(%r)"
SEEN = """getComputedStyle(document.activeElement).outlineStyle !== 'none'
  || document.activeElement.matches('[type=date]')"""
"""A browser shows the focus within a date in its own way."""


def tabbed(page: "playwright.Page", selector: str) -> None:
    """Press Tab until this has the focus, which can be seen on the whole way."""
    for _ in range(90):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate(HERE % selector):
            return
    raise AssertionError(f"{selector} cannot be reached")


def links(folder: Path) -> Links:
    """The links of the newest subscription of the service over this folder."""
    url = f"sqlite:///{folder / 'tracker.db'}"
    engine = open_engine(url)
    with reading(engine) as connection:
        one = subscriptions.listed(connection)[-1]
    engine.dispose()
    return notices.links("", sealer(settings_for(url, folder)), one.id)


def test_with_nothing_but_a_keyboard(
    browser: "playwright.Browser", served: tuple[str, str], tmp_path: Path
) -> None:
    expect = playwright.expect
    page = browser.new_context(base_url=served[0]).new_page()
    page.goto("/partners/MX")
    tabbed(page, 'main a[href="/subscribe?partners=MX"]')
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Be told what changes")
    expect(page.locator("input[value=MX]")).to_be_checked()
    expect(page.locator("#days")).to_be_hidden()
    tabbed(page, "input[name=when]")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#days")).to_be_visible()
    tabbed(page, "input[name=days]")
    page.keyboard.press("Space")
    tabbed(page, "#address")
    page.keyboard.press("Enter")

    expect(page.locator("#problems")).to_be_focused()
    tabbed(page, '#problems a[href="#address"]')
    page.keyboard.press("Enter")
    expect(page.locator("#address")).to_be_focused()
    expect(page.locator("input[value=mon]")).to_be_checked()
    page.keyboard.type("reader@example.org")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "preview"
    page.keyboard.press("Enter")
    expect(page.locator("#preview")).to_be_in_viewport()
    page.locator("#address").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Look into your mail")

    page.goto(links(tmp_path).confirm)
    tabbed(page, "main button")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("It is confirmed")
    expect(page.locator("main")).to_contain_text("every Monday at 08:00 (New York)")
    tabbed(page, "main a.button")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Your subscription")
    tabbed(page, "summary")
    page.keyboard.press("Enter")
    tabbed(page, "#zone")
    page.keyboard.press("Control+A")
    page.keyboard.type("Asia/Tokyo")
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("Changed.")
    expect(page.locator("dl.about")).to_contain_text("every Monday at 08:00 (Tokyo)")
    tabbed(page, "main a.button")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Stop this subscription?")
    tabbed(page, "main button")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("It is stopped")
    assert "key=" not in page.title()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_its_window_and_can_be_read(
    browser: "playwright.Browser", served: tuple[str, str], tmp_path: Path, scheme: str
) -> None:
    own = {"pending": made(tmp_path, False), "halted": made(tmp_path, True)}
    paths = (
        "/subscribe?when=days&preview=yes", "/subscribe?zone=Mars", own["pending"].confirm, own["pending"].own,
        own["halted"].own, own["halted"].stop, "/deliveries", "/deliveries/1",
    )  # fmt: skip
    for width in WIDTHS:
        context = browser.new_context(
            base_url=served[0], viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        page = context.new_page()
        page.goto("/sign-in")
        page.fill("#key", served[1])
        page.get_by_role("button", name="Sign in").click()
        for path in paths:
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide at {width}"
            assert page.evaluate(FAINT) == [], f"{path}, {scheme}: too little contrast"
        context.close()


@pytest.mark.parametrize("width", [320, 360, 414, 768, 1280])
def test_no_word_of_a_choice_is_broken(
    browser: "playwright.Browser", served: tuple[str, str], width: int
) -> None:
    page = browser.new_page(base_url=served[0], viewport={"width": width, "height": 800})
    page.goto("/subscribe")
    assert page.evaluate(BROKEN) == []


def made(folder: Path, confirmed: bool) -> Links:
    """The links of an endpoint with a long address: one that waits to be confirmed, or one that is halted."""
    url = f"sqlite:///{folder / 'tracker.db'}"
    engine, settings = open_engine(url), settings_for(url, folder)
    with writing(engine) as connection:
        one = enrolment.enrol(
            connection, settings, sealer(settings), over="webhook", address=f"https://hooks.example.org/{'x' * 200}",
            wanted=Wanted(), contact="ops@example.org", now=NOW, by="reader", confirmed=confirmed,
        )  # fmt: skip
        assert one is not None
        id = one.subscription.id
        if confirmed:
            subscriptions.failed(connection, id, 5, NOW)
            subscriptions.halt(connection, id, "it answered that it is gone for good (410)", NOW)
    engine.dispose()
    found = notices.links("", sealer(settings), id)
    assert urlsplit(found.own).path == f"/subscriptions/{id}"
    return found
