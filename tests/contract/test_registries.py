"""What lies in a folder of leaves stands in its registry: explicit tuples, and nothing forgotten."""

from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from litestar import Router

import tracker
from tracker.commands import COMMANDS
from tracker.delivery.channels import CHANNELS, channel
from tracker.domain.events import AnyEvent, Event, RepairEvent
from tracker.jobs import JOBS
from tracker.settings import Settings, variable
from tracker.web import api, pages

ROOT = Path(__file__).parents[2]


def leaves(folder: str) -> Iterator[ModuleType]:
    for path in sorted((Path(tracker.__file__).parent / folder.replace(".", "/")).glob("[!_]*.py")):
        yield import_module(f"tracker.{folder}.{path.stem}")


def within(one: Any) -> set[Any]:
    """The functions behind a handler or a router."""
    if not isinstance(one, Router):
        return {one.fn}
    return {handler.fn for route in one.routes for handler in route.route_handlers}


@pytest.mark.parametrize(("folder", "registry"), [("web.api", api.ROUTES), ("web.pages", pages.ROUTES)])
def test_every_handler_is_served(folder: str, registry: Any) -> None:
    served = {fn for one in registry for fn in within(one)}
    for leaf in leaves(folder):
        handlers = (*getattr(leaf, "ROUTES", ()), *getattr(leaf, "FILES", ()))
        assert {handler.fn for handler in handlers} <= served, leaf.__name__


def test_every_channel_delivers() -> None:
    channels = {leaf.__name__ for leaf in leaves("delivery.channels") if leaf is not channel}
    assert channels == {type(one).__module__ for one in CHANNELS}


def test_every_job_is_run() -> None:
    assert [leaf.JOB for leaf in leaves("jobs") if hasattr(leaf, "JOB")] == list(JOBS)


def test_every_command_is_offered() -> None:
    offered = {command for _, commands in COMMANDS for command in commands}
    for leaf in leaves("commands"):
        assert set(getattr(leaf, "COMMANDS", ())) <= offered, leaf.__name__


def test_every_event_class_with_a_type_is_in_the_catalogue() -> None:
    def below(cls: type) -> Iterator[type]:
        for sub in cls.__subclasses__():
            yield sub
            yield from below(sub)

    tagged = {
        cls for base in (Event, RepairEvent) for cls in below(base) if "." in str(cls.__struct_config__.tag)
    }
    assert tagged == set(get_args(AnyEvent))


@pytest.mark.parametrize("setting", [field.name for field in fields(Settings)])
def test_every_setting_is_documented(setting: str) -> None:
    assert f"`{variable(setting)}`" in (ROOT / "README.md").read_text("utf-8")
