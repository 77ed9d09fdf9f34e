"""Who opens a connection to the API server closes it: `Api.close` returns once no socket is open any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from kubernetes.aio import client as kube_client

from publishbuild.cluster.api import Api, ApiError
from tests.standins.make_certificate import make_certificate
from tests.support.open_connections import open_connections
from tests.support.silent_tls import SilentTls

pytestmark = pytest.mark.skipif(not open_connections(), reason="nobody tells here what a process has open")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, ["127.0.0.1"])
    return folder


@pytest.fixture(params=[False, True], ids=["no answer", "no end of an answer"])
def server(certificate: Path, request: pytest.FixtureRequest) -> Iterator[SilentTls]:
    with SilentTls(certificate, head=request.param) as made:
        yield made


@pytest.fixture
async def api(server: SilentTls, certificate: Path) -> AsyncIterator[Api]:
    configuration = kube_client.Configuration()
    configuration.host = server.url
    configuration.ssl_ca_cert = str(certificate / "ca.crt")
    before = open_connections()
    made = Api(kube_client.ApiClient(configuration), lambda *_: None)
    yield made
    await made.close()
    # The server's thread closes its own sides meanwhile: they are no longer its own when they were just found open.
    its_own = server.connections()
    left = open_connections() - before - its_own
    assert not left - server.connections()


async def test_a_request_that_took_too_long(api: Api) -> None:
    """A request that was given up leaves no connection behind."""
    with pytest.raises(ApiError, match="no answer"):
        await api.request("GET", "/x", resource="jobs", seconds=0.3)


async def test_a_request_that_was_cancelled(api: Api, server: SilentTls) -> None:
    """A request that was cancelled while its answer was awaited leaves no connection behind."""
    server.asked.clear()
    request = asyncio.create_task(api.request("GET", "/x", resource="jobs"))
    assert await asyncio.to_thread(server.asked.wait, 10)
    request.cancel()
    await asyncio.wait({request})
    assert request.cancelled()


async def test_a_request_that_is_under_way(api: Api, server: SilentTls) -> None:
    """A request that nobody ended fails when the connections are closed, and leaves none behind."""
    server.asked.clear()
    request = asyncio.create_task(api.request("GET", "/x", resource="jobs"))
    assert await asyncio.to_thread(server.asked.wait, 10)
    await api.close()
    with pytest.raises(ApiError):
        await request


async def test_a_stream_that_was_cancelled(api: Api, server: SilentTls) -> None:
    """A watch that was cancelled leaves no connection behind, whether it had begun or not."""
    server.asked.clear()

    async def watch() -> None:
        async with aclosing(api.lines("/x", resource="jobs", query={}, silence_seconds=None)) as lines:
            async for _ in lines:
                pass

    watching = asyncio.create_task(watch())
    assert await asyncio.to_thread(server.asked.wait, 10)
    watching.cancel()
    await asyncio.wait({watching})
    assert watching.cancelled()
