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
_KNOWN_PLAIN = re.compile(
    r"^(PUBLISHBUILD_.*|KUBERNETES_.*|.*_SERVICE_(HOST|PORT.*)|.*_PORT(_.*)?|PATH|HOME|HOSTNAME|PWD|OLDPWD|SHLVL|_|"
    r"USER|LOGNAME|SHELL|TERM|TZ|TMPDIR|LANG|LC_.*|PYTHON.*|VIRTUAL_ENV|NODE_(ENV|PATH|OPTIONS|VERSION)|YARN_VERSION|"
    r"(NPM_CONFIG|npm_config)_(UPDATE_NOTIFIER|REGISTRY|registry|CACHE|cache)|GIT_SSL_CAINFO|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|XDG_.*|EXPO_LOCAL|"
    r"EXPO_STAGING|EAS_CLI|EAS_.*CHECK|EAS_.*WARNING|STANDIN_(EAS|HOST|SECONDS_.*)|CI|DEBIAN_FRONTEND|GPG_KEY)$"
)
_IN_TEXT = (
    (re.compile(r"(https?://)[^/\s@'\"]+@"), r"\1" + MASK + "@"),
    (re.compile(r"(\w+://[^/\s:@'\"]*:)[^/\s@'\"]+@"), r"\1" + MASK + "@"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 " + MASK),
    (
        re.compile(r"([?&](?:access_|api_)?(?:token|key|signature|sig|X-Goog-Signature)=)[^&\s'\"]+"),
        r"\1" + MASK,
    ),
    # The usual shapes of tokens: GitHub, GitLab, npm, Slack, Stripe, AWS, Google, and any signed JWT.
    (
        re.compile(
            r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{20,}|xox[abeoprs]-[\w-]{10,}|"
            r"[sr]k_live_\w{16,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"
        ),
        MASK,
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|.*)", re.DOTALL), MASK),
)


class Redactor:
    """Replaces known secret values, and what looks like credentials in URLs and headers, by ``***``."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # Longest first, so that a secret that holds another one goes as a whole.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._secrets = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """The text without secrets, and without what no stream can take (half of a surrogate pair)."""
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        for pattern, replacement in _IN_TEXT:
            text = pattern.sub(replacement, text)
        return text.encode("utf-8", "replace").decode()


def secret_values(environment: Mapping[str, str]) -> set[str]:
    """The values of the environment that must not be seen."""
    listed = environment.get(PLAIN_ENV)
    plain = None if listed is None else {name.strip() for name in listed.split(",")}
    return {value for name, value in environment.items() if _is_secret(name, value, plain)}


def _is_secret(name: str, value: str, plain: set[str] | None) -> bool:
    if name in _ALWAYS:
        return bool(value)
    if _KNOWN_PLAIN.match(name):
        return False
    if _SOUNDS_SECRET.search(name) or (plain is not None and name not in plain):
        return len(value.strip()) >= SHORTEST_SECRET
    if plain is not None:
        return False
    # The path of a file is what a message is about ("CAfile: /etc/…"), not a secret.
    return len(value.strip()) >= SHORTEST_UNNAMED and not re.fullmatch(r"(/[\w.@+-]+)+/?", value)


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
