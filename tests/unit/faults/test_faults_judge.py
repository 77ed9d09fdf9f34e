"""The judge: each promise that is broken in a recorded history is named, and a good history is not blamed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.faults.history import BuildSeen, Exit, History, JobSeen, Write
from tests.faults.judge import judge
from tests.faults.plan import Act, BuildPlan, Outcome, Plan, UserAct

PLAN = Plan("p", tuple(BuildPlan(0, name, priority=priority) for name, priority in (("a", 10), ("b", 0))), limit=1)


def job(
    revision: int, build: str, *, uid: str = "", verdict: str = "", deleted: bool = False, key: str = ""
) -> JobSeen:
    """A change of the build's Job."""
    return JobSeen(revision, "n", build, uid or f"{build}-1", verdict=verdict, deleted=deleted, key=key)


def status(
    phase: str = "Succeeded", reason: str = "", attempts: int = 1, failed: int = 0, **more: Any
) -> dict[str, Any]:
    """A terminal status."""
    condition = {"type": "Succeeded", "status": str(phase == "Succeeded"), "reason": reason or phase}
    return {
        "phase": phase,
        "attempts": attempts,
        "failedAttempts": [{}] * failed,
        "conditions": [condition],
        **more,
    }


def build(revision: int, name: str, said: dict[str, Any]) -> BuildSeen:
    """A change of the build."""
    return BuildSeen(revision, "n", name, f"uid-{name}", said)


def good() -> History:
    """Both builds, one after the other, in order; one process that holds the lease."""
    return History(
        namespaces=("n",),
        jobs=[job(10, "a"), job(12, "a", verdict="Complete"), job(20, "b"), job(22, "b", verdict="Complete")],
        builds=[build(14, "a", status()), build(24, "b", status())],
        writes=[
            Write(0, "op", "renew lease", "n", "", revision=5, holder="op"),
            Write(1, "op", "create job", "n", "a", revision=10),
            Write(2, "op", "write status", "n", "a", revision=14),
            Write(3, "op", "create job", "n", "b", revision=20),
            Write(4, "op", "write status", "n", "b", revision=24),
        ],
    )


def broken(history: History, plan: Plan = PLAN) -> list[tuple[int, str]]:
    """What the judge says: number and sentence."""
    return [(violation.promise, violation.said) for violation in judge(plan, history)]


def only(history: History, promise: int, *words: str, plan: Plan = PLAN) -> None:
    """Exactly one promise is named, in a sentence with these words."""
    found = broken(history, plan)
    assert {number for number, _ in found} == {promise}, found
    assert all(any(word in said for _, said in found) for word in words), found


def test_a_good_history_is_not_blamed() -> None:
    """Nothing is said of a run in which nothing was wrong."""
    assert broken(good()) == []


def test_a_second_job_is_found() -> None:
    """Two Jobs of one build break the first promise, though the first was gone before."""
    history = good()
    history.jobs += [job(30, "a", deleted=True), job(31, "a", uid="a-2", verdict="Complete")]
    only(history, 1, "n/a", "2 Jobs")


def test_a_build_that_does_not_end_is_found() -> None:
    """A build that was left behind breaks the second promise."""
    history = good()
    history.unfinished.append("b has not ended")
    only(history, 2, "b has not ended")


def test_limits_are_judged_at_every_instant() -> None:
    """Two live Jobs at once with a limit of one are found, however short, in whatever order the watches told it."""
    history = good()
    history.jobs = [job(20, "b"), job(22, "b", verdict="Complete"), job(10, "a"), job(21, "a", verdict="Complete")]
    only(history, 3, "limit of 1", "revision 20")


def test_a_deleted_builds_job_counts_in_its_namespace_alone() -> None:
    """Its place is free for others once the build is gone, and for its own namespace once the Job is gone."""

    def seen(namespace: str, gone: int) -> History:
        history = good()
        history.jobs = [job(10, "a"), replace(job(20, "b"), namespace=namespace), job(22, "a", deleted=True)]
        history.builds = [BuildSeen(gone, "n", "a", "uid-a", {}, deleted=True), build(24, "b", status())]
        return history

    assert 3 not in {number for number, _ in broken(seen("other", 15))}
    assert 3 in {number for number, _ in broken(seen("other", 21))}
    assert (3, "2 Jobs were live in n with a limit of 1 at revision 20: a, b") in broken(seen("n", 15))


def test_a_namespace_and_a_key_have_their_limits() -> None:
    """A namespace's own limit and a concurrencyKey are counted by themselves."""
    both = Plan("p", PLAN.builds, limit=5, namespace_limit=1)
    history = good()
    history.jobs = [job(10, "a", key="k"), job(11, "b", key="k")]
    said = " ".join(said for promise, said in broken(history, both) if promise == 3)
    assert "in n with a limit of 1" in said
    assert "concurrencyKey k in n" in said


