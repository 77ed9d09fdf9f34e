"""Creates a build's one Job, and finds it again where nobody knows whether it was created."""

from __future__ import annotations

from datetime import timedelta

from publishbuild.cluster import api
from publishbuild.cluster.api import ApiError
from publishbuild.cluster.objects import JOBS, PODS, Cluster
from publishbuild.cluster.store import Store
from publishbuild.decide.facts import BuildFacts, Facts, LaunchTrouble
from publishbuild.decide.job_outcome import pods_missing
from publishbuild.names import LABEL_UID, job_name

LAUNCH_RETRY_SECONDS = 30.0
# The API server has read the Job and will not take it, now or later.
_FINAL = (api.INVALID, api.BAD_REQUEST, api.TOO_LARGE)
# It will not take it now: a quota, a policy or a missing service account, which somebody may mend.
_REFUSED = (api.FORBIDDEN, api.NOT_FOUND)


class Launching:
    """What is known of launches that were refused, or whose answer was lost. All methods raise `ApiError`."""

    def __init__(self, cluster: Cluster, store: Store) -> None:
        self._cluster = cluster
        self._store = store
        self._troubles: dict[str, LaunchTrouble] = {}
        # Builds whose Job was asked for without an answer: it may exist, though no watch has shown it yet.
        self._unsure: set[str] = set()

    def trouble(self, uid: str) -> LaunchTrouble | None:
        """Why the API server refused the build's Job, None where it did not."""
        return self._troubles.get(uid)

    def forget(self, uid: str) -> None:
        """The build has ended or is gone."""
        self._troubles.pop(uid, None)
        self._unsure.discard(uid)

    async def verify(self, build: BuildFacts) -> None:
        """Before a verdict that cannot be taken back, ask the API server for what the store lacks."""
        job = self._store.job(build.uid)
        if job is None and (build.status.job is not None or build.uid in self._unsure):
            found = await self._cluster.get_job(build.namespace, job_name(build.name, build.uid))
            self._unsure.discard(build.uid)
            if found is not None:
                self._store.apply(JOBS, found)
        elif job is not None and pods_missing(job, self._store.pods(build.uid)):
            for pod in await self._cluster.pods_of(build.namespace, build.uid):
                self._store.apply(PODS, pod)

    async def launch(self, facts: Facts, manifest: api.Object) -> bool:
        """Create the Job. One of its name that belongs to this build is as good; a refusal becomes a Fact.

        True where it was refused, and another look is due. Where it was not, the new Job rings the bell: the look that
        reports it stands behind those that launch others.
        """
        build = facts.build
        try:
            job: api.Object | None = await self._cluster.create_job(build.namespace, manifest)
        except ApiError as error:
            if error.status == api.CONFLICT:
                job = await self._cluster.get_job(build.namespace, job_name(build.name, build.uid))
            elif error.status in (*_FINAL, *_REFUSED):
                retry_at = facts.now + timedelta(seconds=LAUNCH_RETRY_SECONDS)
                self._troubles[build.uid] = LaunchTrouble(error.message, error.status in _FINAL, retry_at)
                return True
            else:
                self._unsure.add(build.uid)
                raise
        if job is None:
            raise ApiError(0, "JobVanished", "the Job was there and is gone: looks again")
        if (job["metadata"].get("labels") or {}).get(LABEL_UID) != build.uid:
            message = f"a Job named {job['metadata']['name']} exists and is not this build's"
            self._troubles[build.uid] = LaunchTrouble(message, final=True, retry_at=facts.now)
            return True
        self._troubles.pop(build.uid, None)
        self._store.apply(JOBS, job)
        return False
