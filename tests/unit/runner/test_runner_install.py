"""Dependencies are installed only where eas-cli must run the app's own code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from publishbuild.runner.install import install_command
from publishbuild.runner.settings import RunnerSettings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

LOCKS = {"package-lock.json": "npm", "yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm"}


def settings(platform: str = "android", install: str = "auto") -> RunnerSettings:
    return read_settings(
        {
            "PUBLISHBUILD_UID": "u",
            "PUBLISHBUILD_NAME": "n",
            "PUBLISHBUILD_NAMESPACE": "ns",
            "PUBLISHBUILD_SOURCE_URL": "file:///x",
            "PUBLISHBUILD_PLATFORM": platform,
            "PUBLISHBUILD_INSTALL": install,
        }
    )


def app(folder: Path, *, lock: str = "package-lock.json", plugins: bool = False, dynamic: bool = False) -> Path:
    if lock:
        (folder / lock).write_text("{}")
    (folder / "app.json").write_text(json.dumps({"expo": {"plugins": ["expo-router"]} if plugins else {}}))
    if dynamic:
        (folder / "app.config.ts").write_text("")
    return folder


@pytest.mark.parametrize(("lock", "program"), LOCKS.items())
def test_the_lockfile_says_which_program(tmp_path: Path, lock: str, program: str) -> None:
    """npm, yarn and pnpm each install from their own lockfile."""
    command = install_command(app(tmp_path, lock=lock, dynamic=True), settings())
    assert command is not None
    assert command[0] == program


def test_a_static_android_app_needs_no_install(tmp_path: Path) -> None:
    """Nothing of the app's own code is run, so minutes and a registry are spared."""
    assert install_command(app(tmp_path), settings()) is None


@pytest.mark.parametrize("kind", ["plugins", "dynamic"])
def test_code_in_the_config_needs_an_install(tmp_path: Path, kind: str) -> None:
    """Config plugins and a dynamic config are code that imports packages."""
    made = app(tmp_path, plugins=kind == "plugins", dynamic=kind == "dynamic")
    assert install_command(made, settings()) is not None


@pytest.mark.parametrize(("native", "needed"), [(False, True), (True, False)])
def test_ios_needs_expo_unless_it_has_its_own_project(tmp_path: Path, native: bool, needed: bool) -> None:
    """eas-cli computes the entitlements of an app without an ios folder with the app's own expo package."""
    app(tmp_path)
    if native:
        (tmp_path / "ios").mkdir()
    assert (install_command(tmp_path, settings("ios")) is not None) is needed


@pytest.mark.parametrize(("choice", "needed"), [("always", True), ("never", False)])
def test_the_user_has_the_last_word(tmp_path: Path, choice: str, needed: bool) -> None:
    """PUBLISHBUILD_INSTALL overrides the guess."""
    made = app(tmp_path, dynamic=choice == "never")
    assert (install_command(made, settings(install=choice)) is not None) is needed


def test_without_a_lockfile_nothing_is_installed(tmp_path: Path) -> None:
    """There is nothing to install exactly; eas-cli says so itself."""
    assert install_command(app(tmp_path, lock="", dynamic=True), settings()) is None
