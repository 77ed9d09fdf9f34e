"""``python make_certificate.py OUTDIR NAME...``: a throw-away CA, and a server certificate for the stand-in's names.

Writes ``ca.crt``, ``tls.crt`` and ``tls.key``. The CA's key is not kept, so nothing else can ever be signed with it.
Needs only the standard library and the ``openssl`` program, so that an image build can run it as a plain script.
"""

from __future__ import annotations

import ipaddress
import subprocess
import sys
import tempfile
from pathlib import Path

DAYS = "3650"


def make_certificate(folder: Path, names: list[str]) -> None:
    """Write CA, certificate and key for ``names`` (DNS names or IP addresses) into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    key, certificate, authority = folder / "tls.key", folder / "tls.crt", folder / "ca.crt"
    with tempfile.TemporaryDirectory() as private:
        ca_key, request, extensions = (Path(private) / name for name in ("ca.key", "tls.csr", "tls.ext"))
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", "/CN=Stand-in CA"),
            *("-keyout", str(ca_key), "-out", str(authority)),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"),
        )
        _openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={names[0][:64]}"),
            *("-keyout", str(key), "-out", str(request)),
        )
        extensions.write_text(
            f"subjectAltName={','.join(map(_alternative, names))}\nextendedKeyUsage=serverAuth\n"
            "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n"
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(ca_key)),
            *("-CAcreateserial", "-CAserial", str(Path(private) / "serial")),
            *("-days", DAYS, "-extfile", str(extensions), "-out", str(certificate)),
        )
    # Throw-away, and read by whatever user the stand-in's pod runs as.
    key.chmod(0o644)


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    make_certificate(Path(sys.argv[1]), sys.argv[2:])
