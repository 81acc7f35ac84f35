"""One arrow: outer may import any inner. DESIGN.md 6, held by reading the imports of every module."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tracker"
RINGS = (
    ("domain",),
    ("schema", "settings", "verifier"),
    ("log", "store"),
    ("projections",),
    ("record", "rebuilding", "drift", "read", "importing", "mapping", "exporting", "seeding", "catalogue"),
    ("delivery",),
    ("web", "jobs"),
    ("app", "cli", "commands", "terminal"),
)
"""From the inside out; who stands in one ring may know each other, but for APART."""
APART = (("record", "delivery"), ("web", "jobs"), ("app", "cli"), ("app", "commands"), ("app", "terminal"))
"""The first knows nothing of the second; of record and delivery, and of web and jobs, neither of the other."""
BOTH_WAYS = (("delivery", "record"), ("jobs", "web"))
LEAVES = ("delivery.channels", "web.api", "web.pages", "commands")
"""Folders with a file per thing, of which none imports another; the registry imports them all."""
SHARED = {
    "tracker.delivery.channels.channel": "the one method that every channel has",
}
PURE = {"msgspec", "tracker"}
IMPURE = {
    "os",
    "io",
    "socket",
    "subprocess",
    "random",
    "secrets",
    "time",
    "pathlib",
    "threading",
    "asyncio",
    "logging",
}

ASYNC_CONNECTING = (
    "open_connection",
    "create_connection",
    "create_datagram_endpoint",
    "create_subprocess_exec",
)
CLIENTS = (
    "socket", "socketserver", "http.client", "urllib.request", "urllib3", "requests", "httpx", "httpx2", "httpcore",
    "httpcore2", "aiohttp", "websockets", "smtplib", "ftplib", "poplib", "imaplib", "telnetlib", "xmlrpc", "nats",
    "subprocess", *(f"asyncio.{name}" for name in ASYNC_CONNECTING),
)  # fmt: skip
"""What connections can be made with."""
CONNECTING = {
    "tracker.delivery.outward": "it looks where an address leads: the only one that goes where somebody else says",
    "tracker.delivery.channels.email": "the mail server, which the operator sets; it alone is spoken to",
    "tracker.delivery.relay": "the NATS server that the operator names on the command line",
    "tracker.app": "it listens, and connects to nobody",
    "tracker.verifier": "a program of its own: whoever verifies a log types its address, on his own machine",
}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(module: str) -> Iterator[str]:
    """The modules that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def part(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def ring(module: str) -> int:
    return next(n for n, parts in enumerate(RINGS) if part(module) in parts)


def own(module: str) -> list[str]:
    return [name for name in imports(module) if part(name) and name.startswith("tracker.")]


def test_every_module_stands_in_a_ring() -> None:
    known = {name for parts in RINGS for name in parts}
    assert {part(module) for module in MODULES} - {""} == known


@pytest.mark.parametrize("module", [module for module in MODULES if part(module)])
def test_imports_point_inwards(module: str) -> None:
    assert [name for name in own(module) if ring(name) > ring(module)] == []


@pytest.mark.parametrize(("one", "other"), [*APART, *BOTH_WAYS])
def test_some_do_not_know_each_other(one: str, other: str) -> None:
    known = {(module, name) for module in MODULES if part(module) == one for name in own(module)}
    assert {(module, name) for module, name in known if part(name) == other} == set()


@pytest.mark.parametrize("folder", LEAVES)
def test_leaf_siblings_never_import_one_another(folder: str) -> None:
    package = f"tracker.{folder}"
    leaves = {module for module in MODULES if module.rpartition(".")[0] == package}
    assert leaves
    crossing = {
        (leaf, name) for leaf in leaves for name in own(leaf) if name in leaves - SHARED.keys() - {leaf}
    }
    assert crossing == set()


@pytest.mark.parametrize("module", [module for module in MODULES if part(module) == "domain"])
def test_the_domain_is_pure(module: str) -> None:
    roots = {name.partition(".")[0] for name in imports(module)}
    assert {root for root in roots if root not in sys.stdlib_module_names} <= PURE
    assert roots & IMPURE == set()
    assert "datetime.now" not in MODULES[module].read_text("utf-8"), "the clock arrives as an argument"


def test_only_the_flow_appends() -> None:
    appending = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "Appending"
    }
    assert appending == {"tracker.record"}


def connects(module: str) -> set[str]:
    """By what a module could make connections."""
    used = set(imports(module))
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            used |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and node.attr in ASYNC_CONNECTING:
            used.add(f"asyncio.{node.attr}")
    return {client for client in CLIENTS for name in used if f"{name}.".startswith(f"{client}.")}


def test_there_is_one_way_to_where_somebody_else_says() -> None:
    assert {module for module in MODULES if connects(module)} == CONNECTING.keys()


def test_the_service_never_calls_the_verifier() -> None:
    calling = {part(module) for module in MODULES for name in imports(module) if name == "tracker.verifier"}
    assert calling <= {"terminal"}


def test_the_verifier_needs_nothing_but_the_standard_library() -> None:
    roots = {name.partition(".")[0] for name in imports("tracker.verifier")}
    assert roots <= sys.stdlib_module_names


def test_packages_reexport_nothing() -> None:
    """An ``__init__`` holds a registry or nothing."""
    for module, path in MODULES.items():
        if path.name == "__init__.py":
            body = ast.parse(path.read_text("utf-8")).body
            kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)
            assert all(isinstance(node, kinds) for node in body), module
