"""Names that others depend on."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild import names
from publishbuild.names import job_name

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", fullmatch=True)


@given(labels, st.uuids())
def test_a_job_name_is_a_dns_label(build: str, uid: object) -> None:
    """Whatever good name a build has, its Job's name fits a label value and a host name."""
    name = job_name(build, str(uid))
    assert DNS_LABEL.fullmatch(name)
    assert len(name) <= 62


@given(labels, labels, st.uuids())
def test_another_build_has_another_job(one: str, other: str, uid: object) -> None:
    """Builds of different names never share a Job's name, and one build always gives the same."""
    assert (job_name(one, str(uid)) == job_name(other, str(uid))) is (one == other)


def test_the_contracts_example() -> None:
    """The name is pb, the build's name and 8 hex digits of its uid."""
    assert job_name("app-1", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9") == "pb-app-1-0a1b2c3d"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param(names.API_VERSION, "publishbuild.dev/v1alpha1", id="apiVersion"),
        pytest.param(names.LABEL_MANAGED_BY, "app.kubernetes.io/managed-by", id="managed-by"),
        pytest.param(names.LABEL_BUILD, "publishbuild.dev/build", id="build label"),
        pytest.param(names.LABEL_UID, "publishbuild.dev/uid", id="uid label"),
        pytest.param(names.ANNOTATION_PAUSED, "publishbuild.dev/paused", id="pause annotation"),
        pytest.param(
            names.JOB_SELECTOR, "app.kubernetes.io/managed-by=publishbuild-operator", id="selector of Jobs and pods"
        ),
    ],
)
def test_words_of_the_contract(word: str, expected: str) -> None:
    """Manifests, scripts and dashboards depend on these."""
    assert word == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            names.Phase,
            "Queued Suspended Running Retrying Cancelling Succeeded Failed Cancelled",
            id="phases",
        ),
        pytest.param(
            names.QueueReason,
            "Suspended QueuePaused RedisUnavailable ConcurrencyKeyBusy NamespaceLimit GlobalLimit Waiting",
            id="queue reasons, in their order",
        ),
        pytest.param(
            names.EventReason, "Queued Started AttemptFailed Succeeded Failed Cancelled Requeued", id="events"
        ),
    ],
)
def test_enumerations_of_the_contract(words: type[names.Phase], expected: str) -> None:
    """No word was added, renamed or dropped unnoticed."""
    assert " ".join(words) == expected
