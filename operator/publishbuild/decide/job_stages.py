"""The containers of the Expo runner's pod: one a stage, each with no more credentials than its work needs.

``source`` has git's Secret, and runs nothing of the app. ``dependencies`` runs the install scripts of the app's
dependencies, and has what the spec grants it. It sees a folder of the work volume, in which ``source`` leaves a copy
for it, and neither the clone that is published nor another stage's files. The runner's own container has the
credentials of EAS and of the stores. Any other tool (``command``, ``args``) does its whole work in one container.
"""

from __future__ import annotations

from typing import Any

from publishbuild import names
from publishbuild.models.spec import EnvVar, PublishBuildSpec, Runner

WORKDIR = "/workspace"
SOURCE_SECRET_DIR = "/var/run/publishbuild/source"  # noqa: S105  # a folder, not a secret
TMP = "/tmp"  # noqa: S108  # the pod's own
SOURCE_SECRET_VARIABLE = "PUBLISHBUILD_SOURCE_SECRET_DIR"  # noqa: S105  # as above
PRIVATE_VARIABLE = "PUBLISHBUILD_PRIVATE_DIR"
# What a stage keeps for itself lies where no other stage looks.
PRIVATE = f"{TMP}/publishbuild"
_CALLBACK = "PUBLISHBUILD_CALLBACK_"
# These say what anybody may read who may read the pod.
_NOT_SECRET = frozenset(("configMapKeyRef", "fieldRef", "resourceFieldRef"))

Manifest = dict[str, Any]
Variables = list[dict[str, Any]]


def is_staged(runner: Runner) -> bool:
    """Whether the Expo runner does the work, in stages."""
    return runner.command is None and not runner.args


def stages_of(runner: Runner) -> tuple[str, ...]:
    """The containers of the pod in the order in which they run."""
    return (*names.EARLIER_STAGES, names.RUNNER_CONTAINER) if is_staged(runner) else (names.RUNNER_CONTAINER,)


def stage_variables(spec: PublishBuildSpec, stage: str, ours: list[dict[str, str]]) -> Variables:
    """The variables of one container; the operator's own cannot be replaced, for they say what is built."""
    mine: Variables = [variable for variable in ours if _is_for(spec.runner, stage, variable["name"])]
    if is_staged(spec.runner) and stage != names.DEPENDENCIES_CONTAINER:
        mine.append({"name": PRIVATE_VARIABLE, "value": PRIVATE})
    taken = {variable["name"] for variable in (*ours, *mine)}
    theirs = (one for one in spec.runner.env or () if one.name not in taken and _is_granted(one, stage))
    return [*mine, *({key: value for key, value in one.to_wire().items() if key != "stages"} for one in theirs)]


def stage_mounts(spec: PublishBuildSpec, stage: str) -> list[Manifest]:
    """What one container sees of the pod's volumes."""
    workspace: Manifest = {"name": "workspace", "mountPath": WORKDIR}
    if stage == names.DEPENDENCIES_CONTAINER:
        # The same path as the clone's in the other stages, since install scripts write paths down.
        workspace["subPath"] = names.DEPENDENCIES_CONTAINER
    mounts = [workspace, {"name": _tmp(stage), "mountPath": TMP}]
    if spec.source.git.secret_ref and _has_source_secret(spec.runner, stage):
        mounts.append({"name": "source-secret", "mountPath": SOURCE_SECRET_DIR, "readOnly": True})
    return mounts


def volumes(spec: PublishBuildSpec) -> list[Manifest]:
    """The pod's volumes; each stage has a ``/tmp`` of its own."""
    made: list[Manifest] = [{"name": "workspace", "emptyDir": {}}]
    made += [{"name": _tmp(stage), "emptyDir": {}} for stage in reversed(stages_of(spec.runner))]
    if secret := spec.source.git.secret_ref:
        made.append({"name": "source-secret", "secret": {"secretName": secret.name}})
    return made


def _tmp(stage: str) -> str:
    return "tmp" if stage == names.RUNNER_CONTAINER else f"tmp-{stage}"


def _has_source_secret(runner: Runner, stage: str) -> bool:
    return stage == names.SOURCE_CONTAINER or not is_staged(runner)


def _is_for(runner: Runner, stage: str, variable: str) -> bool:
    if variable == SOURCE_SECRET_VARIABLE:
        return _has_source_secret(runner, stage)
    return stage == names.RUNNER_CONTAINER or not variable.startswith(_CALLBACK)


def _is_granted(variable: EnvVar, stage: str) -> bool:
    if stage == names.RUNNER_CONTAINER or stage in (variable.stages or ()):
        return True
    return variable.value_from is None or _NOT_SECRET.issuperset(variable.value_from)
