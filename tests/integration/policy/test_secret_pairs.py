"""Pairs of Secret and repository on a real API server: which spellings of an address open one, and which do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.policy.conftest import Stage
from tests.support.kube import Object, own_namespace
from tests.support.policies import build_of, policies_of
from tests.support.waiting import until

pytestmark = pytest.mark.integration

GOOD = [
    "https://github.com/acme/app.git",
    "https://github.com/acme/group/.github",
    "https://github.com/acme/app/",
    "https://git.example:8443/team/app.git",
]
BAD = [
    "https://github.com/mallory/app.git",
    "https://evil.example/acme/app.git",
    "https://github.com.evil.example/acme/app.git",
    "https://github.com/acme.evil/app.git",
    "https://github.com/acme-evil/app.git",
    "https://github.com/acme",
    "https://github.com/acme/../mallory/app.git",
    "https://github.com/acme/..",
    "https://github.com/acme/./../mallory/app.git",
    "https://github.com/acme/.",
    "https://github.com/acme//../mallory/app.git",
    "https://github.com//acme/app.git",
    "https://github.com/mallory/..//acme/app.git",
    "https://github.com/acme/%2e%2e/mallory/app.git",
    "https://github.com/acme/%2E%2E%2Fmallory/app.git",
    "https://github.com/acme/..%2fmallory/app.git",
    "https://github.com/acme/..%5cmallory/app.git",
    "https://github.com/acme/..\\mallory/app.git",
    "https://github.com/acme/..;/mallory/app.git",
    "https://github.com/acme/app?x=/../mallory",
    "https://github.com/acme/app.git#x",
    "https://github.com/%61cme/app.git",
    "https://github.com/acme%2fapp.git",
    "https://github.com/Acme/app.git",
    "https://GitHub.com/acme/app.git",
    "https://github.com:443/acme/app.git",
    "https://github.com:8443/acme/app.git",
    "https://github.com./acme/app.git",
    "https://git.example/team/app.git",
    "https://git.example:84430/team/app.git",
    "https://github.com%2facme/app.git",
    "https://github.com/acme/app\u00a0.git",
    "https://github.com/acme/\u2025/app.git",
    "ssh://github.com/acme/app.git",
    "ssh://git@github.com/acme/app.git",
    "file:///srv/app.git",
    "https://github.com",
    "https://x/",
]


@pytest.mark.parametrize("url", GOOD)
@pytest.mark.parametrize("field", ["credentialsSecretRef", "secretRef"])
def test_a_paired_repository_gets_its_secret(stage: Stage, url: str, field: str) -> None:
    """A listed repository, and all below a listed prefix, may use the Secret that stands beside it."""
    assert stage.submitter.refusal(with_secret(field, "expo", url)) == ""


@pytest.mark.parametrize("url", BAD)
@pytest.mark.parametrize("field", ["credentialsSecretRef", "secretRef"])
def test_no_other_repository_gets_a_secret(stage: Stage, url: str, field: str) -> None:
    """One's own repository or host, and what only looks like a listed place, is refused with what is allowed."""
    said = stage.submitter.refusal(with_secret(field, "expo", url))
    where = "spec.credentialsSecretRef.name" if field == "credentialsSecretRef" else "spec.source.git.secretRef.name"
    assert f"{where}: expo may not be used with this source.git.url by {stage.submitter.username}" in said
    assert "annotation publishbuild.dev/secrets of the Namespace" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com@evil.example/acme/app.git",
        "https://github.com\\@evil.example/acme/app.git",
        "https://github.com:x@evil.example/acme/app.git",
        "HTTPS://github.com/acme/app.git",
        "https://github.com/acme/app.git ",
        " https://github.com/acme/app.git",
        "https://github.com/acme/app.git\n",
        "https://github.com/acme/\tapp.git",
        "http://github.com/acme/app.git",
        "git://github.com/acme/app.git",
        "",
    ],
)
def test_no_url_of_another_form_gets_that_far(stage: Stage, url: str) -> None:
    """Userinfo, spaces and other schemes are refused for everybody by the resource itself."""
    assert "spec.source.git.url" in stage.submitter.refusal(with_secret("credentialsSecretRef", "expo", url))
    assert "spec.source.git.url" in stage.developer.refusal(with_secret("credentialsSecretRef", "expo", url))


@pytest.mark.parametrize(
    ("secret", "url", "allowed"),
    [
        ("git", "ssh://git@github.com/acme/app.git", True),
        ("git", "ssh://mallory@github.com/acme/app.git", False),
        ("git", "ssh://git@github.com:22/acme/app.git", False),
        ("git", "https://github.com/acme/app.git", False),
        ("one", "https://github.com/acme/one.git", True),
        ("one", "https://github.com/acme/one.git/", False),
        ("one", "https://github.com/acme/one", False),
        ("one", "https://github.com/acme/one.git.evil", False),
        ("exp", "https://github.com/acme/app.git", False),
        ("expo2", "https://github.com/acme/app.git", False),
        ("loose", "https://github.com/acme/app.git", False),
        ("loose", "https://evil.example/x", False),
        ("loose", "file:///srv/app.git", False),
        ("not", "https://github.com/acme/app.git", False),
    ],
)
def test_a_line_is_one_secret_and_one_place(stage: Stage, secret: str, url: str, allowed: bool) -> None:
    """A Secret's own lines count alone, whole names and users, and a line that is no pair admits nothing."""
    said = stage.submitter.refusal(with_secret("secretRef", secret, url))
    assert (said == "") is allowed


def test_both_secrets_must_be_paired(stage: Stage) -> None:
    """A listed Secret for git does not bring in another one for the build, nor the other way round."""
    both: Object = with_secret("secretRef", "expo", GOOD[0])
    both["spec"]["credentialsSecretRef"] = {"name": "stores"}
    assert "spec.credentialsSecretRef.name: stores" in stage.submitter.refusal(both)
    both["spec"]["source"]["git"]["secretRef"] = {"name": "stores"}
    both["spec"]["credentialsSecretRef"] = {"name": "expo"}
    assert "spec.source.git.secretRef.name: stores" in stage.submitter.refusal(both)


def test_without_an_annotation_no_secret_is_paired(kubeconfig: Path) -> None:
    """In a namespace without pairs a submitter gets no Secret; an annotation beyond its bound counts for nothing."""
    with own_namespace(kubeconfig) as kube, policies_of(kube) as policies:
        submitter = policies.account("submitter", role=policies.submitter_role)
        submitter.wait_rights()
        asks = build_of(credentialsSecretRef={"name": "expo"})
        assert "may not be used" in submitter.refusal(asks)
        full = "".join(f"secret-{n} https://github.com/acme-{n}/{'x' * 20}/\n" for n in range(300))
        policies.pair(full[: 16_384 - len("\nexpo https://github.com/acme/")] + "\nexpo https://github.com/acme/")
        until(lambda: not submitter.refusal(asks), seconds=30, what="the longest annotation is read")
        policies.pair(full + "expo https://github.com/acme/\n")
        said = until(lambda: submitter.refusal(asks), seconds=30, what="a longer one is not")
        assert "longer than 16384 characters" in said


def with_secret(field: str, secret: str, url: str) -> Object:
    """A build of ``url`` that names a Secret, for git or for the build."""
    made = build_of(url=url)
    if field == "secretRef":
        made["spec"]["source"]["git"]["secretRef"] = {"name": secret}
    else:
        made["spec"][field] = {"name": secret}
    return made
