"""One PublishBuild for each state, as a real operator and API server left it, without what differs from run to run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.kube import Object

STATUSES = Path(__file__).parent / "statuses"
_UID = "00000000-0000-4000-8000-000000000000"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_POD = re.compile(rf"(pb-[a-z0-9-]+-{_UID[:8]})-[a-z0-9]{{5}}\b")


def neutral(build: Object) -> Object:
    """The build with fixed uids, times, pods and namespace, and without the API server's bookkeeping."""
    metadata = dict(build["metadata"])
    namespace, uid = metadata["namespace"], metadata["uid"]
    for name in ("managedFields", "resourceVersion", "annotations"):
        metadata.pop(name, None)
    text = json.dumps({**build, "metadata": metadata})
    job_uid = build.get("status", {}).get("job", {}).get("uid", uid)
    for old, new in ((job_uid, _UID), (uid, _UID), (uid[:8], _UID[:8]), (namespace, "mobile")):
        text = text.replace(old, new)
    made: Object = json.loads(_POD.sub(r"\1-abcde", _TIME.sub("2026-01-01T00:00:00Z", text)))
    return made


def write(recorded: dict[str, Object]) -> None:
    """Put the recordings in place of those that were there."""
    STATUSES.mkdir(exist_ok=True)
    for old in STATUSES.glob("*.json"):
        old.unlink()
    for state, build in recorded.items():
        text = json.dumps(build, indent=2, sort_keys=True)
        (STATUSES / f"{state}.json").write_text(f"{text}\n", encoding="utf-8")


def read() -> dict[str, Object]:
    """The recordings that are checked in, by state."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(STATUSES.glob("*.json"))}


def shape(build: Object) -> dict[str, Any]:
    """What tools read of a status: its conditions without their words and times, and which generation it speaks of."""
    status = build.get("status", {})
    return {
        "phase": status.get("phase"),
        "generations": (build["metadata"]["generation"], status.get("observedGeneration")),
        "conditions": {
            found["type"]: (found["status"], found["reason"], found["observedGeneration"])
            for found in status.get("conditions", ())
        },
    }
