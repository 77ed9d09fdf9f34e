"""A kubeconfig as kubectl reads it, where the library reads it otherwise: whom its user acts as, its login program."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from kubernetes.aio.config.dateutil import parse_rfc3339
from kubernetes.aio.config.kube_config import (
    KUBE_CONFIG_DEFAULT_LOCATION,
    FileOrData,
    KubeConfigLoader,
    KubeConfigMerger,
)

from publishbuild.cluster.api import ApiError
from publishbuild.cluster.login_program import NO_CREDENTIALS, LoginProgram

Header = tuple[str, str]

_RENEW_BEFORE = timedelta(minutes=5)
# What a header's name may hold beside letters and digits (RFC 9110), but the sign that escapes the rest.
_SAFE_IN_NAMES = "!#$&'*+-.^_`|~"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Kubeconfig(KubeConfigLoader):
    """One context of a kubeconfig."""

    expires: datetime | None = None
    """When what the login program gave ends, None for never."""

    @classmethod
    def read(cls, files: str | None, context: str | None) -> Kubeconfig:
        """``files`` as KUBECONFIG names them (None is the library's default), and ``context``, else its current one."""
        merged = KubeConfigMerger(files or KUBE_CONFIG_DEFAULT_LOCATION)  # type: ignore[no-untyped-call]
        return cls(config_dict=merged.config, active_context=context, config_base_path=None)

    @property
    def impersonation(self) -> list[Header]:
        """The headers that say whom the user acts as.

        Raises:
            ApiError: what the file says there cannot be sent.
        """
        return impersonation(self._user.value) if self._user is not None else []

    async def load_from_exec_plugin(self) -> bool:
        """Ask the user's login program, unless what it gave before still holds.

        The library would log its failure and go on as nobody.

        Raises:
            ApiError: it cannot be run, failed, or gave no credentials; or did so once what it gave before had ended.
        """
        now = datetime.now(UTC)
        if self.expires and now < self.expires - _RENEW_BEFORE:
            return True
        user: Any = self._user
        context: Any = self._current_context
        folder = self._get_base_path(user.path)  # type: ignore[no-untyped-call]
        program = LoginProgram(user["exec"].value, context["context"]["user"], folder)
        try:
            status = await program.run()
        except ApiError:
            if self.expires and now < self.expires:
                return True
            raise
        self._take(status)
        return True

    def _take(self, status: Mapping[str, Any]) -> None:
        if "token" in status:
            self.token = f"Bearer {status['token']}"
        else:
            self.cert_file, self.key_file = (
                FileOrData(status, None, data_key_name=key, base64_file_content=False).as_file()  # type: ignore[no-untyped-call]
                for key in ("clientCertificateData", "clientKeyData")
            )
        ends = status.get("expirationTimestamp")
        self.expires = parse_rfc3339(ends) if ends else None  # type: ignore[no-untyped-call]


def impersonation(user: Mapping[str, Any]) -> list[Header]:
    """``as``, ``as-uid``, ``as-groups`` and ``as-user-extra`` of a kubeconfig's user, as headers of each request.

    Raises:
        ApiError: a value is no text, or somebody's groups are given without a name: the user's own would be taken.
    """
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    if not isinstance(groups, list) or not isinstance(extra, dict):
        raise _refused("as-groups is a list of texts, as-user-extra maps each key to one")
    found: list[tuple[str, str, Any]] = [("as", "User", user.get("as")), ("as-uid", "Uid", user.get("as-uid"))]
    found += [("as-groups", "Group", group) for group in groups]
    for key, values in extra.items():
        name = quote(str(key), safe=_SAFE_IN_NAMES + string.ascii_letters + string.digits)
        if not isinstance(values, list):
            raise _refused(f"as-user-extra: {key!r} must be a list of texts")
        found += [("as-user-extra", f"Extra-{name}", value) for value in values]
    found = [(key, name, value) for key, name, value in found if value is not None and value != ""]
    if found and not user.get("as"):
        raise _refused(f"{found[0][0]} needs as, the name of the user to act as")
    for key, _, value in found:
        if not isinstance(value, str) or _CONTROL.search(value):
            raise _refused(f"{key}: {str(value)[:100]!r} must be a text of one line")
    return [(f"Impersonate-{name}", value) for _, name, value in found]


def _refused(what: str) -> ApiError:
    return ApiError(0, NO_CREDENTIALS, f"the kubeconfig's user cannot be used: {what}")
