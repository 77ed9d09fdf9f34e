"""What the Expo runner says of EAS, of the stores and of itself."""

from publishbuild.cli.reasons.reason import AGAIN, EAS_PAGES, NOTHING, READ_LOG, Reason, Step

_STATUS_PAGE = Step("See whether EAS is up: https://status.expo.dev")
_BY_HAND = "eas build --platform {platform} && eas submit --platform {platform}"

EAS = (
    Reason(
        "InvalidCredentials",
        "EAS does not accept the token, or there is none: EXPO_TOKEN in the Secret of credentialsSecretRef",
        (
            Step(
                "Make an access token (account settings, Access tokens) and put it into the Secret:",
                "kubectl create secret generic {secret} {where} --from-literal=EXPO_TOKEN=… --dry-run=client -o yaml"
                " | kubectl apply -f -",
            ),
            AGAIN,
        ),
    ),
    Reason(
        "PermissionDenied",
        "the token's user may not do this in the project's account",
        (
            Step(
                "Give it a role in the account that owns the project, Developer at least (account settings, Members)."
            ),
            AGAIN,
        ),
    ),
    Reason(
        "InteractiveSetupNeeded",
        "this platform was never built by hand, so EAS has no project or no signing credentials for it",
        (
            Step(
                "Build and submit it once from the app's folder, at a terminal; it asks for what is missing:", _BY_HAND
            ),
            AGAIN,
        ),
    ),
    Reason(
        "BuildErrored",
        "the build failed on EAS",
        (
            EAS_PAGES,
            Step(
                "Commit and push the correction, and submit that commit:",
                "publishbuild submit {where} --credentials {secret} --watch",
            ),
            Step("Where EAS was to blame, build the same again:", "publishbuild retry {name} {where} --watch"),
        ),
    ),
    Reason("BuildCanceled", "somebody cancelled the build on EAS", (Step("Ask who did."), AGAIN)),
    Reason(
        "SubmissionErrored",
        "the app is built, but its submission to the store failed on EAS",
        (Step("Read what EAS says of the submission: {submission_page}"), AGAIN),
    ),
    Reason("SubmissionCanceled", "somebody cancelled the submission on EAS", (Step("Ask who did."), AGAIN)),
    Reason(
        "VersionAlreadyUsed",
        "the store has had this version or build number before",
        (
            Step('Raise it, or let EAS count: "appVersionSource": "remote" and "autoIncrement": true in eas.json.'),
            Step("Commit, push and submit that commit:", "publishbuild submit {where} --credentials {secret} --watch"),
        ),
    ),
    Reason(
        "QuotaExceeded",
        "the plan of the EAS account allows no more builds this month",
        (Step("Wait for the next month, or take a larger plan (https://expo.dev, Billing)."), AGAIN),
    ),
    Reason(
        "TooManyPendingBuilds",
        "the EAS account has too many builds waiting",
        (Step("Cancel some on EAS, or lower how many builds run at once (PUBLISHBUILD_MAX_CONCURRENT)."), AGAIN),
        retried=True,
    ),
    Reason("ServiceUnavailable", "EAS, or a server on the way, could not answer", (_STATUS_PAGE, AGAIN), retried=True),
    Reason(
        "NetworkError",
        "a server could not be reached",
        (
            Step(
                "See whether the cluster's pods may reach the host that the message names (DNS, proxy, NetworkPolicy)."
            ),
            _STATUS_PAGE,
            AGAIN,
        ),
        retried=True,
    ),
    Reason("UploadFailed", "the project could not be uploaded to EAS", (_STATUS_PAGE, AGAIN), retried=True),
    Reason(
        "SubmissionNotListed",
        "EAS took the submission but does not list it",
        (Step("Look for it on EAS: the next attempt does so too and makes no second one."), AGAIN),
        retried=True,
    ),
    Reason(
        "CommandTimeout", "a command of eas-cli or git took too long", (READ_LOG, _STATUS_PAGE, AGAIN), retried=True
    ),
    Reason(
        "Terminated",
        "the pod was told to stop, as when a node is drained; its builds on EAS go on for the next attempt",
        (NOTHING,),
        retried=True,
    ),
    Reason("EasCliFailed", "eas-cli failed in a way that is not known", (READ_LOG, AGAIN), retried=True),
    Reason("RunnerError", "the runner itself failed: a defect of it", (READ_LOG, AGAIN), retried=True),
)
