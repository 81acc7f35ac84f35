"""Sign in, log, correct, withdraw: by forms alone."""

from typing import Any

from bs4 import BeautifulSoup

from tests.web.conftest import Service
from tests.web.pages.conftest import read, signed_in, words
from tests.web.world import BORDER, NOW, PAUSE, development, paused
from tracker.delivery import subscriptions
from tracker.store.engine import writing
from tracker.web.form.fields import NAMES

FIELDS = {
    "title": "A pause by form", "announced": "2025-08-30", "type": "measure.paused", "subject": BORDER,
    "to": "partners", "partners": "MX", "until": "2025-10-01", "source-0-publisher": "The Gazette",
    "source-0-kind": "press",
}  # fmt: skip


def send(service: Service, path: str, action: str, csrf: str, status: int, **fields: Any) -> BeautifulSoup:
    answer = service.client.post(
        path, data={"csrf": csrf, "action": action, **fields}, follow_redirects=False
    )
    assert answer.status_code == status, answer.text
    if status == 303:
        return BeautifulSoup(f'<a href="{answer.headers["location"]}"></a>', "html.parser")
    return BeautifulSoup(answer.text, "html.parser")


def filled(page: BeautifulSoup) -> dict[str, Any]:
    """The form as a browser would send it again."""
    form = page.select_one("form.entry-form")
    assert form is not None
    fields: dict[str, Any] = {}
    for one in form.select("input[name], textarea[name], select[name]"):
        if one.name == "select":
            chosen = one.select_one("option[selected]")
            value = chosen.get("value", chosen.text) if chosen else ""
        elif one.name == "textarea":
            value = one.text.removeprefix("\n")
        elif one.get("type") in ("checkbox", "radio"):
            if not one.has_attr("checked"):
                continue
            value = one.get("value", "on")
        else:
            value = one.get("value", "")
        fields.setdefault(str(one["name"]), []).append(value)
    return fields


