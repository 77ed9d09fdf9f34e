"""A stand-in of an API server that answers as told; what is said about real ones is tried in tests/integration/cli."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client as kube_client

from publishbuild.client.requests import Requests
from publishbuild.cluster.api import Api
from tests.support.api_standin import ApiStandIn


@pytest.fixture
def standin() -> ApiStandIn:
    return ApiStandIn()


@pytest.fixture
async def requests(standin: ApiStandIn) -> AsyncIterator[Requests]:
    """Requests to the stand-in, by a user whose context names the namespace ``shop``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", standin.answer)
    async with TestServer(app) as running:
        configuration = kube_client.Configuration()
        configuration.host = str(running.make_url("")).rstrip("/")
        api = Api(kube_client.ApiClient(configuration), lambda *_: None, namespace="shop")
        yield Requests(api)
        await api.close()
