"""Completes the package at build time: third-party web assets, and the folders kept beside it.

The assets come out of build-time wheels, so nothing of theirs is kept in the repository and no page
asks a CDN for them.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = "tracker/web/static/vendor"

# Beside the package in the repository, inside it once installed: see `shipped` in tracker/settings.py.
SHIPPED = ("events", "fixtures", "formats", "migrations")

# (package in the build environment, folder inside it, folder below VENDOR, files)
ASSETS = (
    (
        "drf_spectacular_sidecar",
        "static/drf_spectacular_sidecar/swagger-ui-dist",
        "swagger-ui",
        (
            "LICENSE",
            "favicon-32x32.png",
            "swagger-ui-bundle.js",
            "swagger-ui-standalone-preset.js",
            "swagger-ui.css",
        ),
    ),
)


class Complete(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for package, source, target, files in ASSETS:
            copy_assets(package_folder(package) / source, Path(self.root, VENDOR, target), files)
        if version == "standard":  # an editable install reads the repository's own folders
            build_data["force_include"].update({folder: f"tracker/{folder}" for folder in SHIPPED})


def package_folder(package: str) -> Path:
    """Where a package is installed, without importing it: these want Django, which is not here."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is needed to build the web assets")
    return Path(spec.origin).parent


def copy_assets(source: Path, target: Path, files: tuple[str, ...]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in files:
        shutil.copyfile(source / name, target / name)
