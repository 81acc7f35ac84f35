"""The vocabulary of goods: which scope is a part of which, and the headings of the Harmonized System in each.

A scope is defined by ``scope.defined`` on the subject ``scope:<slug>``. ``all-goods`` is always there and holds all
others; a scope that nobody has defined is a part of ``all-goods`` alone.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

ALL_GOODS = "all-goods"
PREFIX = "scope:"


def scope_subject(scope: str) -> str:
    """The subject that defines a scope: ``scope:cars``."""
    return f"{PREFIX}{scope}"


class Scopes:
    """The scopes that are defined, from what subjects are (``scope:cars`` -> title, within, hs), as known then."""

    def __init__(self, abouts: Mapping[str, Mapping[str, Any]]) -> None:
        self._defined = {
            key.removeprefix(PREFIX): about for key, about in abouts.items() if key.startswith(PREFIX)
        }

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._defined))

    def __contains__(self, scope: str) -> bool:
        return scope == ALL_GOODS or scope in self._defined

    def title(self, scope: str) -> str:
        """What it is called: ``Passenger cars``; its slug in words where it is not defined."""
        return str(self._defined.get(scope, {}).get("title") or scope.replace("-", " "))

    def hs(self, scope: str) -> list[str]:
        """Its headings."""
        return [*(self._defined.get(scope, {}).get("hs") or [])]

    def up(self, scope: str) -> list[str]:
        """The scope and all that it is a part of, the narrowest first, ``all-goods`` last."""
        path: list[str] = []
        while scope != ALL_GOODS and scope not in path:
            path.append(scope)
            scope = self._defined.get(scope, {}).get("within", ALL_GOODS)
        return [*path, ALL_GOODS]

    def lists(self, scope: str) -> bool:
        """Whether it is a list without headings (``listed-goods``, ``low-value-parcels``): it may hold any goods."""
        return scope != ALL_GOODS and not any(self.hs(wider) for wider in self.up(scope))

    def of_hs(self, code: str) -> str:
        """The narrowest scope that holds a heading (``870323`` is in ``8703``); ``all-goods`` where none does."""
        return max(
            (scope for heading, scope in self._headings if code.startswith(heading)),
            key=lambda scope: (self._longest(scope, code), len(self.up(scope)), scope),
            default=ALL_GOODS,
        )

    @cached_property
    def _headings(self) -> list[tuple[str, str]]:
        return [(heading, scope) for scope in self._defined for heading in self.hs(scope)]

    def _longest(self, scope: str, code: str) -> int:
        return max(len(heading) for heading in self.hs(scope) if code.startswith(heading))
