"""An address that leads inside is refused on the command line, too, and nothing is kept."""

import pytest
from delivery.vectors import AS_WRITTEN, canaries
from prompt import Run

SOME = AS_WRITTEN[2::3][:121]
"""A third: behind it is the one reader of addresses, which tests/delivery/test_wall.py tries with all."""


def test_subscribe(seeded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_PLAIN_HTTP", "allowed")
    assert len(SOME) >= 120
    with canaries(monkeypatch) as watched:
        for vector in SOME:
            address = vector.at(watched.port)
            if "\0" in address:
                continue  # no argument of a program can hold it
            said = seeded("subscribe", "--over", "webhook", "--confirmed", "--", address, code=2)
            assert vector.says in " ".join(said.err.split()) or address != address.strip(), vector.id
        assert (watched.asked, watched.dialled, watched.hits()) == ([], [], 0)
    assert "sub-" not in seeded("subscriptions").out