def test_a_lower_priority_that_goes_first_is_found() -> None:
    """With one place, no build is launched before one of higher priority that waited too."""
    history = good()
    history.writes[1], history.writes[3] = (
        Write(1, "op", "create job", "n", "b", revision=10),
        Write(3, "op", "create job", "n", "a", revision=20),
    )
    only(history, 4, "a (priority 10)", "overtaken")


def test_order_is_not_judged_where_a_fault_met_the_build() -> None:
    """A build whose own request was lost may come late."""
    history = good()
    history.writes[1], history.writes[3] = (
        Write(1, "op", "create job", "n", "b", revision=10),
        Write(3, "op", "create job", "n", "a", revision=20),
    )
    history.harmed.add("a")
    assert broken(history) == []


def test_a_status_that_changes_after_its_end_is_found() -> None:
    """A terminal status is written once: another phase, and another completionTime, are found."""
    for later in (status("Failed", "JobDeleted"), status(completionTime="later")):
        history = good()
        history.builds.append(build(40, "b", later))
        only(history, 5, "b had ended as Succeeded", "changed afterwards")


def test_a_wrong_outcome_is_found() -> None:
    """An outcome that neither the pods nor the users explain is found."""
    history = good()
    history.builds[1] = build(24, "b", status("Failed", "JobDeleted"))
    only(history, 5, "b ended as Failed (JobDeleted)", "allow Succeeded")


def test_an_outcome_other_than_the_jobs_is_found() -> None:
    """A build whose Job was complete was published, whatever its users wanted."""
    plan = Plan("p", PLAN.builds, acts=(UserAct(Act.CANCEL, "b", 1),), limit=1)
    history = good()
    history.builds[1] = build(24, "b", status("Cancelled"))
    only(history, 5, "its Job was complete", plan=plan)


def test_wrong_attempts_are_found() -> None:
    """Attempts are counted: a failed one that is missing is found."""
    plan = Plan("p", (PLAN.builds[0], BuildPlan(0, "b", Outcome.FAIL, backoff_limit=1)), limit=1)
    history = good()
    history.jobs[3] = job(22, "b", verdict="BackoffLimitExceeded")
    history.builds[1] = build(24, "b", status("Failed", "BackoffLimitExceeded", attempts=1, failed=1))
    only(history, 5, "b says 1 attempts and 1 failed ones, there were 2 and 2", plan=plan)


def test_an_outcome_without_a_job_is_found() -> None:
    """A build that never had a Job cannot have succeeded, and one that had cannot have waited too long."""
    history = good()
    history.jobs = history.jobs[:2]
    only(history, 5, "never had a Job")
    plan = Plan("p", (PLAN.builds[0], BuildPlan(0, "b", queue_timeout=1)), limit=1)
    history = good()
    history.builds[1] = build(24, "b", status("Failed", "QueueTimeout"))
    assert (5, "b ended as Failed (QueueTimeout) though it had a Job") in broken(history, plan)


def test_a_write_of_one_that_never_led_is_found() -> None:
    """A standby writes nothing but the Lease."""
    history = good()
    history.writes.append(Write(9, "standby", "write status", "n", "b"))
    only(history, 9, "standby wrote (write status b) before it had the lease")


def test_a_write_after_a_takeover_is_found() -> None:
    """A former leader's write that the API server took after another had the lease is found by its revision."""
    history = good()
    history.writes[1:1] = [Write(5, "other", "renew lease", "n", "", revision=22, holder="other")]
    only(history, 9, "op wrote (write status b, revision 24)", "after other had taken the lease")


def test_a_lease_that_is_kept_is_found() -> None:
    """A leader that ends on SIGTERM and keeps the Lease is found, and one that gives it back is not blamed."""
    history = good()
    history.exits = [Exit("op", 0, "term", gave_up_leading=False)]
    only(history, 9, "op ended on SIGTERM and did not give the lease back")
    history.writes.append(Write(9, "op", "renew lease", "n", "", revision=30, holder=""))
    assert broken(history) == []


def test_ends_of_processes_are_judged() -> None:
    """Only an operator that was told to end, or gives up leading, ends; on SIGTERM with 0 and within ten seconds."""
    history = good()
    history.exits = [Exit("k", -9, "kill", gave_up_leading=False), Exit("l", 1, "", gave_up_leading=True)]
    assert broken(history) == []
    history.exits = [Exit("x", 1, "", gave_up_leading=False)]
    only(history, 7, "x ended by itself with 1")
    history.exits = [Exit("t", -15, "term", gave_up_leading=False), Exit("s", 0, "term", False, seconds=11.0)]
    only(history, 8, "t ended with -15", "s took 11.0 s")


def test_an_unknown_write_and_a_bad_end_are_found() -> None:
    """A write that no promise knows, and an operator that is not well at the end, are named."""
    history = good()
    history.writes.append(Write(9, "op", "unknown write PATCH secrets", "n", ""))
    only(history, 11, "unknown write PATCH secrets")
    history = good()
    history.end.append("2 operators lead")
    only(history, 6, "2 operators lead")
