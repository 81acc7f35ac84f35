"""Bodies that nobody should send: each has one clear answer, and leaves nothing behind."""

import pytest

from tests.web.conftest import Service

TALKS = (
    b'{"title": "%s", "announced": "2025-08-30", "events": [{"type": "talks.held", "subject": "partner:GB"}]}'
)
BAD = [
    ("nothing", b"", 400, "there is nothing in it"),
    ("half", b'{"title": "t"', 400, "ends too early"),
    ("not JSON", b"title: t", 400, "something else is expected"),
    ("not UTF-8", TALKS % b"\xff\xfe", 400, "not UTF-8"),
    ("half a surrogate pair", TALKS % rb"\ud800", 400, "not JSON"),
    ("a list", b"[]", 422, "give an object"),
    ("null", b"null", 422, "give an object"),
    ("NUL", TALKS % rb"a\u0000b", 422, "U+0000"),
    ("blank", TALKS % b"   ", 422, "blank"),
    ("too long", TALKS % (b"a" * 301), 422, "at most 300"),
    ("a line break", TALKS % rb"a\nb", 422, "line break"),
    ("unknown field", b'{"titel": "t"}', 422, "did you mean title?"),
    (
        "unknown type",
        b'{"title": "t", "announced": "2025", "events": [{"type": "talks.hold"}]}',
        422,
        "talks.held",
    ),
    (
        "a number too large",
        TALKS[:-1] % b"t" + b', "sequence": 1e999}',
        422,
        "too large",
    ),
    ("nested without end", b'{"title": ' + b"[" * 200_000, 4, ""),
    ("more than a megabyte", TALKS % (b"a" * 1_100_000), 413, "1 MB"),
]


@pytest.mark.parametrize(("body", "status", "remedy"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_a_bad_body_is_refused(shared: Service, body: bytes, status: int, remedy: str) -> None:
    before = shared.get("/v1/partners")["temporal"]["known_position"]
    headers = {"Authorization": f"Bearer {shared.ann.secret}", "Content-Type": "application/json"}
    answer = shared.client.post("/v1/developments", content=body, headers=headers)
    assert answer.status_code == status or answer.status_code // 100 == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert remedy in answer.json()["detail"]
    assert shared.get("/v1/partners")["temporal"]["known_position"] == before


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", None]
)
def test_only_json_is_read(on_sqlite: Service, media_type: str | None) -> None:
    headers = {"Authorization": f"Bearer {on_sqlite.ann.secret}"} | (
        {"Content-Type": media_type} if media_type else {}
    )
    answer = on_sqlite.client.post("/v1/developments", content=TALKS % b"t", headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_json_with_a_charset_is_read(on_sqlite: Service) -> None:
    headers = {
        "Authorization": f"Bearer {on_sqlite.ann.secret}",
        "Content-Type": "Application/JSON; charset=utf-8",
    }
    assert on_sqlite.client.post("/v1/developments", content=TALKS % b"t", headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 201, "a\tb"])
def test_an_idempotency_key_is_short_and_printable(on_sqlite: Service, key: str) -> None:
    headers = {
        "Authorization": f"Bearer {on_sqlite.ann.secret}", "Content-Type": "application/json", "Idempotency-Key": key
    }  # fmt: skip
    answer = on_sqlite.client.post("/v1/developments", content=TALKS % b"t", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["header"] == "Idempotency-Key"
