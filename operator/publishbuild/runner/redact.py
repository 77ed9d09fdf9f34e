"""Takes secret values out of everything that is printed or reported.

``PUBLISHBUILD_PLAIN_ENV`` names the variables that did not come from a Secret (separated by commas); then every other
one is hidden, but for the image's own. Where it is not set the runner cannot know, and errs on the side of hiding: a
variable whose name sounds secret is hidden, and so is every long value under a name that is not known to be plain.
Values of fewer than 4 characters stay, since hiding them would leave no word of a log whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from publishbuild.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "***"
PLAIN_ENV = "PUBLISHBUILD_PLAIN_ENV"
SHORTEST_SECRET = 4
SHORTEST_UNNAMED = 12

_ALWAYS = ("EXPO_TOKEN", "PUBLISHBUILD_CALLBACK_TOKEN")
_SOUNDS_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|PRIVATE|AUTH|SESSION|COOKIE|(^|_)KEY($|_)|APIKEY|CERT|P12|JWT|DSN",
    re.IGNORECASE,
)
# Ours, Kubernetes's and the image's own: never from a Secret, whatever they sound like.
_PLAIN_NAMES = frozenset(
    (
        "PATH", "HOME", "HOSTNAME", "PWD", "OLDPWD", "SHLVL", "_", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "TMPDIR",
        "LANG", "VIRTUAL_ENV", "NODE_ENV", "NODE_PATH", "NODE_OPTIONS", "NODE_VERSION", "YARN_VERSION",
        *(
            f"{npm}_{name}"
            for npm in ("NPM_CONFIG", "npm_config")
            for name in ("UPDATE_NOTIFIER", "REGISTRY", "registry", "CACHE", "cache")
        ),
        "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "EXPO_LOCAL", "EXPO_STAGING",
        "EAS_CLI", "STANDIN_EAS", "STANDIN_HOST", "CI", "DEBIAN_FRONTEND", "GPG_KEY",
    )
)  # fmt: skip
_PLAIN_BEGINNINGS = ("PUBLISHBUILD_", "KUBERNETES_", "LC_", "PYTHON", "XDG_", "STANDIN_SECONDS_")
_PLAIN_ENDS = ("_SERVICE_HOST", "_PORT")
_PLAIN_PARTS = ("_SERVICE_PORT", "_PORT_")
_EAS_SWITCHES = ("CHECK", "WARNING")
# The path of a file is what a message is about ("CAfile: /etc/…"), not a secret.
_PATH = re.compile(r"(?:/[\w.@+-]++)++/?")


class Redactor:
    """Replaces known secret values, and what looks like credentials in URLs and headers, by ``***``."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # Longest first, so that a secret that holds another one goes as a whole.
        self._secrets = sorted(forms, key=lambda form: (-len(form), form))

    def __call__(self, text: str) -> str:
        """The text without secrets, and without what no stream can take (half of a surrogate pair)."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return redacted(text, MASK).encode("utf-8", "replace").decode()


def secret_values(environment: Mapping[str, str]) -> set[str]:
    """The values of the environment that must not be seen."""
    listed = environment.get(PLAIN_ENV)
    plain = None if listed is None else {name.strip() for name in listed.split(",")}
    return {value for name, value in environment.items() if _is_secret(name, value, plain)}


def sounds_secret(name: str) -> bool:
    """Whether a variable of this name is a secret, wherever it is from."""
    return name in _ALWAYS or (not _is_plain(name) and _SOUNDS_SECRET.search(name) is not None)


def _is_secret(name: str, value: str, plain: set[str] | None) -> bool:
    if name in _ALWAYS:
        return bool(value)
    if _is_plain(name):
        return False
    if _SOUNDS_SECRET.search(name) or (plain is not None and name not in plain):
        return len(value.strip()) >= SHORTEST_SECRET
    if plain is not None:
        return False
    return len(value.strip()) >= SHORTEST_UNNAMED and not _PATH.fullmatch(value)


def _is_plain(name: str) -> bool:
    return (
        name in _PLAIN_NAMES
        or name.startswith(_PLAIN_BEGINNINGS)
        or name.endswith(_PLAIN_ENDS)
        or any(part in name for part in _PLAIN_PARTS)
        or (name.startswith("EAS_") and name.endswith(_EAS_SWITCHES))
    )


def _forms(secret: str) -> Iterable[str]:
    """A secret as it may be printed: as it is, line by line (a key file), in JSON, in a URL."""
    whole = secret.strip()
    if not whole:
        return
    yield whole
    yield whole.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    yield quote(whole, safe="")
    if "\n" in whole:
        yield from (line.strip() for line in whole.splitlines() if len(line.strip()) >= SHORTEST_UNNAMED)
