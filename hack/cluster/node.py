"""The parts of a real node: containerd, kubelet, kube-proxy and CoreDNS, inside the node's namespace."""

import json
import shutil
from pathlib import Path
from typing import Any

from hack.cluster.network import inside
from hack.cluster.places import State, unescaped, write_private
from hack.cluster.settings import NODE_NAME, Settings

PAUSE_IMAGE = "localhost/publishbuild-pause:local"
CNI_PROGRAMS = Path("/usr/lib/cni")
BRIDGE = "pods0"
RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
"""Where the machine names its DNS servers; systemd's own file first, as the other may only name systemd."""


def containerd(state: State, settings: Settings) -> list[str]:
    """The container runtime, with all that it writes below the state folder."""
    base = state / "containerd"
    base.mkdir(mode=0o711, exist_ok=True)
    config = f"""version = 2
root = "{base}/root"
state = "{base}/state"

[grpc]
  address = "{state.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  netns_mounts_under_state_dir = true  # so that `down` finds them
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PROGRAMS}"
    conf_dir = "{state.root}/conf/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter(state)}"
    default_runtime_name = "runc"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.internal.v1.opt"]
  path = "{base}/opt"
"""
    write_private(state / "conf" / "cni" / "10-pods.conflist", json.dumps(cni(state, settings), indent=2))
    file = write_private(state / "conf" / "containerd.toml", config)
    return inside(settings, [shutil.which("containerd") or "containerd", f"--config={file}"])


def snapshotter(state: State) -> str:
    """How image layers are stacked: an overlay cannot lie upon another, as in a container it would."""
    best, kind = "", ""
    for line in Path("/proc/mounts").read_bytes().splitlines():
        _, where, what, *_ = map(unescaped, line.split())
        if state.root.is_relative_to(where) and len(where) >= len(best):
            best, kind = where, what
    return "native" if kind == "overlay" else "overlayfs"


def cni(state: State, settings: Settings) -> dict[str, Any]:
    """The pods' network: one bridge in the node's namespace, named so that its traces can be found."""
    addresses = {
        "type": "host-local",
        "dataDir": str(state / "cni-addresses"),
        "ranges": [[{"subnet": settings.pod_network}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": True, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": settings.link, "plugins": [{**bridge, "ipam": addresses}, ports]}


def kubelet(state: State, settings: Settings, programs: Path) -> list[str]:
    """The kubelet. It leaves the machine's cgroups and sysctls alone, and lets only the API server in."""
    pki = state / "pki"
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": settings.node_address,
        "readOnlyPort": 0,
        "tlsCertFile": str(pki / "server.crt"),
        "tlsPrivateKeyFile": str(pki / "server.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},  # whoever holds a certificate of ours is the API server
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "failCgroupV1": False,
        "localStorageCapacityIsolation": False,
        # A developer's disk is often nearly full; that must not drive pods off the node.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,  # images cannot be pulled again here: never collect them
        "containerRuntimeEndpoint": f"unix://{state.socket}",
        "podLogsDir": str(state / "pod-logs"),
        "volumePluginDir": str(state / "volume-plugins"),
        "clusterDomain": "cluster.local",
        "clusterDNS": [settings.node_address],
        "resolvConf": "",
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
    }
    file = write_private(state / "conf" / "kubelet.json", json.dumps(config, indent=2))
    return inside(
        settings,
        [
            str(programs / "kubelet"),
            f"--config={file}",
            f"--kubeconfig={state / 'conf' / 'kubeconfig'}",
            f"--root-dir={state / 'kubelet'}",
            f"--cert-dir={pki}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={settings.node_address}",
        ],
    )


def proxy(state: State, settings: Settings, programs: Path) -> list[str]:
    """Services' addresses, by iptables rules in the node's namespace: they vanish together with it."""
    return inside(
        settings,
        [
            str(programs / "kube-proxy"),
            f"--kubeconfig={state / 'conf' / 'kubeconfig'}",
            f"--hostname-override={NODE_NAME}",
            f"--cluster-cidr={settings.pod_network}",
            "--proxy-mode=iptables",
            "--masquerade-all",  # a pod's answer to a neighbour finds back, bridge filter or not
            "--conntrack-max-per-core=0",  # the machine's limits are not ours to change
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
            "--healthz-bind-address=127.0.0.1:10256",
            "--metrics-bind-address=127.0.0.1:10249",
        ],
    )


def dns(state: State, settings: Settings, programs: Path) -> list[str]:
    """Names of Services for pods, and the machine's own name servers for everything else."""
    servers = [
        line.split()[1]
        for file in RESOLVERS[: 1 if RESOLVERS[0].exists() else None]
        if file.exists()
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("nameserver ") and not line.split()[1].startswith(("127.", "::1"))
    ]
    forward = f"  forward . {' '.join(servers[:3])}\n" if servers else ""
    kubeconfig = state / "conf" / "kubeconfig"
    corefile = (
        f".:53 {{\n  bind {settings.node_address}\n  errors\n  kubernetes cluster.local {{\n"
        f'    kubeconfig "{kubeconfig}" publishbuild-local\n  }}\n{forward}}}\n'
    )
    file = write_private(state / "conf" / "Corefile", corefile)
    return inside(settings, [str(programs / "coredns"), "-conf", str(file)])
