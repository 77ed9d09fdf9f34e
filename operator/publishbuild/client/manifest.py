"""Manifests of builds from a few words, and the names that they get."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypedDict, Unpack

from publishbuild import names
from publishbuild.cluster.api import Object
from publishbuild.models.spec import ConcurrencyPolicy

_COMMIT = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64})$")
_NO_NAME = re.compile(r"[^a-z0-9]+")
_SHORT_COMMIT = 7
_LONGEST_REVISION = 20
# The API server adds so many to a `generateName`.
_GENERATED = 5


class BuildOptions(TypedDict, total=False):
    """Fields of a build's spec; what is left out, or None, gets the CRD's default (`kubectl explain pb.spec`)."""

    path: str | None
    """The app's folder in the repository."""
    git_secret: str | None
    """Secret that opens the repository."""
    platform: Literal["ios", "android", "all"] | None
    profile: str | None
    """Build profile of eas.json."""
    submit: bool | None
    """Submit to the stores after the build."""
    submit_profile: str | None
    credentials_secret: str | None
    """Secret whose keys become the runner's environment."""
    priority: int | None
    concurrency_key: str | None
    cancel_previous: bool | None
    """Stop older builds with the same concurrency key."""
    backoff_limit: int | None
    queue_timeout_seconds: int | None
    run_timeout_seconds: int | None
    suspend: bool | None


def build_manifest(
    *,
    git_url: str | None = None,
    revision: str | None = None,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    **options: Unpack[BuildOptions],
) -> Object:
    """A PublishBuild that holds what is given and nothing else."""
    git = {"url": git_url, "revision": revision, "path": options.get("path"), "secretRef": _ref(options, "git_secret")}
    policy = ConcurrencyPolicy.CANCEL_PREVIOUS.value if options.get("cancel_previous") else None
    spec = {
        "source": {"git": git},
        "platform": options.get("platform"),
        "profile": options.get("profile"),
        "submit": {"enabled": options.get("submit"), "profile": options.get("submit_profile")},
        "credentialsSecretRef": _ref(options, "credentials_secret"),
        "priority": options.get("priority"),
        "concurrencyKey": options.get("concurrency_key"),
        "concurrencyPolicy": policy,
        "backoffLimit": options.get("backoff_limit"),
        "queueTimeoutSeconds": options.get("queue_timeout_seconds"),
        "runTimeoutSeconds": options.get("run_timeout_seconds"),
        "suspend": options.get("suspend"),
    }
    metadata = {"name": name, "labels": dict(labels or {})}
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, **_given({"metadata": metadata, "spec": spec})}


def named(manifest: Object, app: str = "") -> Object:
    """``manifest`` with a name, unless it has one; ``app`` is the repository's name unless given.

    A commit gives one and the same name to one and the same build, ``shop-9d3f0a8`` or ``shop-9d3f0a8-ios-preview``,
    so that asking twice is building once. A branch or tag may move: the API server then adds five random characters.
    """
    metadata, spec = manifest.get("metadata") or {}, manifest.get("spec") or {}
    if metadata.get("name") or metadata.get("generateName"):
        return manifest
    git = (spec.get("source") or {}).get("git") or {}
    app, revision = app or repository_name(str(git.get("url") or "")), str(git.get("revision") or "HEAD")
    others = [spec.get("platform") or "all", spec.get("profile") or "production"]
    variant = [word for word, usual in zip(others, ("all", "production"), strict=True) if word != usual]
    if _COMMIT.match(revision):
        given = {"name": dns_name(app, "-".join([revision[:_SHORT_COMMIT], *variant]))}
    else:
        words = "-".join([revision[:_LONGEST_REVISION], *variant])
        given = {"generateName": dns_name(app, words, room=names.MAX_BUILD_NAME - _GENERATED - 1) + "-"}
    return {**manifest, "metadata": {**metadata, **given}}


def dns_name(word: str, ending: str = "", *, room: int = names.MAX_BUILD_NAME) -> str:
    """``word-ending`` as a Kubernetes name of at most ``room`` characters: where it is too long ``word`` gives way."""
    end = _slug(ending)[: room - 2]
    start = _slug(word)[: room - len(end) - 1].rstrip("-") or "build"[: room - len(end) - 1]
    return "-".join(part for part in (start, end) if part).rstrip("-")


def repository_name(git_url: str) -> str:
    """``app`` of ``https://git.example/acme/app.git``."""
    return git_url.rstrip("/").rpartition("/")[2].removesuffix(".git")


def overlaid(under: Object, over: Object) -> Object:
    """``under`` with the fields of ``over`` laid on it, object by object."""
    made = dict(under)
    for key, value in over.items():
        known = made.get(key)
        made[key] = overlaid(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return made


def _ref(options: BuildOptions, key: Literal["git_secret", "credentials_secret"]) -> Object | None:
    secret = options.get(key)
    return {"name": secret} if secret else None


def _given(fields: Mapping[str, Any]) -> Object:
    """``fields`` without what is None, and without objects that are empty then."""
    made: Object = {}
    for key, value in fields.items():
        kept = _given(value) if isinstance(value, Mapping) else value
        if kept is not None and kept != {}:
            made[key] = kept
    return made


def _slug(text: str) -> str:
    return _NO_NAME.sub("-", text.lower()).strip("-")