def test_a_pause_is_previewed_and_saved(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    page = send(on_sqlite, "/log", "preview", csrf, 200, **FIELDS)
    preview = page.select_one("#preview")
    assert "Mexico Border tariff" in words(preview)
    assert "in force → paused" in words(preview)
    assert "What holds again when it ends" in words(preview)
    assert "paused → in force" in words(preview)
    assert "No subscription asks for this" in words(preview)
    assert "pause by form" not in words(read(on_sqlite, "/partners/MX").main), "a preview saves nothing"
    expected = page.select_one("input[name=expected]")["value"]
    assert str(expected).startswith(f"{BORDER}=")
    again = filled(page)
    assert again["title"] == ["A pause by form"]
    assert again["partners"] == ["MX", ""]
    saved = send(on_sqlite, "/log", "save", **again | {"csrf": csrf}, status=303)
    page = read(on_sqlite, saved.a["href"])
    assert "Logged." in words(page.select_one(".saved"))
    assert "Ann" in words(page.select("section")[2])
    assert "Paused" in words(read(on_sqlite, "/partners/MX").select_one("#state"))


def test_the_preview_says_who_would_be_told(on_sqlite: Service) -> None:
    with writing(on_sqlite.engine) as connection:
        for address, partners in (
            ("mx@example.org", ["MX"]),
            ("gb@example.org", ["GB"]),
            ("all@example.org", []),
        ):
            subscriptions.add(
                connection, channel="email", address=address, wanted=subscriptions.Wanted(partners=partners), now=NOW,
                by="test", confirmed=True,
            )  # fmt: skip
    page = send(on_sqlite, "/log", "preview", signed_in(on_sqlite), 200, **FIELDS)
    preview = words(page.select_one("#preview"))
    assert "2 subscriptions, with the next digest: all@example.org, mx@example.org" in preview


def test_a_form_sent_twice_records_once(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    first = send(on_sqlite, "/log", "save", csrf, 303, key="form-1", **FIELDS)
    second = send(on_sqlite, "/log", "save", csrf, 303, key="form-1", **FIELDS)
    assert first.a["href"] == second.a["href"]
    other = send(on_sqlite, "/log", "save", csrf, 409, key="form-1", **FIELDS | {"title": "Something else"})
    assert "saved before" in words(other.select_one(".problems"))
    assert other.select_one("input[name=key]")["value"] != "form-1"


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    wrong = FIELDS | {
        "title": "",
        "until": "2025-13-01",
        "rate_kind": "percent",
        "rate": "x",
        "summary": "Kept <b>",
    }
    page = send(on_sqlite, "/log", "save", csrf, 422, **wrong)
    assert "Nothing was saved" in words(page.select_one(".problems"))
    for name in ("title", "until", "rate"):
        field = page.select_one(f"#{name}")
        assert field["aria-invalid"] == "true"
        assert f"{name}-error" in field["aria-describedby"]
        assert page.select_one(f"#{name}-error") is not None
    assert page.select_one("#summary").text.strip() == "Kept <b>"
    assert page.select_one("#type option[selected]")["value"] == "measure.paused"
    assert page.select_one("input[name=partners][value=MX]").has_attr("checked")


def test_what_the_domain_refuses_is_told_beside_the_field(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    for change, name, said in (
        ({"subject": "measure:us-bordr-mx"}, "subject", "Did you mean measure:us-border-mx"),
        ({"until": "2025-01-01"}, "until", "is not after the start"),
        ({"partners": "QQ"}, "", "QQ is no country code"),
        ({"source-0-url": "javascript:alert(1)"}, "source-0-url", "give an address that begins with http://"),
        ({"title": "a\x00b"}, "title", "Holds the character U+0000, not a text's: remove it"),
        ({"key": "a\x00b"}, "", "printable characters"),
        ({"more": '{"a":' * 3000}, "more", "nested too deeply"),
        ({"events": "[1,2"}, "events", "not JSON"),
        ({"more": '{"rat": 1}'}, "more", "not known"),
        ({"events": '[{"type": "measure.pawsed"}]'}, "events", "measure.pawsed"),
    ):
        page = send(on_sqlite, "/log", "save" if "key" in change else "preview", csrf, 422, **FIELDS | change)
        where = f"#{name}-error" if name else ".problems"
        assert said in words(page.select_one(where)), change


def test_a_preview_without_a_source_warns_and_can_be_saved(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    unsourced = {name: value for name, value in FIELDS.items() if not name.startswith("source")}
    page = send(on_sqlite, "/log", "preview", csrf, 200, **unsourced)
    assert "No source is given: " in words(page.select_one("#preview"))
    saved = send(on_sqlite, "/log", "save", status=303, **filled(page) | {"csrf": csrf})
    withdraw = send(
        on_sqlite, f"{saved.a['href'].partition('?')[0]}/withdraw", "preview", csrf, 200, reason="No"
    )
    assert "No source" not in words(withdraw.select_one("#preview"))
    assert "No source" not in words(
        send(on_sqlite, "/log", "preview", csrf, 200, **FIELDS).select_one("#preview")
    )


def test_a_field_that_no_form_has_is_refused(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    for name, said in (
        ("titel", "did you mean title?"),
        ("source-0-ulr", "leave it out"),
        ("foo", "leave it out"),
    ):
        answer = on_sqlite.client.post(
            "/log", data={"csrf": csrf, **FIELDS, name: "x"}, headers={"Accept": "text/html"}
        )
        assert answer.status_code == 422
        assert f"No form here has a field '{name}': {said}" in words(
            BeautifulSoup(answer.text, "html.parser").main
        )


def test_the_form_has_the_fields_that_are_read_from_it(on_sqlite: Service) -> None:
    signed_in(on_sqlite)
    correcting = read(on_sqlite, f"/events/{on_sqlite.log(PAUSE)['development']}/correct")
    held = {str(one["name"]) for one in correcting.select("form.entry-form [name]")}
    assert {name for name in held if not name.startswith("source-")} == {*NAMES} - {"next"}


def test_a_form_that_is_too_large_is_answered_with_a_page(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    answer = on_sqlite.client.post(
        "/log", data={"csrf": csrf, **FIELDS, "summary": "x" * 1_100_000}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 413
    assert "larger than 1 MB" in words(BeautifulSoup(answer.text, "html.parser").main)


def test_one_more_row_for_sources(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    page = send(on_sqlite, "/log", "add-source", csrf, 200, **FIELDS)
    assert len(page.select(".source-row")) == 3
    assert page.select_one("#title")["value"] == FIELDS["title"]


def test_who_was_first_is_not_overwritten(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    page = send(on_sqlite, "/log", "preview", csrf, 200, **FIELDS)
    on_sqlite.log(development("Somebody was first", "2025-08-31", paused("2025-11-01")))
    late = send(on_sqlite, "/log", "save", status=409, **filled(page) | {"csrf": csrf})
    assert "has moved on" in words(late.select_one(".problems"))
    assert late.select_one("#preview") is not None, "with what it would do now"
    send(on_sqlite, "/log", "save", status=303, **filled(late) | {"csrf": csrf})


def test_a_correction_starts_from_what_the_record_says(on_sqlite: Service) -> None:
    id = on_sqlite.log(PAUSE)["development"]
    csrf = signed_in(on_sqlite)
    page = read(on_sqlite, f"/events/{id}/correct")
    fields = filled(page)
    assert fields["title"] == [PAUSE["title"]]
    assert fields["until"] == ["2025-10-01"]
    assert fields["source-0-publisher"] == ["The Gazette"]
    same = send(
        on_sqlite, f"/events/{id}/correct", "save", status=409, **fields | {"csrf": csrf, "reason": "?"}
    )
    assert "says what the record says already" in words(same.select_one(".problems"))
    fields |= {"csrf": csrf, "until": "2025-10-02"}
    no_reason = send(on_sqlite, f"/events/{id}/correct", "preview", status=422, **fields)
    assert "Say why" in words(no_reason.select_one("#reason-error"))
    fields["reason"] = "A day later"
    preview = send(on_sqlite, f"/events/{id}/correct", "preview", status=200, **fields)
    assert "1 Oct 2025 – 2 Oct 2025" in words(preview.select_one("#preview"))
    saved = send(on_sqlite, f"/events/{id}/correct", "save", status=303, **filled(preview) | {"csrf": csrf})
    assert "Corrected." in words(read(on_sqlite, saved.a["href"]).select_one(".saved"))


def test_a_development_of_several_events_is_corrected_as_json(history: Service) -> None:
    signed_in(history)
    card = read(history, "/partners/GB").select(".timeline h3 a")
    path = next(str(a["href"]) for a in card if "are ordered" in a.text)
    page = read(history, f"{path}/correct")
    assert '"measure.amended"' in page.select_one("#events").text
    assert page.select_one("#title")["value"]
    history.client.cookies.clear()


def test_a_withdrawal_needs_a_reason_and_shows_what_comes_of_it(on_sqlite: Service) -> None:
    id = on_sqlite.log(PAUSE)["development"]
    csrf = signed_in(on_sqlite)
    page = send(on_sqlite, f"/events/{id}/withdraw", "save", csrf, 422)
    assert "Say why" in words(page.select_one("#reason-error"))
    page = send(on_sqlite, f"/events/{id}/withdraw", "preview", csrf, 200, reason="Never happened")
    assert "paused → in force" in words(page.select_one("#preview"))
    saved = send(on_sqlite, f"/events/{id}/withdraw", "save", csrf, 303, reason="Never happened")
    assert "saved=withdrawn" in saved.a["href"]
    twice = send(on_sqlite, f"/events/{id}/withdraw", "save", csrf, 409, reason="Again")
    assert "withdrawn already" in words(twice.select_one(".problems"))
    send(on_sqlite, "/events/nope/withdraw", "save", csrf, 404, reason="x")


def test_forms_are_for_who_is_signed_in_and_lose_nothing_otherwise(on_sqlite: Service) -> None:
    for path in ("/log", "/events/x/correct", "/events/x/withdraw"):
        answer = on_sqlite.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/sign-in?next={path}"
    page = send(on_sqlite, "/log", "save", "", 403, **FIELDS)
    assert "not signed in any more" in words(page.select_one(".problems"))
    assert page.select_one("#title")["value"] == FIELDS["title"]
    assert page.select_one("datalist option") is None, "and nothing of the record is shown for it"
    signed_in(on_sqlite)
    page = send(on_sqlite, "/log", "save", "stale", 403, **FIELDS)
    assert "before you signed in" in words(page.select_one(".problems"))
    foreign = on_sqlite.client.post("/log", data=FIELDS, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert "A pause by form" not in words(read(on_sqlite, "/partners/MX").main)


def test_sign_in_says_what_is_wrong_and_leads_nowhere_else(on_sqlite: Service) -> None:
    for key, status in (("", 422), ("trk_nope", 403), ("\x00\ud800", 403)):
        answer = on_sqlite.client.post("/sign-in", content=f"key={key}".encode("utf-8", "surrogatepass"))
        assert answer.status_code in (status, 422)
        assert BeautifulSoup(answer.text, "html.parser").select_one("#key-error") is not None
    for away in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = on_sqlite.client.post(
            "/sign-in", data={"key": on_sqlite.ann.secret, "next": away}, follow_redirects=False
        )
        on_sqlite.client.cookies.clear()
        assert answer.headers["location"] == "/"


def test_signing_out_ends_it(on_sqlite: Service) -> None:
    csrf = signed_in(on_sqlite)
    page = read(on_sqlite, "/")
    assert "Ann" in words(page.select_one(".who"))
    assert on_sqlite.client.post("/sign-out", data={"csrf": "no"}).status_code == 403
    on_sqlite.client.post("/sign-out", data={"csrf": csrf})
    assert "sign in" in words(read(on_sqlite, "/").select_one(".who"))


def test_where_reading_is_closed_a_form_shows_nothing_of_the_record(closed: Service) -> None:
    for path in ("/", "/partners/MX", "/digest", "/events/x"):
        answer = closed.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
        assert answer.status_code == 303, path
    answer = closed.client.post(
        "/events/x/withdraw", data={"reason": "?"}, headers={"Accept": "text/html"}, follow_redirects=False
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
