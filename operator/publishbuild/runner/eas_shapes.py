"""The JSON of ``eas-cli`` -> what the runner knows of builds and submissions. Null keys are dropped by the CLI."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from publishbuild.runner.next_step import RemoteBuild, RemoteSubmission

if TYPE_CHECKING:
    from collections.abc import Mapping


def within(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under ``key``, or an empty one."""
    inner = item.get(key)
    return inner if isinstance(inner, dict) else {}


def created(item: Any) -> datetime:
    """When the item was made; the far future where it does not say, so that nobody takes it for an old one."""
    try:
        moment = datetime.fromisoformat(str(item["createdAt"]))
    except (KeyError, TypeError, ValueError):
        return datetime.max.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def build(item: Mapping[str, Any]) -> RemoteBuild:
    """One element of ``build``, ``build:list`` or ``build:view``."""
    error, artifacts = within(item, "error"), within(item, "artifacts")
    return RemoteBuild(
        id=str(item.get("id")),
        status=str(item.get("status")),
        error_code=error.get("errorCode"),
        error_message=error.get("message"),
        commit=item.get("gitCommitHash"),
        page_url=_page_url(item, "builds"),
        artifact_url=artifacts.get("applicationArchiveUrl") or artifacts.get("buildUrl"),
        app_version=item.get("appVersion"),
        app_build_version=item.get("appBuildVersion"),
        queue_position=_number(item, "queuePosition"),
        wait_seconds=_number(item, "estimatedWaitTimeLeftSeconds"),
    )


def submission(item: Mapping[str, Any]) -> RemoteSubmission:
    """One element of ``submit:list``."""
    error = within(item, "error")
    return RemoteSubmission(
        id=str(item.get("id")),
        status=str(item.get("status")),
        can_retry=bool(item.get("canRetry")),
        error_code=error.get("errorCode"),
        error_message=error.get("message"),
        page_url=_page_url(item, "submissions"),
    )


def _number(item: Mapping[str, Any], key: str) -> int | None:
    value = item.get(key)
    return int(value) if isinstance(value, (int, float)) else None


def _page_url(item: Mapping[str, Any], kind: str) -> str | None:
    app = within(item, "app")
    account, slug = within(app, "ownerAccount").get("name"), app.get("slug")
    if not account or not slug:
        return None
    return f"https://expo.dev/accounts/{account}/projects/{slug}/{kind}/{item.get('id')}"
