"""The operator process as a whole, where no cluster is needed."""

from __future__ import annotations

import asyncio
import socket

import pytest
from kubernetes.aio import client as kube_client

from publishbuild.cluster.api import Api
from publishbuild.observe.http import ListenError
from publishbuild.observe.metrics import Metrics
from publishbuild.service import Service
from publishbuild.settings import read_settings


async def test_a_start_without_its_port_leaves_nothing_open() -> None:
    """Where the second of two ports is taken the first one is closed again, with all connections."""
    configuration = kube_client.Configuration()
    configuration.host = "http://127.0.0.1:1"

    async def connect() -> Api:
        return Api(kube_client.ApiClient(configuration), lambda *_: None)

    api = await connect()
    with socket.create_server(("", 0)) as taken:
        settings = read_settings(
            {
                "REDIS_URL": "redis://127.0.0.1:1",
                "PUBLISHBUILD_RUNNER_IMAGE": "runner",
                "PUBLISHBUILD_HTTP_PORT": "0",
                "PUBLISHBUILD_CALLBACK_PORT": str(taken.getsockname()[1]),
                "PUBLISHBUILD_CALLBACK_URL": "http://operator",
            }
        )
        service = Service(settings, api, Metrics(), connect=connect)
        with pytest.raises(ListenError, match="PUBLISHBUILD_CALLBACK_PORT"):
            await service.run(asyncio.Event())
        listening = [server for server in service._servers.values() if server._runner.addresses]
        assert listening == []
    with pytest.raises(RuntimeError, match="closed"):
        await api.request("GET", "/x", resource="jobs")
