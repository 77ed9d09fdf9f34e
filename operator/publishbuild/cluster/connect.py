"""Which API server is meant, and who asks: the pod's service account, or a kubeconfig as kubectl reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kubernetes.aio import client as kube_client
from kubernetes.aio import config as kube_config

from publishbuild.cluster.api import Api, ApiError, CountRequest
from publishbuild.cluster.kubeconfig import Header, Kubeconfig

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


async def connect(count: CountRequest, *, kubeconfig: str | None = None, context: str | None = None) -> Api:
    """An `Api` for the cluster that this pod runs in, unless a kubeconfig or one of its contexts is named.

    Outside of a pod ``kubeconfig`` is what KUBECONFIG says (several files are merged), and ``context`` its current one.

    Raises:
        ApiError: where neither is to be had, or its user cannot log in; the text says what was looked for.
    """
    configuration = kube_client.Configuration()
    headers: list[Header] = []
    if kubeconfig is not None and not any(map(os.path.exists, kubeconfig.split(os.pathsep))):
        raise ApiError(0, "NoCluster", f"there is no kubeconfig {kubeconfig}")
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and kubeconfig is None and context is None:
            kube_config.load_incluster_config(  # type: ignore[no-untyped-call]  # not typed there
                client_configuration=configuration
            )
            namespace = pod_namespace()
        else:
            # The library reads KUBECONFIG once, as it is imported.
            file = kubeconfig or os.environ.get("KUBECONFIG") or None
            loaded = Kubeconfig.read(file, context)
            await loaded.load_and_set(configuration)  # type: ignore[no-untyped-call]  # not typed there
            namespace = loaded.current_context["context"].get("namespace")
            headers = loaded.impersonation
            _keep_fresh(loaded, configuration)
    except ApiError:
        raise
    except Exception as missing:
        raise ApiError(
            0, "NoCluster", f"neither a service account nor a kubeconfig can be used: {missing}"
        ) from missing
    configuration.retries = None
    return Api(kube_client.ApiClient(configuration), count, namespace=namespace or "default", headers=headers)


def pod_namespace() -> str | None:
    """The namespace of the pod that this runs in, None outside of one."""
    return NAMESPACE_FILE.read_text().strip() if NAMESPACE_FILE.exists() else None


def _keep_fresh(loaded: Kubeconfig, configuration: Any) -> None:
    """A token that a program of the kubeconfig gave for a while is asked for again before it ends."""

    async def refresh(_: Any) -> None:
        await loaded.load_from_exec_plugin()
        configuration.api_key["BearerToken"] = loaded.token

    if loaded.expires and hasattr(loaded, "token"):  # a certificate is read once
        configuration.refresh_api_key_hook = refresh
