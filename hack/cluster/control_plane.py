"""The parts that every cluster has: etcd, API server, controllers, scheduler, and Redis beside them."""

import glob
import json
import shutil
import socket
from pathlib import Path

from hack.cluster.places import ClusterError, State, write_private
from hack.cluster.settings import Settings

MANY = 2000
"""Requests a second that the parts may make: their defaults, meant for shared servers, slow a load test."""


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something listens on a port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def etcd(state: State, settings: Settings, programs: Path) -> list[str]:
    """The store. It does not wait for the disk: the state is thrown away after a machine's crash."""
    pki, client, peer = state / "pki", settings.etcd_port, settings.etcd_port + 1
    proof = {"cert-file": "server.crt", "key-file": "server.key", "trusted-ca-file": "ca.crt"}
    return [
        str(programs / "etcd"),
        f"--data-dir={state / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls=https://127.0.0.1:{client}",
        f"--advertise-client-urls=https://127.0.0.1:{client}",
        f"--listen-peer-urls=https://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=https://127.0.0.1:{peer}",
        f"--initial-cluster=default=https://127.0.0.1:{peer}",
        # Other users of the machine must not read Secrets past the API server.
        "--client-cert-auth",
        "--peer-client-cert-auth",
        *(f"--{prefix}{flag}={pki / file}" for prefix in ("", "peer-") for flag, file in proof.items()),
    ]


def api_server(state: State, settings: Settings, programs: Path) -> list[str]:
    """The API server: on every address where pods must reach it, else on the loopback alone."""
    pki = state / "pki"
    if settings.node == "real":
        where = ["--bind-address=0.0.0.0", f"--advertise-address={settings.host_address}"]
    else:  # a loopback address cannot be advertised; nobody looks for the API server through its Service
        where = [
            "--bind-address=127.0.0.1",
            "--advertise-address=198.51.100.1",
            "--endpoint-reconciler-type=none",
        ]
    return [
        str(programs / "kube-apiserver"),
        *where,
        f"--secure-port={settings.api_port}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--cert-dir={pki}",
        f"--etcd-servers=https://127.0.0.1:{settings.etcd_port}",
        f"--etcd-cafile={pki / 'ca.crt'}",
        f"--etcd-certfile={pki / 'client.crt'}",
        f"--etcd-keyfile={pki / 'client.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        f"--kubelet-client-certificate={pki / 'client.crt'}",
        f"--kubelet-client-key={pki / 'client.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        f"--token-auth-file={state / 'conf' / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        f"--service-cluster-ip-range={settings.service_network}",
        "--allow-privileged",
        "--max-requests-inflight=3000",
        "--max-mutating-requests-inflight=1500",
    ]


def controllers(state: State, settings: Settings, programs: Path) -> list[str]:
    """The controller-manager, without what only clouds have."""
    kubeconfig = state / "conf" / "kubeconfig"
    return [
        str(programs / "kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        "--authentication-skip-lookup",  # of a CA for proxies' headers, which there is none of
        f"--authorization-kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={state / 'pki' / 'sa.key'}",
        f"--root-ca-file={state / 'pki' / 'ca.crt'}",
        "--controllers=*,-cloud-node-lifecycle-controller,-node-route-controller,-service-lb-controller",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={settings.controllers_port}",
        f"--cert-dir={state / 'pki'}",
        f"--kube-api-qps={MANY}",
        f"--kube-api-burst={MANY}",
        "--concurrent-job-syncs=50",
    ]


def scheduler(state: State, settings: Settings, programs: Path) -> list[str]:
    """The scheduler; its request limits can only be raised in a file."""
    kubeconfig = str(state / "conf" / "kubeconfig")
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig, "qps": MANY, "burst": MANY},
        "leaderElection": {"leaderElect": False},
    }
    file = write_private(state / "conf" / "scheduler.json", json.dumps(config, indent=2))
    return [
        str(programs / "kube-scheduler"),
        f"--config={file}",
        f"--authentication-kubeconfig={kubeconfig}",
        "--authentication-skip-lookup",  # of a CA for proxies' headers, which there is none of
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={settings.scheduler_port}",
        f"--cert-dir={state / 'pki'}",
    ]


def redis(state: State, settings: Settings) -> list[str]:
    """A Redis that keeps nothing on disk: the operator has to rebuild its queue, and is tried on that.

    Its settings stand in a file, since everybody on the machine can read a command line.
    """
    program = shutil.which("redis-server")
    if not program:
        raise ClusterError("redis-server is missing: apt-get install redis-server")
    hosts = dict.fromkeys(("127.0.0.1", settings.host_address))
    password = (state / "conf" / "redis-password").read_text(encoding="utf-8")
    (state / "redis").mkdir(mode=0o700, exist_ok=True)
    lines = (
        f"bind {' '.join(hosts)}",
        f"port {settings.redis_port}",
        f"requirepass {password}",
        f'dir "{state / "redis"}"',  # a path has no quote in it: State.at
        'save ""',
        "appendonly no",
        "daemonize no",
        "set-proc-title no",  # a title is written over the environment, and with it over the cluster's mark
    )
    file = write_private(state / "conf" / "redis.conf", "\n".join(lines) + "\n")
    # Redis takes brackets in its argument for a pattern, finds no file by it, and starts with its defaults.
    return [program, glob.escape(str(file))]
