"""Which namespaces are paused: an annotation on a Namespace, or on the operator's own for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from publishbuild.names import ANNOTATION_PAUSED

Object = dict[str, Any]


class Pauses:
    """The paused namespaces as last seen; calls ``changed`` when one begins or ends.

    ``own_namespace`` is the operator's: paused there is paused everywhere.
    """

    def __init__(self, own_namespace: str, changed: Callable[[], None]) -> None:
        self._own = own_namespace
        self._changed = changed
        self._paused: set[str] = set()
        # An answer that was on its way for long must not undo a newer one.
        self._versions: dict[str, int] = {}

    def apply(self, namespace: Object, *, deleted: bool = False) -> None:
        """Take in one Namespace, or its deletion."""
        name, version = namespace["metadata"]["name"], int(namespace["metadata"]["resourceVersion"])
        if version < self._versions.get(name, 0):
            return
        self._versions[name] = version
        paused = not deleted and _is_paused(namespace)
        if deleted:
            del self._versions[name]
        if paused is not (name in self._paused):
            (self._paused.add if paused else self._paused.discard)(name)
            self._changed()

    def replace(self, namespaces: Iterable[Object]) -> None:
        """Take in a list of all that matter: one that is not in it is gone."""
        listed = {namespace["metadata"]["name"]: namespace for namespace in namespaces}
        for namespace in listed.values():
            self.apply(namespace)
        self._versions = {name: version for name, version in self._versions.items() if name in listed}
        if self._paused - listed.keys():
            self._paused &= listed.keys()
            self._changed()

    def paused_by(self, namespace: str) -> str | None:
        """The namespace whose annotation pauses ``namespace``: itself or the operator's own; None for neither."""
        return next((name for name in (namespace, self._own) if name in self._paused), None)


def _is_paused(namespace: Object) -> bool:
    value = (namespace["metadata"].get("annotations") or {}).get(ANNOTATION_PAUSED, "")
    return str(value).strip().lower() == "true"
