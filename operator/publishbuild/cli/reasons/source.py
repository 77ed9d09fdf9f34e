"""What the Expo runner says of the source and of the app's own files."""

from publishbuild.cli.reasons.reason import AGAIN, READ_LOG, SUBMIT_CORRECTED, Reason, Step

_NEW_COMMIT = Step(
    "Commit and push the correction, and submit that commit:",
    "publishbuild submit {where} --credentials {secret} --watch",
)

SOURCE = (
    Reason(
        "SourceNotFound",
        "there is no repository at spec.source.git.url, or it hides from whoever may not read it",
        (
            Step("Try the URL by hand; for a private repository name a Secret in source.git.secretRef (--git-secret)."),
            SUBMIT_CORRECTED,
        ),
    ),
    Reason(
        "SourceMoved",
        "the branch has moved since an earlier attempt began to build, and the commit of that attempt is out of reach",
        (Step("Name the commit in source.git.revision: it is in status.source.commit."), SUBMIT_CORRECTED),
    ),
    Reason(
        "SourceNotFetched",
        "the runner's container has started without the one that fetches the source before it",
        (
            Step(
                "Something has changed the Job's pod template, such as a webhook: initContainers must stay as they are."
            ),
            SUBMIT_CORRECTED,
        ),
    ),
    Reason(
        "SourceRevisionNotFound",
        "the repository has no such branch, tag or commit",
        (Step("Push the commit, or name another revision."), AGAIN, SUBMIT_CORRECTED),
    ),
    Reason(
        "SourcePathNotFound",
        "the repository has no such folder at this revision",
        (Step("Correct spec.source.git.path."), SUBMIT_CORRECTED),
    ),
    Reason(
        "SourceAuthFailed",
        "the git server does not accept the Secret of source.git.secretRef, or there is none",
        (
            Step(
                "Replace the token; it needs the right to read this repository:",
                "kubectl create secret generic {git_secret} {where} --type=kubernetes.io/basic-auth"
                " --from-literal=username=… --from-literal=password=… --dry-run=client -o yaml | kubectl apply -f -",
            ),
            AGAIN,
        ),
    ),
    Reason(
        "SourceSecretIncomplete",
        "the Secret of source.git.secretRef lacks a key",
        (
            Step(
                "Give it username and password, or ssh-privatekey and known_hosts. The keys that it has:",
                "kubectl describe secret {git_secret} {where}",
            ),
            AGAIN,
        ),
    ),
    Reason(
        "SourceHostKeyUnknown",
        "the git server's host key is not in known_hosts of the Secret, and none is trusted at first sight",
        (
            Step("Add what `ssh-keyscan HOST` prints, once you have compared its fingerprint with the published one."),
            AGAIN,
        ),
    ),
    Reason(
        "SourceCertificateInvalid",
        "the git server's TLS certificate is not trusted",
        (Step("Mount its CA and name it in GIT_SSL_CAINFO (spec.runner.env)."), SUBMIT_CORRECTED),
    ),
    Reason(
        "SourceFailed",
        "git failed in a way that is not known",
        (READ_LOG, AGAIN),
        retried=True,
    ),
    Reason(
        "ProgramMissing",
        "the runner's image lacks a program that the app needs",
        (Step("Name an image that has it in spec.runner.image."), SUBMIT_CORRECTED),
    ),
    Reason(
        "InstallFailed",
        "the app's dependencies could not be installed",
        (
            Step("See what the package manager said:", "publishbuild logs {name} {where}"),
            Step("A private registry: grant its token, a variable of runner.env with stages: [dependencies]."),
            _NEW_COMMIT,
        ),
        retried=True,
    ),
    Reason(
        "InvalidConfiguration",
        "eas.json or the app's config is not right; the message says where",
        (_NEW_COMMIT,),
    ),
    Reason(
        "SubmitProfileIncomplete",
        "the submit profile in eas.json lacks what a submission without a terminal needs",
        (
            Step("Add what the message names to eas.json, or build without submitting (--no-submit)."),
            _NEW_COMMIT,
        ),
    ),
    Reason(
        "InvalidSettings",
        "a variable that the runner was given cannot be used",
        (Step("Correct the variable that the message names, in spec.runner.env or the Secret."), SUBMIT_CORRECTED),
    ),
    Reason(
        "InvalidArguments",
        "eas-cli was given an argument that it does not take",
        (Step("Correct the platform or profile that the message names."), SUBMIT_CORRECTED),
    ),
)
