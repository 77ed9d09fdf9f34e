"""A real Cluster: the queue works on it, and goes on by itself when its slot, or all nodes, move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publishbuild.build_queue.redis_queue import EPOCH, QueueUnavailableError, RedisQueue
from tests.support.ports import free_port
from tests.support.queue_probe import ROOM, Service, works
from tests.support.redis_servers import Server, cluster, ended, eventually, is_whole, move_slot
from tests.support.waiting import until


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    made = cluster(tmp_path_factory.mktemp("cluster"))
    with ended(*made):
        yield made


class TestCluster:
    async def test_one_node_is_enough_to_find_the_others(self, nodes: list[Server]) -> None:
        """REDIS_URL may name any node, one that is away among them; the keys lie on their own node."""
        queue = RedisQueue(f"redis+cluster://127.0.0.1:{free_port()},{nodes[1].place}", "e")
        await eventually(lambda: works(queue), seconds=10, what="the queue works")
        assert nodes[0].do("EXISTS", EPOCH) == 1
        await queue.close()

    async def test_a_single_address_is_sent_on(self, nodes: list[Server]) -> None:
        """With redis:// and the wrong node the error says which form of the URL is meant."""
        queue = RedisQueue(nodes[1].url, "e")
        with pytest.raises(QueueUnavailableError, match=r"redis\+cluster://") as caught:
            await queue.rebuild({}, now=0)
        assert caught.value.word == "moved"
        await queue.close()

    async def test_an_emptied_node_learns_the_script_again(self, nodes: list[Server]) -> None:
        """SCRIPT FLUSH, as after a failover, is not even noticed."""
        queue = RedisQueue(f"redis+cluster://{nodes[0].place}", "e")
        assert await works(queue)
        nodes[0].do("SCRIPT FLUSH")
        assert (await queue.turn(ROOM, now=0)).claimed == ["y"]
        await queue.close()

    async def test_goes_on_after_the_slot_moved(self, nodes: list[Server]) -> None:
        """Another node takes the slot over: the queue follows it, and back again."""
        queue = RedisQueue(f"redis+cluster://{nodes[1].place}", "e")
        assert await works(queue)
        for source, target in ((nodes[0], nodes[2]), (nodes[2], nodes[0])):
            source.do("FLUSHALL")
            move_slot(source, target, nodes)
            await eventually(lambda: works(queue), seconds=20, what="the queue follows its slot")
            assert target.do("EXISTS", EPOCH) == 1
        await queue.close()

    async def test_goes_on_after_the_owner_was_away(self, nodes: list[Server]) -> None:
        """While the node of the queue's slot is down the Cluster is; when it is back, empty, the queue is too."""
        queue = RedisQueue(f"redis+cluster://{nodes[1].place},{nodes[2].place}", "e")
        assert await works(queue)
        nodes[0].kill()
        words: set[str] = set()

        async def down() -> bool:
            try:
                await queue.rebuild({}, now=0)
            except QueueUnavailableError as error:
                words.add(error.word)
            return "cluster-down" in words or not is_whole(nodes[1])

        await eventually(down, seconds=20, what="the cluster is down")
        assert words <= {"refused", "closed", "cluster-down", "timeout"}
        nodes[0].start()
        until(lambda: all(is_whole(node) for node in nodes), seconds=30, what="the cluster is whole")
        await eventually(lambda: works(queue), seconds=20, what="the queue works again")
        await queue.close()

    async def test_nodes_that_come_back_under_other_addresses(self, tmp_path: Path) -> None:
        """Nodes get new addresses, as pods do: the name in REDIS_URL leads to them. Other slots need no node."""
        old, new = (self._one_slot(tmp_path / name) for name in ("old", "new"))
        with ended(old, new):
            async with Service(old) as service:
                queue = RedisQueue(f"redis+cluster://127.0.0.1:{service.port}", "e")
                await eventually(lambda: works(queue), seconds=10, what="the queue works")
                old.kill()
                service.target = new
                await eventually(lambda: works(queue), seconds=10, what="the queue finds the new node")
                await queue.close()

    def _one_slot(self, folder: Path) -> Server:
        node = Server(folder, "--cluster-enabled", "yes", "--cluster-require-full-coverage", "no").start()
        node.do("CLUSTER ADDSLOTS", node.do("CLUSTER KEYSLOT", EPOCH))
        return node

    async def test_all_nodes_away(self) -> None:
        """No node answers: the error is one of the table, though the client's own is none of Redis'."""
        queue = RedisQueue(f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{free_port()}", "e")
        for call in (queue.turn(ROOM, now=0), queue.rebuild({}, now=0)):
            with pytest.raises(QueueUnavailableError) as caught:
                await call
            assert caught.value.word == "refused"
        await queue.close()
