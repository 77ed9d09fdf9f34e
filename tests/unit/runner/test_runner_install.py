"""Dependencies are installed only where eas-cli must run the app's own code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from publishbuild.runner.failures import AttemptFailed
from publishbuild.runner.install import find_installation, install
from publishbuild.runner.logs import LogTail, make_log
from publishbuild.runner.redact import Redactor
from publishbuild.runner.settings import RunnerSettings, read_settings

if TYPE_CHECKING:
    from pathlib import Path

LOCKS = {
    "package-lock.json": "npm ci",
    "yarn.lock": "yarn install --frozen-lockfile",
    "pnpm-lock.yaml": "pnpm install --frozen-lockfile",
    "bun.lock": "bun install --frozen-lockfile",
    "bun.lockb": "bun install --frozen-lockfile",
}


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


def install_command(folder: Path, given: RunnerSettings) -> str | None:
    found = find_installation(folder, folder, given)
    return " ".join(found.command) if found else None


def app(folder: Path, *, lock: str = "package-lock.json", plugins: bool = False, dynamic: bool = False) -> Path:
    if lock:
        (folder / lock).write_text("{}")
    (folder / "app.json").write_text(json.dumps({"expo": {"plugins": ["expo-router"]} if plugins else {}}))
    if dynamic:
        (folder / "app.config.ts").write_text("")
    return folder


@pytest.mark.parametrize(("lock", "start"), LOCKS.items())
def test_the_lockfile_says_which_program(tmp_path: Path, lock: str, start: str) -> None:
    """npm, yarn, pnpm and bun each install from their own lockfile, and change nothing in it."""
    command = install_command(app(tmp_path, lock=lock, dynamic=True), settings())
    assert command is not None
    assert command.startswith(start)


@pytest.mark.parametrize(
    ("manager", "rc", "option"),
    [
        ("yarn@4.5.0", False, "--immutable"),
        ("yarn@1.22.22", True, "--frozen-lockfile"),
        pytest.param("yarn@" + "4" * 5000, False, "--immutable", id="more digits than a number may have"),
        ("", True, "--immutable"),
        ("", False, "--frozen-lockfile"),
    ],
)
def test_yarn_is_given_the_options_of_its_version(tmp_path: Path, manager: str, rc: bool, option: str) -> None:
    """package.json names the version; where it does not, .yarnrc.yml gives it away."""
    made = app(tmp_path, lock="yarn.lock", dynamic=True)
    (made / "package.json").write_text(json.dumps({"packageManager": manager}))
    if rc:
        (made / ".yarnrc.yml").write_text("")
    assert option in (install_command(made, settings()) or "")


def test_a_workspace_is_installed_where_its_lockfile_is(tmp_path: Path) -> None:
    """An app in a monorepo has no lockfile of its own: that of a folder above counts, up to the source's own."""
    made = tmp_path / "source" / "apps" / "one"
    made.mkdir(parents=True)
    app(made, lock="", dynamic=True)
    (tmp_path / "yarn.lock").write_text("")
    assert find_installation(made, tmp_path / "source", settings()) is None
    (tmp_path / "source" / "pnpm-lock.yaml").write_text("")
    found = find_installation(made, tmp_path / "source", settings())
    assert found is not None
    assert (found.folder, found.command[0]) == (tmp_path / "source", "pnpm")


@pytest.mark.parametrize(
    ("lock", "says"),
    [("bun.lock", "no bun"), ("pnpm-lock.yaml", "neither pnpm nor corepack"), ("package-lock.json", "no npm")],
)
def test_a_missing_program_is_named_at_once(tmp_path: Path, lock: str, says: str) -> None:
    """One line that says which lockfile needs which program, and where to name an image that has it; no retry."""
    made = app(tmp_path, lock=lock, dynamic=True)
    with pytest.raises(AttemptFailed, match=says) as caught:
        install(made, made, settings(), {"PATH": str(tmp_path)}, make_log(Redactor(set()), LogTail()))
    assert (caught.value.failure.reason, caught.value.failure.retryable) == ("ProgramMissing", False)
    assert "runner.image" in caught.value.failure.message


def test_corepack_stands_in_for_a_missing_yarn(tmp_path: Path) -> None:
    """Node brings corepack, and corepack the yarn that the app names."""
    made = app(tmp_path, lock="yarn.lock", dynamic=True)
    corepack = tmp_path / "bin" / "corepack"
    corepack.parent.mkdir()
    corepack.write_text('#!/bin/sh\necho "$@" > said\n')
    corepack.chmod(0o755)
    install(made, made, settings(), {"PATH": str(corepack.parent)}, make_log(Redactor(set()), LogTail()))
    assert (made / "said").read_text() == "yarn install --frozen-lockfile --non-interactive\n"


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
