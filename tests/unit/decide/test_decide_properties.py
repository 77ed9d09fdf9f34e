"""What holds of `next_actions` for any Facts whatever."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from publishbuild.decide import actions as do
from publishbuild.decide.facts import Facts
from publishbuild.decide.next_actions import next_actions
from publishbuild.models.status import PublishBuildStatus
from tests.builders import (
    NOW,
    Object,
    a_build,
    a_job,
    a_message,
    a_pod,
    events,
    facts,
    queue_facts,
    reported,
    trouble,
    with_status,
)

seconds = st.integers(min_value=0, max_value=4000)
moments = seconds.map(lambda value: NOW + timedelta(seconds=value))

messages = st.one_of(
    st.none(),
    st.text(max_size=200),
    st.builds(
        a_message,
        failure=st.none() | st.tuples(st.text(max_size=20), st.text(max_size=50)),
        log_tail=st.none() | st.text(max_size=100),
        commit=st.none() | st.text(min_size=1, max_size=8),
        ids=st.sampled_from(["", "1", "2"]),
    ),
)


@st.composite
def pods(draw: st.DrawFn) -> list[Object]:
    numbers = draw(st.lists(st.integers(min_value=1, max_value=6), unique=True, max_size=5))
    return [
        a_pod(
            number,
            exit_code=draw(st.sampled_from([None, 0, 1, 64, 137])),
            message=draw(messages),
            disrupted=draw(st.booleans()),
            waiting=draw(st.sampled_from([None, "ErrImagePull", "ContainerCreating"])),
            unschedulable=draw(st.sampled_from([None, "no room"])),
        )
        for number in numbers
    ]


jobs = (
    st.none()
    | st.builds(
        a_job,
        started=st.none() | moments,
        ended=moments,
        complete=st.booleans(),
        deleting=st.booleans(),
        succeeded_pods=st.integers(min_value=0, max_value=1),
        failed_pods=st.integers(min_value=0, max_value=4),
        ttl=st.sampled_from([None, 0, 86400]),
    )
    | st.builds(a_job, failed=st.sampled_from(["BackoffLimitExceeded", "DeadlineExceeded", ""]), deleting=st.booleans())
)

specs: st.SearchStrategy[Object] = st.fixed_dictionaries(
    {},
    optional={
        "suspend": st.booleans(),
        "cancel": st.booleans(),
        "priority": st.sampled_from([-1000, 0, 1000, 5000]),
        "queueTimeoutSeconds": st.sampled_from([1, 60]),
        "concurrencyKey": st.sampled_from(["a", "b:c"]),
    },
)

queues = st.builds(
    queue_facts,
    available=st.booleans(),
    direct=st.booleans(),
    claimed=st.booleans(),
    position=st.none() | st.integers(min_value=1, max_value=5),
    key_busy=st.booleans(),
    running=st.integers(min_value=0, max_value=12),
    running_in_namespace=st.integers(min_value=0, max_value=3),
    namespace_limit=st.integers(min_value=0, max_value=3),
)
troubles = st.none() | st.builds(trouble, final=st.booleans(), retry_in=seconds)


@st.composite
def looks(draw: st.DrawFn, build: Object | None = None) -> Facts:
    """Any Facts of ``build``."""
    return facts(
        build if build is not None else a_build(**draw(specs)),
        job=draw(jobs),
        pods=draw(pods()),
        now=draw(moments),
        queue=draw(queues),
        launch_trouble=draw(troubles),
    )


def stored(look: Facts, status: PublishBuildStatus, *, later: float = 0) -> Facts:
    """The same Facts with ``status`` on record, some seconds ``later``."""
    build = look.build
    spec = build.spec.to_wire() if build.spec else {"priority": 5000}
    obj = with_status(a_build(generation=build.generation, created=build.created, spec=spec), status)
    again = facts(obj, now=look.now + timedelta(seconds=later), queue=look.queue, launch_trouble=look.trouble)
    return Facts(
        now=again.now,
        build=again.build,
        queue=again.queue,
        runner_image=again.runner_image,
        job=look.job,
        pods=look.pods,
        trouble=look.trouble,
    )


@given(look=looks())
def test_a_status_that_was_written_is_not_written_again(look: Facts) -> None:
    """Whatever the facts, one status write settles them: the same facts then write and post nothing."""
    status = reported(next_actions(look))
    if status is not None:
        again = next_actions(stored(look, status))
        assert reported(again) is None
        assert events(again) == []


@given(data=st.data())
def test_a_terminal_status_never_changes(data: st.DataObject) -> None:
    """Once ended, no Job, no pod, no clock and no queue makes the operator write the status again, or launch."""
    look = data.draw(looks())
    status = reported(next_actions(look))
    if status is None or not status.is_terminal:
        return
    after = data.draw(looks(build=_object(look, status)))
    actions = next_actions(after)
    assert {type(action) for action in actions} <= {do.ReleasePlace, do.SetJobTtl, do.DeleteJob}


def _object(look: Facts, status: PublishBuildStatus) -> Object:
    spec = look.build.spec.to_wire() if look.build.spec else {"priority": 5000}
    return with_status(a_build(spec=spec), status)


@given(data=st.data())
def test_a_life_of_any_looks_keeps_its_promises(data: st.DataObject) -> None:
    """In any run of looks: attempts never shrink, a start never moves, and a build with a Job never launches one."""
    spec = data.draw(specs)
    build = a_build(**spec)
    ended = 0
    for _ in range(data.draw(st.integers(min_value=1, max_value=6))):
        look = data.draw(looks(build=build))
        before = look.build.status
        actions = next_actions(look)
        kinds = [type(action) for action in actions]
        assert kinds.count(do.ReportStatus) <= 1
        if do.EmitEvent in kinds:
            assert kinds.index(do.EmitEvent) > kinds.index(do.ReportStatus)
        if do.LaunchJob in kinds:
            assert look.job is None
            assert before.job is None
            assert look.queue.claimed
            assert not before.is_terminal
        status = reported(actions)
        if status is None:
            continue
        ended += status.is_terminal
        assert (status.attempts or 0) >= (before.attempts or 0)
        assert status.failed_attempts[: len(before.failed_attempts)] == before.failed_attempts
        assert before.start_time is None or status.start_time == before.start_time
        assert before.job is None or status.job is not None
        build = with_status(build, status)
    assert ended <= 1


@given(look=looks())
def test_any_written_status_can_be_read_again(look: Facts) -> None:
    """Whatever a runner or the API server said, the status fits the model that the CRD is made from."""
    status = reported(next_actions(look))
    if status is not None:
        assert PublishBuildStatus.model_validate(status.to_wire()).to_wire() == status.to_wire()


@given(look=looks())
def test_conditions_that_are_only_present_when_true(look: Facts) -> None:
    """`Reconciling` and `Stalled` are never both there, never False, and there exactly while they are true."""
    status = reported(next_actions(look))
    if status is None:
        return
    shown = {condition.type: condition.status for condition in status.conditions}
    extra = {kind: value for kind, value in shown.items() if kind in ("Reconciling", "Stalled")}
    expected = {"Unknown": {"Reconciling": "True"}, "False": {"Stalled": "True"}, "True": {}}
    assert extra == expected[shown["Succeeded"]]
