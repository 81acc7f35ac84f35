"""Answers that need not be sent twice, and addresses whose answer never changes."""

import pytest

from tests.web.conftest import Service
from tests.web.world import PAUSE, logged

READS = [
    "/v1/partners", "/v1/partners?limit=1", "/v1/partners/MX", "/v1/partners/MX/state",
    "/v1/partners/MX/timeline?limit=2", "/v1/partners/MX/diff?from=2025-02-01", "/v1/measures", "/v1/measures/us-cars",
    "/v1/agreements",
    "/v1/agreements/us-gb-deal", "/v1/events?limit=3", "/v1/schemas", "/v1/schemas/measure.paused", "/openapi.json",
]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_what_has_not_changed_is_not_sent_again(on_sqlite: Service, path: str) -> None:
    first = on_sqlite.client.get(path)
    again = on_sqlite.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_what_has_changed_is_sent(on_sqlite: Service) -> None:
    first = on_sqlite.client.get("/v1/partners/MX/state")
    logged(on_sqlite.engine, PAUSE)
    again = on_sqlite.client.get("/v1/partners/MX/state", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200


def test_what_does_not_concern_a_partner_leaves_its_answer_as_it_was(on_sqlite: Service) -> None:
    first = on_sqlite.client.get("/v1/partners/GB/state")
    logged(on_sqlite.engine, PAUSE)
    again = on_sqlite.client.get("/v1/partners/GB/state", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", [path for path in READS if "schemas" not in path and "openapi" not in path])
def test_an_address_with_both_axes_pinned_is_good_for_ever(on_sqlite: Service, path: str) -> None:
    now = on_sqlite.client.get(path)
    assert "immutable" not in now.headers["cache-control"]
    pinned = on_sqlite.client.get(now.headers["content-location"])
    logged(on_sqlite.engine, PAUSE)
    later = on_sqlite.client.get(now.headers["content-location"])
    assert "immutable" in pinned.headers["cache-control"]
    assert pinned.headers["etag"].startswith('"'), "a strong validator"
    assert (pinned.content, pinned.headers["etag"]) == (later.content, later.headers["etag"])


def test_several_validators_and_a_star_are_understood(on_sqlite: Service) -> None:
    etag = on_sqlite.client.get("/v1/schemas").headers["etag"]
    for candidates in (f'"other", {etag}', f"W/{etag}", "*"):
        assert on_sqlite.client.get("/v1/schemas", headers={"If-None-Match": candidates}).status_code == 304
    assert on_sqlite.client.get("/v1/schemas", headers={"If-None-Match": '"other"'}).status_code == 200


def test_what_only_keys_may_read_is_kept_by_no_shared_cache(closed: Service) -> None:
    headers = {"Authorization": f"Bearer {closed.ann.secret}"}
    answer = closed.client.get("/v1/partners", headers=headers)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Authorization, Cookie"


def test_head_is_get_without_the_body(on_sqlite: Service) -> None:
    head, get = on_sqlite.client.head("/v1/schemas"), on_sqlite.client.get("/v1/schemas")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
