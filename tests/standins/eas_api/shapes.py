"""The stand-in's objects in the shapes that ``eas-cli`` reads: more fields than any one operation asks for."""

from __future__ import annotations

from typing import Any

from tests.standins.eas_api.credentials import PASSWORD, TEAM, SigningCredentials
from tests.standins.eas_api.world import ACCOUNT, SLUG, Build, Submission, World

PROJECT = "00000000-0000-4000-8000-00000000e0a5"
ACCOUNT_ID = "00000000-0000-4000-8000-0000000000aa"
USER_ID = "00000000-0000-4000-8000-0000000000ab"
SINCE = "2024-01-01T00:00:00.000Z"
UNTIL = "2034-01-01T00:00:00.000Z"

Json = dict[str, Any]


def account() -> Json:
    return {
        "__typename": "Account",
        "id": ACCOUNT_ID,
        "name": ACCOUNT,
        "ownerUserActor": {"__typename": "User", "id": USER_ID, "username": ACCOUNT},
        "viewerUserPermission": {"__typename": "UserPermission", "role": "OWNER"},
    }


def actor() -> Json:
    return {
        "__typename": "Robot",
        "id": USER_ID,
        "firstName": "stand-in robot",
        "displayName": "stand-in robot (robot)",
        "accounts": [account()],
        "featureGates": {},
        "isExpoAdmin": False,
    }


def app(project: str = PROJECT) -> Json:
    """The one project there is; it takes whatever id the app's config carries."""
    return {
        "__typename": "App",
        "id": project,
        "name": "Publishbuild example",
        "fullName": f"@{ACCOUNT}/{SLUG}",
        "slug": SLUG,
        "ownerAccount": account(),
        "githubRepository": None,
        "profileImageUrl": None,
        "environmentVariableEnvironments": [],
        "environmentVariablesIncludingSensitive": [],
        "environmentVariables": [],
    }


def build(world: World, item: Build) -> Json:
    """A build as EAS shows it now."""
    now = world.now()
    status = item.status_at(now)
    done = status in {"FINISHED", "ERRORED", "CANCELED"}
    stages = item.stages
    extension = "ipa" if item.platform == "IOS" else "aab"
    archive = f"{world.base_url}/artifacts/{item.id}.{extension}" if status == "FINISHED" else None
    return {
        "__typename": "Build",
        "id": item.id,
        "status": status,
        "platform": item.platform,
        "error": _build_error() if status == "ERRORED" else None,
        "artifacts": {
            "__typename": "BuildArtifacts",
            "buildUrl": archive,
            "applicationArchiveUrl": archive,
            "xcodeBuildLogsUrl": None,
            "buildArtifactsUrl": None,
        },
        "fingerprint": None,
        "initiatingActor": actor(),
        "logFiles": [f"{world.base_url}/logs/{item.id}.txt"] if status not in {"NEW", "IN_QUEUE"} else [],
        "app": app(),
        "updateChannel": None,
        "distribution": item.metadata.get("distribution") or "STORE",
        "iosEnterpriseProvisioning": None,
        "buildProfile": item.profile,
        "appIdentifier": item.metadata.get("appIdentifier"),
        "sdkVersion": item.metadata.get("sdkVersion"),
        "appVersion": item.metadata.get("appVersion"),
        "appBuildVersion": item.app_build_version or item.metadata.get("appBuildVersion"),
        "runtime": None,
        "gitCommitHash": item.metadata.get("gitCommitHash"),
        "gitCommitMessage": item.metadata.get("gitCommitMessage"),
        "initialQueuePosition": 1,
        "queuePosition": 1 if status == "IN_QUEUE" else None,
        "estimatedWaitTimeLeftSeconds": int(stages.in_queue) if status == "IN_QUEUE" else None,
        "priority": "NORMAL",
        "createdAt": world.iso(item.created),
        "updatedAt": world.iso(now),
        "message": item.message,
        "completedAt": world.iso(now) if done else None,
        "expirationDate": UNTIL,
        "isForIosSimulator": False,
        "metrics": None,
    }


def _build_error() -> Json:
    return {
        "__typename": "BuildError",
        "errorCode": "EAS_BUILD_UNKNOWN_GRADLE_ERROR",
        "message": "Gradle build failed with unknown error (the stand-in was told to fail).",
        "docsUrl": None,
    }


