"""The chart's values that change its templates, and few combinations that hold any two of them."""

from __future__ import annotations

from hack.demo.helm import merged
from tests.support.chart import Object
from tests.support.pairs import pairwise

NAMESPACES = "NAMESPACE-1", "NAMESPACE-2"
"""Stand for the namespace of the release and another one, which `values_of` names."""
DIGEST = f"sha256:{'0' * 64}"
PEERS: list[Object] = [
    {"namespaceSelector": {}},
    {"namespaceSelector": {"matchLabels": {"team": "a"}}, "podSelector": {}},
    {"ipBlock": {"cidr": "10.0.0.0/16", "except": ["10.0.1.0/24"]}},
    {"ipBlock": {"cidr": "fd00::/8"}},
]
EXTRA: Object = {
    "extraEnv": [
        {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ],
    "extraVolumes": [{"name": "ca", "secret": {"secretName": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}],
    "podAnnotations": {"mesh/inject": "false"},
    "podLabels": {"team": "mobile"},
    "service": {"annotations": {"mesh/port": "8080"}},
    "serviceAccount": {"annotations": {"cloud/role": "none"}},
}
PLACEMENT: Object = {
    "nodeSelector": {"pool": "system"},
    "tolerations": [{"key": "system", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
    "priorityClassName": "system-cluster-critical",
}
QUEUE_READERS = [
    {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "mobile-developers"},
    {"kind": "ServiceAccount", "name": "ci", "namespace": "mobile"},
]
DIMENSIONS: dict[str, list[Object]] = {
    "redis": [
        {},
        {"redis": {"url": "rediss://user:word@redis.example:6379/0"}},
        {"redis": {"existingSecret": "mine", "existingSecretKey": "address"}},
        {"redis": {"embedded": {"persistence": {"enabled": True}, "password": "a-password-of-mine"}}},
        {"redis": {"embedded": {"persistence": {"enabled": True, "storageClass": "fast", "size": "2Gi"}}}},
        {"redis": {"embedded": {"enabled": False}}, "settings": {"onRedisOutage": "direct"}},
    ],
    "network": [
        {},
        {"networkPolicy": {"enabled": False}},
        {"networkPolicy": {"builds": {"enabled": True}}},
        {"networkPolicy": {"metricsFrom": PEERS, "proxyFrom": PEERS[2:], "callbackFrom": PEERS[:1]}},
    ],
    "policy": [
        {},
        {"runnerPolicy": {"enabled": False}},
        {
            "runnerPolicy": {
                "serviceAccountNames": ["robot"],
                "images": ["registry.example/mobile/", "tool"],
                "jobControllers": ["system:serviceaccount:kueue-system:kueue-controller-manager"],
            }
        },
        {"runnerPolicy": {"strict": {"enabled": True}}},
        {
            "runnerPolicy": {
                "images": ["tool"],
                "strict": {
                    "enabled": True,
                    "secretNames": ["expo", "publish-*"],
                    "allow": ["command", "env", "valueFrom"],
                },
            }
        },
        {"runnerPolicy": {"serviceAccountNames": ["*"], "maxPriority": -5, "maxRunTimeSeconds": 60}},
        {"runnerPolicy": {"serviceAccountNames": ["*"], "restrictSubmitters": False, "protectJobs": False}},
    ],
    "reviews": [{}, {"rbac": {"tokenReviews": False}}],
    "callback": [{}, {"callback": {"enabled": False}}, {"callback": {"url": "https://builds.example", "port": 9443}}],
    "replicas": [{}, {"replicas": 1}, {"replicas": 0}],
    "disruption": [
        {},
        {"podDisruptionBudget": {"enabled": False}},
        {"podDisruptionBudget": {"maxUnavailable": "50%"}},
    ],
    "account": [{}, {"serviceAccount": {"create": False, "name": "shape-account"}}, {"rbac": {"create": False}}],
    "crds": [{}, {"crds": {"enabled": False}}, {"crds": {"keep": False}}],
    "names": [{}, {"fullnameOverride": "publisher"}, {"nameOverride": "builder"}],
    "alerts": [
        {},
        {"prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}}},
        {"prometheusRule": {"enabled": True, "runbookUrl": "https://docs.example/runbooks.md"}},
    ],
    "scraping": [{}, {"podMonitor": {"enabled": True, "interval": "1m", "labels": {"release": "prometheus"}}}],
    "dashboard": [{}, {"dashboard": {"enabled": True, "labels": {"folder": "builds"}}}],
    "namespaces": [{}, {"watchNamespaces": list(NAMESPACES)}],
    "users": [{}, {"userRoles": {"create": False}}, {"queueReaders": QUEUE_READERS}],
    "pulling": [{}, {"imagePullSecrets": [{"name": "registry"}], "image": {"digest": DIGEST, "pullPolicy": "Always"}}],
    "extra": [{}, EXTRA],
    "placement": [{}, PLACEMENT],
    "words": [
        {},
        {"settings": {"logLevel": "debug", "logFormat": "console"}, "image": {"pullPolicy": "Never"}},
        {"settings": {"logLevel": "warning"}, "redis": {"embedded": {"image": {"pullPolicy": "Never"}}}},
        {"settings": {"logLevel": "error"}, "redis": {"embedded": {"image": {"pullPolicy": "Always"}}}},
    ],
    "tests": [{}, {"tests": {"enabled": False}}],
}
SHAPES = pairwise(DIMENSIONS)


def name_of(row: dict[str, int]) -> str:
    """What of a row is not the default."""
    return ",".join(f"{name}{option}" for name, option in row.items() if option)


def values_of(row: dict[str, int], namespaces: tuple[str, str]) -> Object:
    """The chart's values for a row, with the real names of `NAMESPACES`."""
    values = merged(*(DIMENSIONS[name][option] for name, option in row.items()))
    if "watchNamespaces" in values:
        values["watchNamespaces"] = list(namespaces)
    return values
