"""Whatever address somebody gives, nothing inside is reached through us; and addresses of the public are."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from delivery import receiver as receivers
from delivery.receiver import NAME, receiver, says
from delivery.vectors import (
    AS_WRITTEN,
    BY_NAME,
    CHANGING,
    GOOD,
    NEIGHBOURS,
    PUBLIC,
    PUBLIC_6,
    RANGES,
    Canaries,
    Vector,
    canaries,
    naive,
)
from hypothesis import given
from hypothesis import strategies as st

from tracker.delivery import destination as destinations
from tracker.delivery.destination import destination, permitted
from tracker.delivery.outward import Answer, NoAnswer, post
from tracker.domain.errors import Refused
from tracker.settings import Settings, load


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canaries]:
    with canaries(monkeypatch) as watched:
        yield watched


def sent(url: str, settings: Settings) -> Answer | NoAnswer:
    return post(url, b"{}", {"Content-Type": "application/json"}, settings)


def named(vectors: tuple[Vector, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=lambda vector: vector.id)


def test_there_are_enough_of_them() -> None:
    ids = [vector.id for vector in (*AS_WRITTEN, *BY_NAME, *CHANGING)]
    assert len(ids) >= 200
    assert len(set(ids)) >= len(ids) - 5  # some addresses are ends of ranges, too


@named(AS_WRITTEN)
def test_what_can_be_seen_is_refused_and_not_reached(vector: Vector, watched: Canaries) -> None:
    with pytest.raises(Refused, match=rf"(?s)^address: .*{vector.says}") as refused:
        destination(vector.at(watched.port), watched.settings, "address")
    assert refused.value.code == "invalid"
    assert [problem.pointer for problem in refused.value.problems] == ["address"]
    assert refused.value.detail.isprintable()
    answer = sent(vector.at(watched.port), watched.settings)
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.sent) == ("forbidden", False)
    assert (watched.asked, watched.dialled, watched.hits()) == ([], [], 0)


@named(BY_NAME)
def test_a_name_that_leads_inside_is_not_followed(vector: Vector, watched: Canaries) -> None:
    watched.lead(NAME, *vector.answers)
    destination(vector.at(watched.port), watched.settings)  # it cannot be seen
    answer = sent(vector.at(watched.port), watched.settings)
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.sent) == ("forbidden", False)
    assert vector.says in answer.detail
    assert not any(one in answer.detail for answers in vector.answers for one in answers), (
        "it tells what lies inside"
    )
    assert (watched.asked, watched.dialled, watched.hits()) == ([NAME], [], 0)


@named(CHANGING)
def test_a_name_is_looked_up_once_and_what_was_found_is_dialled(vector: Vector, watched: Canaries) -> None:
    watched.lead(NAME, *vector.answers)
    with receiver() as here:
        watched.rerouted[vector.answers[0][0]] = ("127.0.0.1", here.port)
        answer = sent(vector.at(watched.port), watched.settings)
        assert isinstance(answer, Answer)
        assert here.got[0].headers["host"] == f"{NAME}:{watched.port}"
    assert watched.asked == [NAME]
    assert watched.dialled == [(vector.answers[0][0], watched.port)]
    assert watched.hits() == 0


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}/", "http://[::1]:{port}/", "//127.0.0.1:{port}/"])
def test_a_redirect_is_an_answer_and_not_followed(status: int, where: str, watched: Canaries) -> None:
    to = where.replace("{port}", str(watched.port))
    with receiver(says(status, Location=to, Refresh=f"0; url={to}")) as here:
        answer = sent(here.url, here.settings)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.headers["location"]) == (status, to)
        assert len(here.got) == 1
    assert watched.hits() == 0


@pytest.mark.parametrize(
    "vector", [v for v in (*AS_WRITTEN, *BY_NAME) if v.reaches], ids=lambda vector: vector.id
)
def test_a_client_off_its_guard_would_have_reached_it(vector: Vector, watched: Canaries) -> None:
    watched.lead(NAME, *vector.answers or [()])
    naive(vector.at(watched.port))
    assert watched.hits() > 0


@named(CHANGING)
def test_one_who_looks_first_and_then_connects_would_have_reached_it(
    vector: Vector, watched: Canaries
) -> None:
    watched.lead(NAME, *vector.answers)
    found = socket.getaddrinfo(NAME, watched.port)
    assert all(permitted(ip_address(address[0])) for *_, address in found)
    naive(vector.at(watched.port))
    assert watched.hits() > 0


def test_one_who_follows_would_have_reached_it(watched: Canaries) -> None:
    with receiver(says(302, Location=f"http://127.0.0.1:{watched.port}/")) as here:
        naive(here.url)
    assert watched.hits() > 0


def test_the_environment_has_no_say(watched: Canaries, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{watched.port}")
    with receiver() as here:
        assert isinstance(sent(here.url, here.settings), Answer)
    assert watched.hits() == 0


# ---------------------------------------------------------------- what is the public's


@pytest.mark.parametrize(("url", "read"), GOOD.items())
def test_what_is_plain_is_taken(url: str, read: tuple[str, str, int, str]) -> None:
    settings = load({"TRACKER_PLAIN_HTTP": "allowed"})
    to = destination(url, settings)
    assert (to.scheme, to.host, to.port, to.target) == read
    assert destination(str(to), settings) == to


@pytest.mark.parametrize("ends", RANGES, ids=lambda ends: f"{ends[0]} to {ends[1]}")
def test_a_range_that_is_not_the_publics(ends: tuple[str, str]) -> None:
    first, last = map(ip_address, ends)
    assert not permitted(first)
    assert not permitted(last)

    @given(st.integers(int(first), int(last)))
    def between(number: int) -> None:
        assert not permitted(type(first)(number))

    between()


@pytest.mark.parametrize("address", NEIGHBOURS)
def test_what_lies_beside_it_is(address: str) -> None:
    assert permitted(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_alike(address: object) -> None:
    assert permitted(ip_address(f"::ffff:{address}")) == permitted(ip_address(str(address)))
    assert not permitted(ip_address(f"64:ff9b::{address}"))
    assert not permitted(ip_address(f"::{address}"))


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_6])
def test_host_and_certificate_are_those_of_the_name(address: str, watched: Canaries) -> None:
    watched.lead(NAME, [address])
    with receiver(certificate="good") as here:
        watched.rerouted[address] = ("127.0.0.1", here.port)
        url = f"https://{NAME}:{watched.port}/a?b=c"
        answer = post(url, b"{}", {}, watched.settings, trusted=receivers.trusting())
        assert isinstance(answer, Answer)
        assert here.got[0].name == NAME
        assert here.got[0].headers["host"] == f"{NAME}:{watched.port}"
        assert here.got[0].line == "POST /a?b=c HTTP/1.1"
    assert watched.dialled == [(address, watched.port)]


def test_of_several_addresses_the_next_is_dialled_where_one_does_not_answer(watched: Canaries) -> None:
    watched.lead(NAME, [PUBLIC_6, PUBLIC])
    with receiver() as here:
        watched.rerouted[PUBLIC] = ("127.0.0.1", here.port)
        answer = sent(f"http://{NAME}:{watched.port}/", watched.settings)
        assert isinstance(answer, Answer)
    assert watched.dialled == [(PUBLIC_6, watched.port), (PUBLIC, watched.port)]


def test_a_name_that_leads_nowhere(watched: Canaries) -> None:
    answer = sent("https://nowhere.example.org/", watched.settings)
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, answer.sent) == ("unresolved", False)
    assert "nowhere.example.org cannot be looked up" in answer.detail


# ---------------------------------------------------------------- what an operator may allow


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        ("10.1.2.3", "http://10.1.2.3/"),
        ("10.1.2.3", "http://10.1.2.3:9000/"),
        ("10.1.2.3:9000", "http://10.1.2.3:9000/"),
        ("hooks", "http://hooks/"),
        ("Hooks.Intranet:81", "http://hooks.intranet:81/"),
        ("fd00:0::7", "http://[fd00::7]:9000/"),
        ("[fd00::7]:9000", "http://[FD00:0:0::7]:9000/"),
        ("localhost, example.org", "http://example.org:9000/"),
    ],
)
def test_a_named_host_may_lie_inside(hosts: str, url: str) -> None:
    settings = load({"TRACKER_PRIVATE_HOSTS": hosts, "TRACKER_PLAIN_HTTP": "allowed"})
    assert destination(url, settings).inside


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        ("10.1.2.3", "http://10.1.2.4/"),
        ("10.1.2.3:9000", "http://10.1.2.3/"),
        ("10.1.2.3:9000", "http://10.1.2.3:9001/"),
        ("hooks.intranet", "http://www.hooks.intranet/"),
        ("hooks.intranet", "http://intranet/"),
        ("127.0.0.1", "http://localhost/"),
        ("127.0.0.1", "http://127.1/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("localhost", "http://user@localhost/"),
    ],
)
def test_others_may_not_because_one_does(hosts: str, url: str) -> None:
    settings = load({"TRACKER_PRIVATE_HOSTS": hosts, "TRACKER_PLAIN_HTTP": "allowed"})
    with pytest.raises(Refused):
        destination(url, settings)


def test_that_an_address_is_named_does_not_let_names_lead_there(watched: Canaries) -> None:
    settings = load({"TRACKER_PRIVATE_HOSTS": f"127.0.0.1:{watched.port}", "TRACKER_PLAIN_HTTP": "allowed"})
    watched.lead(NAME, ["127.0.0.1"])
    answer = sent(f"http://{NAME}:{watched.port}/", settings)
    assert isinstance(answer, NoAnswer)
    assert (answer.kind, watched.hits()) == ("forbidden", 0)
    assert isinstance(sent(f"http://127.0.0.1:{watched.port}/", settings), Answer)
    assert watched.hits() == 1


def test_without_the_switch_nothing_goes_unencrypted() -> None:
    with receiver() as here:
        settings = load({"TRACKER_PRIVATE_HOSTS": f"127.0.0.1:{here.port}"})
        answer = sent(here.url, settings)
        assert isinstance(answer, NoAnswer)
        assert (answer.kind, here.connections) == ("forbidden", 0)
        assert "url: must begin with https://" in answer.detail


def test_ports_are_those_of_web_servers() -> None:
    assert destinations.PORTS == {"https": (443, 8443), "http": (80, 8080)}