def submission(world: World, item: Submission) -> Json:
    """A submission as EAS shows it now, with the build that it submits."""
    now = world.now()
    status = item.status_at(now)
    errored = status == "ERRORED"
    submitted = world.builds.get(item.build_id or "")
    done = status in {"FINISHED", "ERRORED", "CANCELED"}
    told = item.error or {}
    error = {"errorCode": told.get("errorCode"), "message": told.get("message")}
    return {
        "__typename": "Submission",
        "id": item.id,
        "status": status,
        "platform": item.platform,
        "app": app(),
        "androidConfig": None
        if item.platform == "IOS"
        else {"track": "INTERNAL", "releaseStatus": None, "rollout": None},
        "iosConfig": (
            {"ascAppIdentifier": str(item.config.get("ascAppIdentifier")), "appleIdUsername": None}
            if item.platform == "IOS"
            else None
        ),
        "error": {"__typename": "SubmissionError", **error} if errored else None,
        "logFiles": [],
        "createdAt": world.iso(item.created),
        "completedAt": world.iso(now) if done else None,
        "canRetry": errored and bool(told.get("canRetry")),
        "maxRetryTimeMinutes": 60,
        "submittedBuild": build(world, submitted) if submitted else None,
    }


def apple_team() -> Json:
    return {
        "__typename": "AppleTeam",
        "id": "team",
        "appleTeamIdentifier": TEAM,
        "appleTeamName": "Stand-in",
        "account": account(),
    }


def apple_app_identifier(bundle: str) -> Json:
    return {
        "__typename": "AppleAppIdentifier",
        "id": f"identifier:{bundle}",
        "bundleIdentifier": bundle,
        "appleTeam": apple_team(),
    }


def distribution_certificate(signing: SigningCredentials) -> Json:
    return {
        "__typename": "AppleDistributionCertificate",
        "id": "certificate",
        "certificateP12": signing.p12_base64(),
        "certificatePassword": PASSWORD,
        "serialNumber": "1",
        "developerPortalIdentifier": None,
        "validityNotBefore": SINCE,
        "validityNotAfter": UNTIL,
        "updatedAt": SINCE,
        "appleTeam": apple_team(),
        "iosAppBuildCredentialsList": [],
    }


def provisioning_profile(signing: SigningCredentials, bundle: str) -> Json:
    return {
        "__typename": "AppleProvisioningProfile",
        "id": "profile",
        "expiration": UNTIL,
        "developerPortalIdentifier": None,
        "provisioningProfile": signing.profile_base64(bundle),
        "updatedAt": SINCE,
        "status": "active",
        "appleTeam": apple_team(),
        "appleDevices": [],
        "appleAppIdentifier": apple_app_identifier(bundle),
    }


def ios_credentials(signing: SigningCredentials, bundle: str) -> Json:
    """What lies on EAS for the iOS app: certificate, profile and the App Store Connect key."""
    return {
        "__typename": "IosAppCredentials",
        "id": "ios-credentials",
        "app": app(),
        "appleTeam": apple_team(),
        "appleAppIdentifier": apple_app_identifier(bundle),
        "pushKey": None,
        "appStoreConnectApiKeyForSubmissions": {
            "__typename": "AppStoreConnectApiKey",
            "id": "00000000-0000-4000-8000-0000000000c1",
            "appleTeam": apple_team(),
            "issuerIdentifier": "00000000-0000-4000-8000-0000000000c2",
            "keyIdentifier": "STANDINKEY",
            "name": "stand-in key",
            "roles": ["APP_MANAGER"],
            "createdAt": SINCE,
            "updatedAt": SINCE,
        },
        "iosAppBuildCredentialsList": [
            {
                "__typename": "IosAppBuildCredentials",
                "id": "ios-build-credentials",
                "iosDistributionType": "APP_STORE",
                "distributionCertificate": distribution_certificate(signing),
                "provisioningProfile": provisioning_profile(signing, bundle),
            }
        ],
    }


def android_credentials(package: str) -> Json:
    """What lies on EAS for the Android app: a keystore and the Google service account key."""
    key = {
        "__typename": "GoogleServiceAccountKey",
        "id": "00000000-0000-4000-8000-0000000000d1",
        "projectIdentifier": "stand-in",
        "privateKeyIdentifier": "stand-in",
        "clientEmail": "stand-in@example.invalid",
        "clientIdentifier": "1",
        "createdAt": SINCE,
        "updatedAt": SINCE,
    }
    keystore = {
        "__typename": "AndroidKeystore",
        "id": "keystore",
        "type": "JKS",
        "keystore": "c3RhbmQtaW4=",
        "keystorePassword": PASSWORD,
        "keyAlias": "stand-in",
        "keyPassword": PASSWORD,
        "md5CertificateFingerprint": None,
        "sha1CertificateFingerprint": None,
        "sha256CertificateFingerprint": None,
        "createdAt": SINCE,
        "updatedAt": SINCE,
    }
    return {
        "__typename": "AndroidAppCredentials",
        "id": "android-credentials",
        "applicationIdentifier": package,
        "isLegacy": False,
        "app": app(),
        "androidFcm": None,
        "googleServiceAccountKeyForFcmV1": None,
        "googleServiceAccountKeyForSubmissions": key,
        "androidAppBuildCredentialsList": [
            {
                "__typename": "AndroidAppBuildCredentials",
                "id": "android-build-credentials",
                "isDefault": True,
                "isLegacy": False,
                "name": "default",
                "androidKeystore": keystore,
            }
        ],
    }
