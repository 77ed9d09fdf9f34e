"""The comparison with KEDA: it launches the operator's own Jobs, and the table says medians."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from publishbuild import names
from tests.bench.peers import PeerLaunches, scaled_job, table
from tests.support.kube import Kube


def test_kedas_jobs_are_the_operators() -> None:
    """The spec is the one that the operator sends, and what KEDA copies to each Job are its labels."""
    made = scaled_job(cast("Kube", SimpleNamespace(namespace="bench")), 6379, 500)
    assert made["metadata"]["labels"][names.LABEL_MANAGED_BY] == names.OPERATOR_NAME
    assert "ownerReferences" not in made["metadata"]
    spec = made["spec"]
    assert spec["jobTargetRef"]["podReplacementPolicy"] == "Failed"
    assert spec["jobTargetRef"]["template"]["spec"]["restartPolicy"] == "Never"
    assert (spec["maxReplicaCount"], spec["pollingInterval"]) == (500, 1)


def test_the_table_says_medians_spread_and_ratio() -> None:
    """One slow run changes the spread, not the figure."""
    theirs = [PeerLaunches("v2.21.0", rate, first) for rate, first in ((80, 0.5), (20, 1.5), (100, 0.25))]
    told = table([120, 160, 200], theirs)
    assert "| this operator | 160 | 120 to 200 | - | - |" in told
    assert "| KEDA v2.21.0 ScaledJob | 80 | 20 to 100 | 0.50 s | 0.25 to 1.50 |" in told
    assert "Ratio of the rates: 2.00, 3 runs of each." in told
