"""However often the metrics are read, making them takes a share of the operator's time and no more."""

from __future__ import annotations

from aiohttp.test_utils import TestClient, TestServer

from publishbuild.observe.endpoints import MOST_OF_THE_TIME, endpoints
from publishbuild.observe.metrics import Metrics
from tests.support.http_process import Well

COST = 0.05


class Costly(Metrics):
    """Metrics of a long queue: each text takes `COST` seconds of a clock that this moves."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.made = 0

    def text(self) -> bytes:
        self.made += 1
        self.now += COST
        return b"text %d" % self.made


async def test_a_flood_of_readers_costs_a_share_of_the_time() -> None:
    """A thousand reads within a second make the text so often that it takes a tenth of that second."""
    metrics = Costly()
    async with TestClient(TestServer(endpoints(Well(), metrics, monotonic=lambda: metrics.now))) as client:
        for _ in range(1000):
            assert (await client.get("/metrics")).status == 200
            metrics.now += 0.001
    spent = metrics.made * COST
    assert spent <= MOST_OF_THE_TIME * metrics.now + COST


async def test_one_reader_has_what_is_new() -> None:
    """Whoever reads now and then reads what is true now."""
    metrics = Costly()
    async with TestClient(TestServer(endpoints(Well(), metrics, monotonic=lambda: metrics.now))) as client:
        first = await (await client.get("/metrics")).text()
        metrics.now += COST / MOST_OF_THE_TIME
        assert (first, await (await client.get("/metrics")).text()) == ("text 1", "text 2")
