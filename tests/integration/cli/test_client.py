"""The Python client on a real cluster: what a web service and the command are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from publishbuild.client import (
    AlreadyExistsError,
    Client,
    NotFoundError,
    Outcome,
    RefusedError,
    connected,
    initiate_publishing,
    sync,
)
from tests.support.fixtures import Manifest, StartOperator
from tests.support.kube import Kube
from tests.support.redis_servers import eventually
from tests.support.wire import Wire

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

GIT_URL = "https://git.example/acme/shop.git"
COMMIT = "9d3f0a8b1c2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f"


@pytest.fixture
async def client(user_kubeconfig: Path) -> AsyncIterator[Client]:
    async with connected(str(user_kubeconfig)) as made:
        yield made


@pytest.fixture
def wire(user_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """The same user's way to the API server, which can be cut."""
    with Wire(user_kubeconfig, tmp_path_factory.mktemp("wire")) as made:
        yield made


class TestInitiatePublishing:
    async def test_it_returns_at_once_and_tells_the_end(
        self, kube: Kube, user_kubeconfig: Path, start_operator: StartOperator
    ) -> None:
        """A handle comes back before anything runs; waiting on it gives how the build ended."""
        handle = await initiate_publishing(
            git_url=GIT_URL, revision=COMMIT, platform="ios", labels={"app": "shop"}, kubeconfig=str(user_kubeconfig)
        )
        assert (handle.namespace, handle.name) == (kube.namespace, "shop-9d3f0a8-ios")
        assert kube.build(handle.name)["metadata"]["uid"] == handle.uid
        assert (await handle.status()).outcome is None
        start_operator()
        report = await handle.wait(timeout=60)
        assert (report.outcome, report.reason, report.status.attempts) == (Outcome.SUCCEEDED, "Succeeded", 1)

    async def test_asking_twice_is_building_once(self, kube: Kube, client: Client) -> None:
        """A handler that is called again, or whose answer was lost, gets the same build; a difference is an error."""
        asked = [initiate_publishing(git_url=GIT_URL, revision=COMMIT, client=client) for _ in range(3)]
        assert len({handle.uid for handle in await asyncio.gather(*asked)}) == 1
        assert len(kube.all_builds()) == 1
        with pytest.raises(AlreadyExistsError, match=r"spec\.submit differ"):
            await initiate_publishing(git_url=GIT_URL, revision=COMMIT, submit=False, client=client)

    async def test_a_wrong_field_is_told(self, client: Client) -> None:
        """What the API server refuses names the field."""
        with pytest.raises(RefusedError, match=r"spec\.backoffLimit"):
            await initiate_publishing(git_url=GIT_URL, revision="main", backoff_limit=11, client=client)

    async def test_cancel(self, client: Client, start_operator: StartOperator) -> None:
        """A build that is cancelled through its handle ends as cancelled."""
        start_operator()
        handle = await initiate_publishing(git_url=GIT_URL, revision="main", suspend=True, client=client)
        await handle.cancel()
        assert (await handle.wait(timeout=60)).outcome is Outcome.CANCELLED

    async def test_waiting_has_an_end(self, client: Client) -> None:
        """Waiting ends after its timeout, or where the build is deleted; no operator runs here."""
        handle = await initiate_publishing(git_url=GIT_URL, revision="main", client=client)
        with pytest.raises(TimeoutError):
            await handle.wait(timeout=0.2)

    def test_without_an_event_loop(self, kube: Kube, user_kubeconfig: Path, start_operator: StartOperator) -> None:
        """Code without an event loop gets the same, and the same errors."""
        start_operator()
        handle = sync.initiate_publishing(git_url=GIT_URL, revision=COMMIT, kubeconfig=str(user_kubeconfig))
        report = handle.wait(timeout=60)
        assert (handle.name, report.outcome) == ("shop-9d3f0a8", Outcome.SUCCEEDED)
        assert handle.status().status.phase == "Succeeded"
        handle.cancel()  # of no effect on what has ended
        with pytest.raises(RefusedError):
            sync.initiate_publishing(git_url="not a url", revision="main", kubeconfig=str(user_kubeconfig))
        kube.delete_build(handle.name)
        with pytest.raises(NotFoundError):
            handle.status()


async def test_a_watch_outlives_cut_connections(
    kube: Kube, wire: Wire, start_operator: StartOperator, manifest: Manifest
) -> None:
    """Whoever waits is told the end also where every connection breaks again and again meanwhile."""
    async with connected(str(wire.kubeconfig)) as client:
        await client.builds.create(kube.namespace, manifest("app", outcome="hold", seconds=0))
        start_operator()
        phases: list[str] = []

        def cut_at_each_change(build: dict[str, object]) -> bool:
            status = build.get("status")
            phase = str(status.get("phase")) if isinstance(status, dict) else ""
            if phase not in phases[-1:]:
                phases.append(phase)
                wire.cut()
            if phase == "Running" and not build["spec"].get("cancel"):  # type: ignore[attr-defined]  # a dict
                kube.patch_spec("app", cancel=True)
            return phase == "Cancelled"

        await client.builds.wait(kube.namespace, "app", until=cut_at_each_change, seconds=90)
    assert phases[-1] == "Cancelled"
    assert len(phases) > 2


async def test_events_and_pods_of_a_build(
    kube: Kube, client: Client, start_operator: StartOperator, manifest: Manifest
) -> None:
    """A build's pods and Events are found by its uid."""
    start_operator()
    await client.builds.create(kube.namespace, manifest("app"))
    build = await client.builds.wait(kube.namespace, "app", seconds=60)
    pods = await client.pods.of_build(build)
    assert [pod["metadata"]["labels"]["publishbuild.dev/build"] for pod in pods] == ["app"]

    async def told() -> bool:
        events = await client.pods.events(kube.namespace, build["metadata"]["uid"])
        return {"Started", "Succeeded"} <= {event["reason"] for event in events}

    await eventually(told, seconds=30, what="both Events are there")


async def test_several_builds_are_followed_by_label(kube: Kube, client: Client, manifest: Manifest) -> None:
    """A watch by label tells of those builds alone, from what is to what changes."""
    for name, app in (("a", "shop"), ("b", "other")):
        made = manifest(name)
        made["metadata"]["labels"] = {"app": app}
        await client.builds.create(kube.namespace, made)
    seen: list[tuple[str, int]] = []
    async with asyncio.timeout(60), aclosing(client.builds.watch(kube.namespace, selector="app=shop")) as changes:
        async for change in changes:
            seen.append((change.build["metadata"]["name"], change.build["spec"]["priority"]))
            if len(seen) == 1:
                await client.builds.patch_spec(kube.namespace, "b", priority=1)
                await client.builds.patch_spec(kube.namespace, "a", priority=2)
            else:
                break
    assert seen == [("a", 0), ("a", 2)]
