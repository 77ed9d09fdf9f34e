"""Redis is connected and silent, or has lost all: what runs goes on, and the line is as it was. No times are asserted.

The same is measured by `make reliability` (tests/reliability), which prints how long each takes.
"""

from __future__ import annotations

import pytest

from tests.reliability.freeze import How, freeze
from tests.reliability.order import launch_number_of_the_late_one, rebuild
from tests.support.rig import Rig

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("how", How)
@pytest.mark.timers(20)
def test_running_builds_go_on_while_redis_is_silent(how: How) -> None:
    """Statuses of running builds change in the silence, the metric shows it, and all builds end after it."""
    with Rig("freeze") as rig:
        assert freeze(rig, how, seconds=15).transitions > 0


def test_the_order_is_restored_exactly() -> None:
    """After ``flushall`` 500 waiting builds of two namespaces stand in the same order, with the same members."""
    with Rig("order", namespaces=2) as rig:
        rebuilt = rebuild(rig, 500)
    assert rebuilt.waiting == 500
    assert rebuilt.same_order
    assert rebuilt.same_members


def test_a_late_namespace_has_its_turn() -> None:
    """After 100 builds that wait in one namespace, one of another namespace is among the next two that start."""
    with Rig("turns", namespaces=2) as rig:
        assert launch_number_of_the_late_one(rig, 100) <= 2
