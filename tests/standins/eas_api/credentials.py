"""Signing credentials as they lie on EAS after a user's one interactive build; worthless, made anew at each start.

``eas-cli`` checks on its own side that the iOS profile belongs to the certificate, so both are real files: a
self-signed certificate in a PKCS #12 and a property list that names it.
"""

from __future__ import annotations

import base64
import plistlib
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

TEAM = "STANDIN123"
PASSWORD = "stand-in"


@dataclass(frozen=True)
class SigningCredentials:
    """One distribution certificate: DER of the certificate, and the PKCS #12 with its key."""

    certificate: bytes
    p12: bytes

    @classmethod
    def generate(cls) -> SigningCredentials:
        """Make a new self-signed certificate with the ``openssl`` program."""
        with tempfile.TemporaryDirectory() as folder:
            key, cert, der, p12 = (Path(folder) / name for name in ("key.pem", "cert.pem", "cert.der", "cert.p12"))
            _openssl(
                *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-keyout", str(key)),
                *("-out", str(cert), "-subj", f"/CN=iPhone Distribution: Stand-in/OU={TEAM}/O=Stand-in"),
            )
            _openssl("x509", "-in", str(cert), "-outform", "DER", "-out", str(der))
            # The CLI's parser (node-forge) reads the older PKCS #12 algorithms only.
            _openssl(
                *("pkcs12", "-export", "-inkey", str(key), "-in", str(cert), "-out", str(p12)),
                *("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
                *("-passout", f"pass:{PASSWORD}"),
            )
            return cls(certificate=der.read_bytes(), p12=p12.read_bytes())

    def p12_base64(self) -> str:
        return base64.b64encode(self.p12).decode()

    def profile_base64(self, bundle_identifier: str) -> str:
        """A provisioning profile for the bundle, naming this certificate."""
        profile = {
            "Name": "Stand-in App Store",
            "UUID": "00000000-0000-4000-8000-0000000000f1",
            "TeamIdentifier": [TEAM],
            "TeamName": "Stand-in",
            "DeveloperCertificates": [self.certificate],
            "Entitlements": {
                "application-identifier": f"{TEAM}.{bundle_identifier}",
                "get-task-allow": False,
            },
            "ExpirationDate": (datetime.now(UTC) + timedelta(days=365)).replace(tzinfo=None, microsecond=0),
        }
        return base64.b64encode(plistlib.dumps(profile)).decode()


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)
