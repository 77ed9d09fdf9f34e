"""Why something did not start: the Warnings and waiting pods of a namespace, which helm and kubectl do not pass on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from hack.demo.kubectl import Kubectl, KubectlError, Object

_EVENTS, _LINE_CHARACTERS = 8, 400
_USUAL = {"ContainerCreating", "PodInitializing"}
_LOOK_SECONDS = 15.0


def troubles(kubectl: Kubectl) -> list[str]:
    """A line for each pod that waits and each newer Warning, the newest last; none where no answer comes."""
    try:
        pods = kubectl("get", "pods", "-o", "json", seconds=_LOOK_SECONDS)
        events = kubectl("get", "events", "--field-selector", "type=Warning", "-o", "json", seconds=_LOOK_SECONDS)
    except KubectlError:
        return []
    return lines(json.loads(pods)["items"], json.loads(events)["items"])


def command(kubectl: Kubectl) -> str:
    """What shows the same to whoever wants to look again."""
    where = ["--context", kubectl.context] if kubectl.context else ["--kubeconfig", str(kubectl.kubeconfig)]
    return shlex.join(["kubectl", "get", "events", "-n", kubectl.namespace, "--field-selector=type=Warning", *where])


def lines(pods: Sequence[Object], events: Sequence[Object]) -> list[str]:
    """As `troubles`, of what was read; each object's reason once, as one line without control characters."""
    found = [line for pod in pods for line in _waiting(pod)]
    told: dict[str, str] = {}
    for event in sorted(events, key=_last_seen):
        about = event.get("involvedObject", {})
        # The messages of one reason differ in the names of pods that were tried; the newest tells it.
        title = f"{about.get('kind', '')}/{about.get('name', '')}: {event.get('reason', '')}"
        told.pop(title, None)
        told[title] = f"{title}: {event.get('message', '')}"
    return [_clean(line) for line in (*dict.fromkeys(found), *list(told.values())[-_EVENTS:])]


def _waiting(pod: Object) -> list[str]:
    name, status = f"Pod/{pod['metadata']['name']}", pod.get("status", {})
    found = [
        f"{name}: {condition.get('reason')}: {condition.get('message', '')}"
        for condition in status.get("conditions") or ()
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False"
    ]
    for key in ("initContainerStatuses", "containerStatuses"):
        states = [one.get("state", {}).get("waiting") or {} for one in status.get(key) or ()]
        found += [
            f"{name}: {state['reason']}: {state.get('message', '')}"
            for state in states
            if state.get("reason") and state["reason"] not in _USUAL
        ]
    return found


def _last_seen(event: Object) -> str:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((time for time in times if time), event.get("metadata", {}).get("creationTimestamp") or "")


def _clean(line: str) -> str:
    text = "".join(character if character.isprintable() else " " for character in line[:_LINE_CHARACTERS])
    return text.rstrip(": ")
