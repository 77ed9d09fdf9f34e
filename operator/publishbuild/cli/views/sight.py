"""One build with all that can be seen of it, read once, for the views that tell about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from publishbuild.cli.reasons.reason import PLACEHOLDERS
from publishbuild.cli.views.links import is_link
from publishbuild.cli.views.listing import Entry
from publishbuild.decide.attempts import latest
from publishbuild.decide.facts import BuildFacts, PodFacts
from publishbuild.models.status import BuildStatus, Condition, PublishBuildStatus, SubmissionStatus
from publishbuild.names import ConditionType, Phase

Object = dict[str, Any]

# As the Job controller waits before the next pod: doubled each time, up to ten minutes.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sight:
    """A build at the time ``now``.

    ``pods`` are its pods, ``events`` the Events about it and about them, the oldest first; ``entry`` is its place in
    the operator's exact queue. ``where`` are the options that name the cluster, each after a blank.
    """

    facts: BuildFacts
    now: datetime
    pods: tuple[PodFacts, ...] = ()
    events: Sequence[Object] = ()
    entry: Entry | None = None
    where: str = ""

    @classmethod
    def read(
        cls,
        build: Object,
        now: datetime,
        *,
        pods: Sequence[Object] = (),
        events: Sequence[Object] = (),
        entry: Entry | None = None,
        where: str = "",
    ) -> Sight:
        """From the objects as the API server gives them."""
        return cls(BuildFacts.read(build), now, tuple(map(PodFacts.read, pods)), events, entry, where)

    @property
    def name(self) -> str:
        """The build's name."""
        return self.facts.name

    @property
    def status(self) -> PublishBuildStatus:
        """What the operator has written."""
        return self.facts.status

    @property
    def succeeded(self) -> Condition | None:
        """The condition that says how it stands; None before an operator has seen the build."""
        return self.status.condition(ConditionType.SUCCEEDED)

    @property
    def message(self) -> str:
        """The condition's sentence."""
        return self.succeeded.message if self.succeeded else ""

    @property
    def pod(self) -> PodFacts | None:
        """The pod of the newest attempt."""
        return latest(self.pods)

    @property
    def most_attempts(self) -> int | None:
        """How many attempts the spec allows."""
        return self.facts.spec.backoff_limit + 1 if self.facts.spec else None

    @property
    def is_stale(self) -> bool:
        """Whether the operator has not taken in the last change of the spec."""
        seen = self.status.observed_generation
        return seen is not None and seen < self.facts.generation and not self.status.is_terminal

    @property
    def next_attempt(self) -> datetime | None:
        """About when Kubernetes starts the next attempt; None unless it waits to do so."""
        failed = self.status.failed_attempts
        if self.status.phase is not Phase.RETRYING or not failed or failed[-1].finish_time is None:
            return None
        return failed[-1].finish_time + min(FIRST_PAUSE * 2.0 ** (len(failed) - 1), LONGEST_PAUSE)

    def placeholders(self) -> Mapping[str, str]:
        """What the commands of `publishbuild.cli.reasons` are about."""
        spec, status = self.facts.spec, self.status
        pod = (self.pod and self.pod.name) or (status.failure and status.failure.pod)
        given = {
            "name": self.name,
            "namespace": self.facts.namespace,
            "where": f"-n {shlex.quote(self.facts.namespace)}{self.where}",
            "pod": pod,
            "job": status.job.name if status.job else None,
            "build_page": _page(build.logs_url for build in _worst_first(status.builds)),
            "submission_page": _page(one.url for one in _worst_first(status.submissions)),
        }
        if spec is not None:
            credentials, git = spec.credentials_secret_ref, spec.source.git.secret_ref
            given |= {
                "secret": credentials.name if credentials else None,
                "git_secret": git.name if git else None,
                "key": spec.concurrency_key,
                "platform": spec.platform,
            }
        return {**PLACEHOLDERS, **{key: value for key, value in given.items() if value}}


Remote = TypeVar("Remote", BuildStatus, SubmissionStatus)


def _worst_first(remote: Sequence[Remote]) -> Sequence[Remote]:
    return sorted(remote, key=lambda one: one.status != "ERRORED")


def _page(urls: Iterable[str | None]) -> str | None:
    """The first page that a person may be sent to."""
    return next((url for url in urls if url and is_link(url)), None)
