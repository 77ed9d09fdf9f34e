"""Secrets of one cluster, made once for each state folder: keys, admin token, Redis password."""

import base64
import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

from hack.cluster.places import ClusterError, State, write_private
from hack.cluster.settings import Settings

CONTEXT = "publishbuild-local"


def make_credentials(state: State, settings: Settings, pki: Path) -> None:
    """Make what is missing; a cluster that comes up again keeps what its clients already hold."""
    if not (state / "pki" / "sa.key").exists():
        made = subprocess.run([pki, state / "pki", *settings.names], check=False)
        if made.returncode:
            raise ClusterError(f"could not make the cluster's keys in {state / 'pki'}")
    token = _kept(state / "conf" / "admin-token")
    write_private(state / "conf" / "tokens.csv", f"{token},admin,admin,system:masters\n")
    for file, host in (
        (state / "kubeconfig", "127.0.0.1"),
        (state / "conf" / "kubeconfig", settings.host_address),
    ):
        config = kubeconfig(f"https://{host}:{settings.api_port}", (state / "pki" / "ca.crt").read_bytes(), token)
        write_private(file, json.dumps(config, indent=2) + "\n")
    password = _kept(state / "conf" / "redis-password")
    for name, host in (("redis-url", "127.0.0.1"), ("redis-url-in-cluster", settings.host_address)):
        write_private(state / name, f"redis://:{password}@{host}:{settings.redis_port}/0\n")
    write_private(state / "host-address", settings.host_address + "\n")


def _kept(file: Path) -> str:
    if not file.exists():
        write_private(file, secrets.token_hex(24))
    return file.read_text(encoding="utf-8")


def kubeconfig(server: str, authority: bytes, token: str) -> dict[str, Any]:
    """How a client finds and trusts the cluster. JSON is YAML too, so kubectl reads it as it is."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": "admin"}}],
        "current-context": CONTEXT,
    }
