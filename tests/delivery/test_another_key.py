"""The key of the service is exchanged for another, and nobody who receives anything notices."""

from dataclasses import replace
from threading import Event

import pytest
from delivery.hooks import hook, news, send
from delivery.post import KEY, World
from delivery.receiver import receiver
from standardwebhooks import Webhook as Verifier

from tracker.delivery.sealing import OtherKey
from tracker.jobs import tidy
from tracker.jobs.job import Surroundings

NEW = bytes(range(32))


def keys(world: World, *keys: bytes) -> None:
    world.settings = replace(world.settings, secret_key=keys)


def tidied(world: World) -> None:
    tidy.JOB.run(Surroundings(world.settings, world.engine, world.clock, Event().is_set))


def test_what_was_sealed_with_the_old_key_is_sealed_anew_and_the_old_key_can_go(world: World) -> None:
    with receiver() as here:
        _, secret = hook(world, here)
        _, other = hook(world, here, path="/other")
        for given in ((NEW, KEY), (NEW,)):
            keys(world, *given)
            news(world, 10 + len(given))
            send(world)
            tidied(world)
        assert len(here.got) == 4
        for request in here.got:
            Verifier(other if "/other" in request.line else secret).verify(request.body, request.headers)


def test_where_a_key_is_missing_nothing_is_changed(world: World) -> None:
    with receiver() as here:
        hook(world, here)
        hook(world, here, path="/other")
        keys(world, NEW, bytes([7]) * 32)
        with pytest.raises(OtherKey):
            tidied(world)
        keys(world, KEY)
        news(world)
        send(world)
        assert len(here.got) == 2
