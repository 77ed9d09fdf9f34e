"""A namespace with the chart's default policies, and accounts of few rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from publishbuild import names
from tests.support.kube import own_namespace
from tests.support.policies import Account, Policies, build_of, policies_of
from tests.support.waiting import until

BUILDS = (names.GROUP, names.PLURAL, ("get", "list", "watch", "create", "patch"))
LINES = [
    "expo https://github.com/acme/",
    "  expo\t https://git.example:8443/team/  \r",
    "git ssh://git@github.com/acme/",
    "one https://github.com/acme/one.git",
    "",
    "# not a pair",
    "loose https://",
    "loose https:///",
    "loose file:///srv/",
    "loose https://github.com",
]


@dataclass(frozen=True)
class Stage:
    """A namespace with the chart's default policies."""

    policies: Policies
    submitter: Account
    developer: Account


@pytest.fixture(scope="session")
def stage(kubeconfig: Path) -> Iterator[Stage]:
    """One account has the chart's role publishbuild-submitter, the other one may create Jobs too."""
    with own_namespace(kubeconfig) as kube, policies_of(kube) as policies:
        policies.pair("\n".join(LINES))
        submitter = policies.account("submitter", role=policies.submitter_role)
        developer = policies.account("developer", BUILDS, ("batch", "jobs", ("create",)))
        submitter.wait_rights()
        developer.wait_rights()
        paired = build_of(credentialsSecretRef={"name": "expo"})
        until(lambda: not submitter.refusal(paired), seconds=30, what="the policy sees the annotation")
        yield Stage(policies, submitter, developer)
