"""Who may write, who may read, and how a browser's session differs from a key."""

import pytest
from litestar.datastructures import Cookie

from tests.web.conftest import Service
from tests.web.world import NOW, PAUSE
from tracker.settings import load
from tracker.store import access
from tracker.store.access import SESSION
from tracker.store.engine import reading, writing
from tracker.web.security import COOKIE, local, sign_in

WRITES = ["/v1/developments", "/v1/developments/x/corrections", "/v1/developments/x/withdrawals"]


def signed_in(service: Service) -> dict[str, str]:
    cookie = sign_in(service.engine, service.app.state.settings, service.ann.secret, NOW)
    assert cookie is not None
    return {"Cookie": f"{COOKIE}={cookie.value}"}


@pytest.mark.parametrize("path", WRITES)
def test_only_analysts_write(on_sqlite: Service, path: str) -> None:
    nobody = on_sqlite.client.post(path, json=PAUSE)
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"] == 'Bearer realm="tracker"'
    assert nobody.json()["code"] == "unauthorized"
    stranger = on_sqlite.client.post(path, json=PAUSE, headers={"Authorization": "Bearer trk_none"})
    assert stranger.status_code == 401
    assert 'error="invalid_token"' in stranger.headers["www-authenticate"]


@pytest.mark.parametrize(
    "given", ["Basic QW5u", "Bearer", "Bearer ", "bearer trk_ü".encode().decode("latin-1")]
)
def test_what_is_no_key_is_nobodys(on_sqlite: Service, given: str) -> None:
    headers = {"Authorization": given.encode("latin-1")}
    assert on_sqlite.client.post("/v1/developments", json=PAUSE, headers=headers).status_code == 401  # type: ignore[arg-type]


def test_a_revoked_key_writes_no_more_and_ends_its_sessions(service: Service) -> None:
    session = signed_in(service)
    service.log(PAUSE)
    assert (
        service.client.post("/v1/developments?dry_run=true", json=PAUSE, headers=session).status_code == 200
    )
    with writing(service.engine) as connection:
        assert access.revoke(connection, service.ann.id, NOW) == [service.ann.id]
    assert service.post("/v1/developments", PAUSE).status_code == 401
    assert service.client.post("/v1/developments", json=PAUSE, headers=session).status_code == 401


def test_a_session_ends_by_itself(service: Service) -> None:
    token = signed_in(service)["Cookie"].partition("=")[2]
    with reading(service.engine) as connection:
        assert access.in_session(connection, token, NOW + SESSION / 2) == service.ann.analyst
        assert access.in_session(connection, token, NOW + SESSION) is None


def test_another_site_cannot_write_with_a_session(on_sqlite: Service) -> None:
    session = signed_in(on_sqlite)
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = on_sqlite.client.post("/v1/developments", json=PAUSE, headers={**session, **foreign})
        assert (answer.status_code, answer.json()["code"]) == (403, "denied")
    own = {**session, "Origin": str(on_sqlite.client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert on_sqlite.client.post("/v1/developments", json=PAUSE, headers=own).status_code == 201


def test_a_secret_is_nowhere_in_the_database(service: Service) -> None:
    token = signed_in(service)["Cookie"].partition("=")[2]
    with reading(service.engine) as connection:
        held = str(
            [connection.execute(t.select()).all() for t in (access.keys, access.sessions, access.analysts)]
        )
    assert service.ann.secret not in held
    assert token not in held


def test_a_cookie_is_for_this_site_over_https_and_no_script(on_sqlite: Service) -> None:
    settings = load({"TRACKER_PUBLIC_URL": "https://tracker.example"})
    cookie = sign_in(on_sqlite.engine, settings, on_sqlite.ann.secret, NOW)
    assert isinstance(cookie, Cookie)
    assert (cookie.httponly, cookie.secure, cookie.samesite, cookie.path) == (True, True, "lax", "/")
    assert sign_in(on_sqlite.engine, settings, "trk_none", NOW) is None


def test_one_analyst_may_have_several_keys(service: Service) -> None:
    with writing(service.engine) as connection:
        other = access.create(connection, "Ann", NOW)
        assert other.analyst == service.ann.analyst
        assert {key.id for key in access.all_keys(connection)} == {service.ann.id, other.id}
        assert access.revoke(connection, "Ann", NOW) == sorted([service.ann.id, other.id])
        assert access.authenticate(connection, other.secret) is None


def test_where_reading_is_closed_only_health_and_sign_in_are_open(closed: Service) -> None:
    for path in ("/v1/partners", "/v1/events", "/v1/schemas", "/openapi.json", "/docs"):
        assert closed.client.get(path).status_code == 401, path
    for path in ("/healthz", "/readyz", "/sign-in", "/static/docs.js"):
        assert closed.client.get(path).status_code == 200, path
    for path in ("/", "/partners/GB", "/log"):
        assert (
            closed.client.get(path, headers={"Accept": "text/html"}, follow_redirects=False).status_code
            == 303
        )
    assert (
        closed.client.get(
            "/v1/partners", headers={"Authorization": f"Bearer {closed.ann.secret}"}
        ).status_code
        == 200
    )
    assert closed.client.get("/v1/partners", headers=signed_in(closed)).status_code == 200


def test_a_browser_is_sent_to_sign_in_and_back(closed: Service) -> None:
    answer = closed.client.get("/docs?x=1", headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/docs%3Fx%3D1"


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "", None, "/a\nb"]
)
def test_after_signing_in_nobody_is_led_elsewhere(path: str | None) -> None:
    assert local(path) == "/"
    assert local("/partners/GB?as_of=2025-05-01") == "/partners/GB?as_of=2025-05-01"
