"""An operator that runs as a process, behind a Service as the chart makes it: reached by the API server's proxy."""

from __future__ import annotations

import json
import socket
from typing import Any

from publishbuild.names import OPERATOR_NAME
from tests.support.kube import Kube, Object
from tests.support.waiting import until

_LABELS = {"app.kubernetes.io/part-of": "publishbuild", "app.kubernetes.io/component": "operator"}


def own_address() -> str | None:
    """An address of this machine that is not the loopback's, None where it has none; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def expose(kube: Kube, port: int, address: str) -> None:
    """A Service in the test's namespace that leads to ``port`` of this machine.

    The API server's proxy reads the old Endpoints, and goes to the addresses of Pods alone: a Pod that no scheduler
    takes stands for the process.
    """
    port_of_it = {"name": "http", "port": port}
    pod_ref = {"kind": "Pod", "name": OPERATOR_NAME, "namespace": kube.namespace}
    container = {"name": "operator", "image": "pretended"}
    made: list[Object] = [
        _object("Pod", spec={"schedulerName": "nobody", "containers": [container]}),
        _object("Service", spec={"ports": [port_of_it]}),
        _object("Endpoints", subsets=[{"addresses": [{"ip": address, "targetRef": pod_ref}], "ports": [port_of_it]}]),
    ]
    kube.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    kube.kubectl("patch", "pod", OPERATOR_NAME, "--subresource=status", "-p", json.dumps({"status": status}))
    proxied = f"/api/v1/namespaces/{kube.namespace}/services/http:{OPERATOR_NAME}:http/proxy/readyz"
    until(lambda: kube.kubectl("get", "--raw", proxied, check=False).returncode == 0, seconds=30, what="the way leads")


def _object(kind: str, **fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": OPERATOR_NAME, "labels": _LABELS}, **fields}
