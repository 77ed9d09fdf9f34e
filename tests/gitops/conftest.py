"""One operator, and the user that pipelines are, for the examples that are tried at work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.gitops.programs import EXAMPLES
from tests.support.chart import of_kind, rendered
from tests.support.policies import policies_of
from tests.support.rig import Rig

PAIRED = "https://github.com/acme/"


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """A namespace of the kwok cluster with a running operator, and the chart's policy and roles for users."""
    # The operator runs as the admin here, and not as the chart's account.
    with Rig("gitops") as made, policies_of(made.kube, {"runnerPolicy": {"protectJobs": False}}) as policies:
        policies.pair(f"expo {PAIRED}")
        made.operator()
        yield made


@pytest.fixture(scope="session")
def publisher(rig: Rig) -> Path:
    """A kubeconfig of the user that examples/gitops/publisher.yaml makes, whose namespace is the rig's."""
    [submitter] = [role for role in of_kind(rendered(), "ClusterRole") if "submitter" in role["metadata"]["name"]]
    rig.kube.kubectl("apply", "-f", "-", stdin=json.dumps(submitter))
    rig.kube.kubectl("apply", "-f", str(EXAMPLES / "publisher.yaml"))
    token = rig.kube.kubectl("create", "token", "publisher").stdout.strip()
    config = yaml.safe_load(rig.kubeconfig.read_text(encoding="utf-8"))
    config["users"] = [{"name": "publisher", "user": {"token": token}}]
    config["contexts"][0]["context"] |= {"user": "publisher", "namespace": rig.kube.namespace}
    config["current-context"] = config["contexts"][0]["name"]
    file = rig.folder / "publisher.kubeconfig"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return file
