"""Plans: a seed is a plan, and what a plan allows is what its pods and users do."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from publishbuild.models.spec import PublishBuildSpec
from tests.faults.expected import allowed, attempts_of
from tests.faults.fault_box import FaultBox
from tests.faults.history import History
from tests.faults.mutations import MUTATIONS
from tests.faults.plan import Act, BuildPlan, Do, Outcome, Plan, PointFault, UserAct, When
from tests.faults.seeds import plan_of
from tests.faults.selftest import PACKAGE

SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


@given(SEEDS)
def test_a_seed_always_gives_the_same_plan(seed: int) -> None:
    """A seed can be replayed: it gives the same plan, whatever else draws random numbers meanwhile."""
    first = plan_of(seed)
    random.seed(seed + 1)
    assert plan_of(seed) == first
    assert list(plan_of(seed).lines()) == list(first.lines())


@given(SEEDS)
def test_every_plan_can_be_carried_out(seed: int) -> None:
    """Names differ, specs are valid, users act on builds of the plan, and each build has an end that is allowed."""
    plan = plan_of(seed)
    names = [build.name for build in plan.builds]
    assert len(set(names)) == len(names)
    assert {act.name for act in plan.acts} <= set(names)
    for build in plan.builds:
        assert build.namespace < plan.namespaces
        PublishBuildSpec.model_validate(build.manifest()["spec"])
        assert allowed(plan, build)


def test_seeds_reach_all_kinds() -> None:
    """Among many seeds each action at a point, each act of a user and each outcome comes up."""
    plans = [plan_of(seed) for seed in range(300)]
    assert {point.do for plan in plans for point in plan.points} == set(Do)
    assert {act.act for plan in plans for act in plan.acts} == set(Act)
    assert {build.outcome for plan in plans for build in plan.builds} == set(Outcome)


def test_a_held_build_may_end_only_as_it_is_stopped() -> None:
    """A pod that never ends makes no verdict: only what stops it does."""
    held = BuildPlan(0, "b", Outcome.HOLD)
    cancelled = Plan("p", (held,), acts=(UserAct(Act.CANCEL, "b", 1),))
    assert allowed(cancelled, held) == {("Cancelled", "Cancelled")}
    late = BuildPlan(0, "b", Outcome.HOLD, run_timeout=2)
    by_kubernetes = {("Failed", "DeadlineExceeded"), ("Failed", "BackoffLimitExceeded")}
    assert allowed(Plan("p", (late,)), late) == by_kubernetes
    with_retries = BuildPlan(0, "b", Outcome.HOLD, run_timeout=2, backoff_limit=1)
    assert allowed(Plan("p", (with_retries,)), with_retries) == {("Failed", "DeadlineExceeded")}


def test_attempts_are_said_only_where_they_are_certain() -> None:
    """Attempts follow from the pods alone, and are not judged where a user lays a hand on the build."""
    retry = BuildPlan(0, "b", Outcome.RETRY, backoff_limit=2)
    assert attempts_of(Plan("p", (retry,)), retry) == (2, 1)
    assert attempts_of(Plan("p", (retry,), acts=(UserAct(Act.DELETE_POD, "b", 1),)), retry) is None


def test_a_fault_comes_at_its_number_and_no_more() -> None:
    """A fault for the second and third coming of one operator is due exactly then, and noted as injected."""
    fault = PointFault("create job", When.BEFORE, Do.LOSE, nth=2, times=2, by="op-a")
    history = History()
    box = FaultBox((fault,), history)
    assert box.due("create job", When.BEFORE, "x", by="op-b") is None
    assert box.due("create job", When.AFTER, "x", by="op-a") is None
    found = [box.due("create job", When.BEFORE, f"b{number}", by="op-a") for number in range(4)]
    assert found == [None, fault, fault, None]
    assert history.injected[fault.kind] == 2
    assert history.harmed == {"b1", "b2"}


def test_each_mutation_fits_the_source() -> None:
    """What the self-test breaks is there exactly once: whoever changes that code learns of it in `make check`."""
    for mutation in MUTATIONS:
        for edit in mutation.edits:
            assert (PACKAGE / edit.file).read_text().count(edit.old) == 1, f"{mutation.name}: {edit}"
