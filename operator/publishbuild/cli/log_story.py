"""The logs of a build, attempt after attempt, whether their pods are still to come, there, or gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from publishbuild.cli.output import remark, say
from publishbuild.cli.pod_log import PodLog, Read
from publishbuild.cli.terminal import write
from publishbuild.cli.views.log_lines import AttemptLog, attempt_logs, header, kept_lines, readable
from publishbuild.cli.views.state import state_line
from publishbuild.client import NoClusterError, UnavailableError
from publishbuild.decide.facts import BuildFacts, PodFacts
from publishbuild.names import RUNNER_CONTAINER

if TYPE_CHECKING:
    from publishbuild.client import Client

Object = dict[str, Any]

LOOK_SECONDS = 1.0


@dataclass
class LogStory:
    """Tells each attempt of one build once; ``raw`` tells lines as the pods wrote them."""

    client: Client
    build: Object
    follow: bool = False
    tail: int | None = None
    raw: bool = False
    _told: set[str] = field(default_factory=set)
    _stages_told: set[tuple[str, str]] = field(default_factory=set)
    _why: str = ""

    async def tell(self) -> bool:
        """Tell what there is and, with ``follow``, what comes until the build has ended. False where there is nothing.

        Raises:
            PublishBuildError: where the build is gone, or cannot be read.
        """
        while True:
            facts = BuildFacts.read(self.build)
            is_all = await self._tell_attempts(facts)
            if not self.follow or (facts.status.is_terminal and is_all):
                return bool(self._told or self._stages_told)
            self._say_why()
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _tell_attempts(self, facts: BuildFacts) -> bool:
        """Whether all was told that there is now."""
        try:
            pods = [PodFacts.read(pod) for pod in await self.client.pods.of_build(self.build)]
        except (NoClusterError, UnavailableError) as lost:
            self._pass_over(lost)
            return False
        for attempt in attempt_logs(facts.status, pods):
            if attempt.pod in self._told:
                continue
            # One whose container has not started is looked at again, unless it never will; and it is the last.
            if attempt.waits or not await self._tell_attempt(attempt, facts):
                return facts.status.is_terminal
            self._told.add(attempt.pod)
        return True

    async def _tell_attempt(self, attempt: AttemptLog, facts: BuildFacts) -> bool:
        """Whether all of it is told."""
        if not attempt.is_there:
            self._say_kept(attempt, facts)
            return True
        # Of all stages the last lines are those of the last one.
        wanted = attempt.containers if self.tail is None else attempt.containers[-1:]
        for container in wanted:
            if (attempt.pod, container) not in self._stages_told:
                read = await self._tell_container(attempt, container, facts)
                if read is not Read.WHOLE:
                    return read is not Read.NOT_YET
                self._stages_told.add((attempt.pod, container))
        return attempt.ended

    async def _tell_container(self, attempt: AttemptLog, container: str, facts: BuildFacts) -> Read:
        lines = _Headed(header(attempt, container), self.raw)
        log = PodLog(self.client, facts.namespace, attempt.pod, lines.say, self.follow, self.tail, container)
        read = await log.read()
        if read is Read.GONE:
            self._say_kept(attempt, facts)
        elif read is Read.LOST:
            remark(f"{header(attempt, container)} its log cannot be read: {Read.LOST.value}")
        elif read is Read.WHOLE and container == RUNNER_CONTAINER:
            lines.head()
        return read

    def _say_kept(self, attempt: AttemptLog, facts: BuildFacts) -> None:
        say(header(attempt))
        for line in kept_lines(attempt, facts.status):
            say(line)

    def _say_why(self) -> None:
        """Why there is nothing new, where that is not what was said last."""
        why = state_line(self.build)
        if why != self._why:
            self._why = why
            remark(why)

    async def _look(self) -> None:
        metadata = self.build["metadata"]
        try:
            self.build = await self.client.builds.get(metadata["namespace"], metadata["name"])
        except (NoClusterError, UnavailableError) as lost:
            self._pass_over(lost)

    def _pass_over(self, lost: Exception) -> None:
        """A follower outlives a restart of the API server."""
        if not self.follow:
            raise lost
        if self._why != str(lost):
            self._why = str(lost)
            remark(f"{lost}; trying again")


@dataclass
class _Headed:
    """Says a header before the first line."""

    header: str
    raw: bool
    _is_said: bool = False

    def head(self) -> None:
        """Say the header, unless it was said."""
        if not self._is_said:
            self._is_said = True
            say(self.header)

    def say(self, line: str) -> None:
        """Say a line of the pod."""
        shown = line if self.raw else readable(line)
        if shown is not None:
            self.head()
            write(shown, exact=self.raw)
