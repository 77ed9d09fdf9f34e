"""The GraphQL operations of ``eas-cli`` that builds and submissions need, answered by name.

The program's queries are fixed strings, so no schema is needed: an answer holds every field that the operation
can read. A new operation shows up as an error that names it; add it here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.standins.eas_api import shapes
from tests.standins.eas_api.credentials import SigningCredentials
from tests.standins.eas_api.world import Build, World

Json = dict[str, Any]


class GraphQLError(Exception):
    """An answer that EAS would give as a GraphQL error."""

    def __init__(self, message: str, code: str = "NOT_FOUND_ERROR") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Request:
    """One operation to answer."""

    world: World
    signing: SigningCredentials
    variables: Json


def _current_user(_request: Request) -> Json:
    return {"meActor": shapes.actor(), "viewer": shapes.actor()}


def _app_by_id(request: Request) -> Json:
    return {"app": {"byId": shapes.app(str(request.variables.get("appId") or shapes.PROJECT))}}


def _app_by_full_name(_request: Request) -> Json:
    return {"app": {"byFullName": shapes.app()}}


def _statuspage(_request: Request) -> Json:
    return {"statuspageService": {"byServiceNames": []}}


def _app_store_key(_request: Request) -> Json:
    # With a key the CLI would go on to Apple's servers; without one it says so and skips them.
    raise GraphQLError("The stand-in gives out no App Store Connect key.")


def _account_usage(_request: Request) -> Json:
    usage = {"id": "usage", "planMetrics": [], "overageMetrics": []}
    subscription = {"id": "subscription", "name": "Stand-in plan"}
    owner = {**shapes.account(), "subscription": subscription, "usageMetrics": {"EAS_BUILD": usage}}
    return {"account": {"byId": owner}}


def _upload_session(request: Request) -> Json:
    key = f"standin/{uuid.uuid4()}"
    session = {"url": f"{request.world.base_url}/upload/{key}", "bucketKey": key, "headers": {}}
    return {"uploadSession": {"createUploadSession": session}}


def _create_build(platform: str) -> Callable[[Request], Json]:
    name = "createIosBuild" if platform == "IOS" else "createAndroidBuild"

    def answer(request: Request) -> Json:
        variables = request.variables
        build = request.world.create_build(platform, variables.get("metadata") or {}, variables.get("job") or {})
        return {"build": {name: {"build": shapes.build(request.world, build), "deprecationInfo": None}}}

    return answer


def _build_of(request: Request) -> Build:
    build = request.world.builds.get(str(request.variables.get("buildId")))
    if build is None:
        raise GraphQLError(f"Entity not found: Build {request.variables.get('buildId')}")
    return build


def _build_by_id(request: Request) -> Json:
    build = _build_of(request)
    own = [s for s in request.world.submissions.values() if s.build_id == build.id]
    found = {
        **shapes.build(request.world, build),
        "submissions": [shapes.submission(request.world, item) for item in own],
    }
    return {"builds": {"byId": found}}


def _cancel_build(request: Request) -> Json:
    build = _build_of(request)
    if build.status_at(request.world.now()) in {"NEW", "IN_QUEUE", "IN_PROGRESS"}:
        build.canceled_at = request.world.now()
    found = shapes.build(request.world, build)
    return {"build": {"cancel": found, "cancelBuild": found}}


def _builds_of_app(request: Request) -> Json:
    world, variables = request.world, request.variables
    wanted = variables.get("filter") or {}
    newest = sorted(world.builds.values(), key=lambda build: build.created, reverse=True)
    found = [
        shape
        for shape in (shapes.build(world, build) for build in newest)
        if all(
            shape[field] == wanted[field]
            for field in ("platform", "status", "buildProfile", "gitCommitHash")
            if wanted.get(field)
        )
    ]
    page = _page(found, variables)
    return {"app": {"byId": {**shapes.app(), "builds": page}}}


def _page(items: list[Json], variables: Json) -> list[Json]:
    offset, limit = int(variables.get("offset") or 0), int(variables.get("limit") or 10)
    return items[offset : offset + limit]


def _latest_version(request: Request) -> Json:
    variables = request.variables
    key = (str(variables.get("platform")), str(variables.get("applicationIdentifier")))
    number = request.world.versions.get(key)
    latest = None if number is None else {"id": "version", "storeVersion": "1.0.0", "buildVersion": str(number)}
    return {"app": {"byId": {**shapes.app(), "latestAppVersionByPlatformAndApplicationIdentifier": latest}}}


def _create_version(request: Request) -> Json:
    wanted = request.variables.get("appVersionInput") or {}
    key = (str(wanted.get("platform")), str(wanted.get("applicationIdentifier")))
    request.world.versions[key] = int(wanted.get("buildVersion") or 1)
    return {"appVersion": {"createAppVersion": {"id": str(uuid.uuid4())}}}


def _android_credentials(request: Request) -> Json:
    package = str(request.variables.get("applicationIdentifier"))
    found = [] if request.variables.get("legacyOnly") else [shapes.android_credentials(package)]
    return {"app": {"byFullName": {**shapes.app(), "androidAppCredentials": found}}}


def _apple_app_identifier(request: Request) -> Json:
    bundle = str(request.variables.get("bundleIdentifier"))
    identifier = shapes.apple_app_identifier(bundle)
    owner = {**shapes.account(), "appleAppIdentifiers": [identifier]}
    return {"account": {"byName": owner}, "appleAppIdentifier": {"byBundleIdentifier": identifier}}


def _ios_credentials(request: Request) -> Json:
    bundle = str(request.variables.get("appleAppIdentifierId")).removeprefix("identifier:")
    wanted = request.variables.get("iosDistributionType")
    if wanted not in {None, "APP_STORE"}:
        return {"app": {"byFullName": {**shapes.app(), "iosAppCredentials": []}}}
    found = [shapes.ios_credentials(request.signing, bundle)]
    return {"app": {"byFullName": {**shapes.app(), "iosAppCredentials": found}}}


def _apple_teams(_request: Request) -> Json:
    page = {
        "edges": [{"cursor": "1", "node": shapes.apple_team()}],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": "1", "endCursor": "1"},
    }
    owner = {**shapes.account(), "appleTeamsPaginated": page}
    return {"account": {"byName": owner}, "appleTeam": {"byAppleTeamIdentifier": shapes.apple_team()}}


def _create_submission(platform: str) -> Callable[[Request], Json]:
    name = "createIosSubmission" if platform == "IOS" else "createAndroidSubmission"

    def answer(request: Request) -> Json:
        variables = request.variables
        submission = request.world.create_submission(
            platform, variables.get("submittedBuildId"), variables.get("config") or {}
        )
        return {"submission": {name: {"submission": shapes.submission(request.world, submission)}}}

    return answer


def _retry_submission(request: Request) -> Json:
    parent = request.world.submissions.get(str(request.variables.get("parentSubmissionId")))
    if parent is None:
        raise GraphQLError("Entity not found: Submission")
    again = request.world.create_submission(parent.platform, parent.build_id, parent.config)
    return {"submission": {"retrySubmission": {"submission": shapes.submission(request.world, again)}}}


def _cancel_submission(request: Request) -> Json:
    world = request.world
    submission = world.submissions.get(str(request.variables.get("submissionId")))
    if submission is None:
        raise GraphQLError("Entity not found: Submission")
    if submission.status_at(world.now()) in {"AWAITING_BUILD", "IN_QUEUE", "IN_PROGRESS"}:
        submission.canceled_at = world.now()
    return {"submission": {"cancelSubmission": shapes.submission(world, submission)}}


def _submission_by_id(request: Request) -> Json:
    submission = request.world.submissions.get(str(request.variables.get("submissionId")))
    if submission is None:
        raise GraphQLError("Entity not found: Submission")
    return {"submissions": {"byId": shapes.submission(request.world, submission)}}


def _submissions_of_app(request: Request) -> Json:
    world, variables = request.world, request.variables
    newest = sorted(world.submissions.values(), key=lambda item: item.created, reverse=True)
    found = [
        shape
        for shape in (shapes.submission(world, item) for item in newest)
        if all(shape[field] == variables[field] for field in ("platform", "status") if variables.get(field))
    ]
    return {"app": {"byId": {**shapes.app(), "submissions": _page(found, variables)}}}


OPERATIONS: dict[str, Callable[[Request], Json]] = {
    "CurrentUser": _current_user,
    "CurrentUserWithPrimaryAccount": _current_user,
    "AppByIdQuery": _app_by_id,
    "AppByFullNameQuery": _app_by_full_name,
    "AppEnvironmentVariableEnvironments": _app_by_id,
    "EnvironmentVariablesIncludingSensitiveByAppId": _app_by_id,
    "EnvironmentVariablesByAppId": _app_by_id,
    "AccountUsageForOverageWarning": _account_usage,
    "AppStoreConnectApiKeyById": _app_store_key,
    "StatuspageServiceByServiceNamesQuery": _statuspage,
    "CreateUploadSessionMutation": _upload_session,
    "CreateAndroidBuildMutation": _create_build("ANDROID"),
    "CreateIosBuildMutation": _create_build("IOS"),
    "BuildsByIdQuery": _build_by_id,
    "BuildsWithSubmissionsByIdQuery": _build_by_id,
    "BuildsWithFingerprintByIdQuery": _build_by_id,
    "ViewBuildsOnApp": _builds_of_app,
    "CancelBuildMutation": _cancel_build,
    "LatestAppVersion": _latest_version,
    "CreateAppVersionMutation": _create_version,
    "CommonAndroidAppCredentialsWithBuildCredentialsByApplicationIdentifierQuery": _android_credentials,
    "AppleAppIdentifierByBundleIdQuery": _apple_app_identifier,
    "IosAppBuildCredentialsByAppleAppIdentiferAndDistributionQuery": _ios_credentials,
    "IosAppCredentialsWithBuildCredentialsByAppIdentifierIdQuery": _ios_credentials,
    "CommonIosAppCredentialsWithBuildCredentialsByAppIdentifierIdQuery": _ios_credentials,
    "AppleDistributionCertificateByAppQuery": _ios_credentials,
    "AppleProvisioningProfilesByAppQuery": _ios_credentials,
    "AppleTeamsPaginatedByAccountQuery": _apple_teams,
    "AppleTeamByIdentifierQuery": _apple_teams,
    "CreateAndroidSubmissionMutation": _create_submission("ANDROID"),
    "CreateIosSubmissionMutation": _create_submission("IOS"),
    "RetrySubmissionMutation": _retry_submission,
    "CancelSubmissionMutation": _cancel_submission,
    "SubmissionsByIdQuery": _submission_by_id,
    "SubmissionByIdWithSubmittedBuildQuery": _submission_by_id,
    "GetAllSubmissionsForApp": _submissions_of_app,
}
