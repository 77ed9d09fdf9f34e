"""The store: right whatever order events come in, and however often."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.cluster.objects import BUILDS, JOBS, PODS
from publishbuild.cluster.set_aside import SetAside
from publishbuild.cluster.store import Store
from tests.builders import NOW, UID, Object, a_build, a_job, a_pod


class Rung(list[str]):
    """The uids that were rung."""


@pytest.fixture
def rung() -> Rung:
    return Rung()


@pytest.fixture
def store(rung: Rung) -> Store:
    return Store(lambda: NOW, rung.append)


def version_of(store: Store, uid: str = UID) -> str | None:
    record = store.record(uid)
    return record.build["metadata"]["resourceVersion"] if record else None


class TestSlots:
    def test_a_newer_build_rings_the_older_ones_with_its_key(self, store: Store, rung: Rung) -> None:
        """A new build with a concurrency key rings those that it may stop, and no others."""
        builds: dict[str, dict[str, Any]] = {
            "old": {"concurrencyKey": "k"},
            "other key": {"concurrencyKey": "l"},
            "other namespace": {"concurrencyKey": "k", "namespace": "elsewhere"},
            "no key": {},
        }
        for uid, fields in builds.items():
            store.apply(BUILDS, a_build(uid=uid, **fields))
        rung.clear()
        store.apply(BUILDS, a_build(uid="new", concurrencyKey="k"))
        assert sorted(rung) == ["new", "old"]

    def test_builds_of_one_key_are_known_until_they_go(self, store: Store) -> None:
        """The builds that share a key are those that exist, in the order of their age."""
        for uid in ("first", "second"):
            store.apply(BUILDS, a_build(uid=uid, concurrencyKey="k"))
        first, second = store.record("first"), store.record("second")
        assert first is not None
        assert second is not None
        assert first.age < second.age
        assert sorted(same.build["metadata"]["uid"] for same in store.same_slot(first)) == ["first", "second"]
        store.apply(BUILDS, a_build(uid="second", concurrencyKey="k"), deleted=True)
        assert [same.build["metadata"]["uid"] for same in store.same_slot(first)] == ["first"]


class TestBuilds:
    def test_a_new_build_rings(self, store: Store, rung: Rung) -> None:
        """A build that is seen for the first time is known and rung."""
        store.apply(BUILDS, a_build())
        assert store.uids() == [UID]
        assert rung == [UID]

    @pytest.mark.parametrize("order", list(permutations((100, 101, 102))), ids=str)
    def test_the_newest_wins(self, store: Store, order: tuple[int, ...]) -> None:
        """Versions in any order end with the newest."""
        for version in order:
            store.apply(BUILDS, a_build(version=version))
        assert version_of(store) == "102"

    def test_versions_are_numbers(self, store: Store) -> None:
        """1000 is newer than 999."""
        store.apply(BUILDS, a_build(version=999))
        store.apply(BUILDS, a_build(version=1000))
        assert version_of(store) == "1000"

    def test_a_stale_or_doubled_version_rings_nobody(self, store: Store, rung: Rung) -> None:
        """What is known already is no news."""
        store.apply(BUILDS, a_build(version=5))
        rung.clear()
        store.apply(BUILDS, a_build(version=5))
        store.apply(BUILDS, a_build(version=4))
        assert rung == []

    def test_a_deleted_build_is_gone_and_rung(self, store: Store, rung: Rung) -> None:
        """A deletion is news, so that the build leaves the queue."""
        store.apply(BUILDS, a_build())
        rung.clear()
        store.apply(BUILDS, a_build(version=101), deleted=True)
        assert store.record(UID) is None
        assert rung == [UID]

    @pytest.mark.parametrize("late", [100, 101], ids=["older event", "answer to our own write"])
    def test_a_deleted_build_does_not_come_back(self, store: Store, late: int) -> None:
        """An answer or event from before the deletion, that is handled after it, does not revive the build."""
        store.apply(BUILDS, a_build(version=100))
        store.apply(BUILDS, a_build(version=102), deleted=True)
        store.apply(BUILDS, a_build(version=late))
        assert store.record(UID) is None

    def test_a_build_of_the_same_name_is_another_build(self, store: Store) -> None:
        """A build deleted and made again has a uid of its own."""
        store.apply(BUILDS, a_build(version=102), deleted=True)
        store.apply(BUILDS, a_build(version=103, uid="another"))
        assert store.uids() == ["another"]

    def test_what_no_decision_needs_is_dropped(self, store: Store) -> None:
        """Managed fields and annotations, the bulk of an object, are not kept."""
        build = a_build()
        build["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "x" * 5000}
        store.apply(BUILDS, build)
        record = store.record(UID)
        assert record is not None
        assert set(record.build["metadata"]) == {
            "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
        }  # fmt: skip

    def test_first_seen_never_moves_and_is_never_twice_the_same(self, store: Store) -> None:
        """Builds of one second keep the order in which they were seen, also on a clock that stands still."""
        for uid in ("a", "b", "c"):
            store.apply(BUILDS, a_build(uid=uid))
        seen = [record.first_seen for record in map(store.record, ("a", "b", "c")) if record]
        assert seen == sorted(set(seen))
        store.apply(BUILDS, a_build(uid="a", version=200))
        again = store.record("a")
        assert again is not None
        assert again.first_seen == seen[0]


class TestJobs:
    def test_the_newest_version_wins(self, store: Store) -> None:
        """A stale event does not make a finished Job run again."""
        store.apply(JOBS, a_job(version=5, complete=True))
        store.apply(JOBS, a_job(version=4))
        job = store.job(UID)
        assert job is not None
        assert job.finished
        assert not store.live_jobs

    def test_a_version_without_news_rings_nobody(self, store: Store, rung: Rung) -> None:
        """The Job controller's own bookkeeping is kept as the newest version, and wakes nobody."""
        store.apply(JOBS, a_job(version=200))
        rung.clear()
        store.apply(JOBS, a_job(version=201))
        assert rung == []
        store.apply(JOBS, a_job(version=200, complete=True))
        assert rung == []
        store.apply(JOBS, a_job(version=202, failed_pods=1))
        assert rung == [UID]

    def test_live_jobs_are_those_that_have_not_ended(self, store: Store) -> None:
        """A Job occupies a place until its terminal condition, or until it is gone."""
        store.apply(JOBS, a_job())
        store.apply(JOBS, a_job(uid="j2", build_uid="b2", namespace="other"))
        store.apply(JOBS, a_job(uid="j3", build_uid="b3", deleting=True))
        assert store.live_jobs.by_namespace == {"shop": 2, "other": 1}
        store.apply(JOBS, a_job(version=201, failed="BackoffLimitExceeded"))
        assert store.live_jobs.by_namespace == {"shop": 1, "other": 1}
        store.apply(JOBS, a_job(uid="j3", build_uid="b3", version=201), deleted=True)
        assert store.live_jobs.by_namespace == {"other": 1}

    def test_a_job_without_its_build_is_an_orphan(self, store: Store) -> None:
        """The Job of a deleted build counts in its namespace alone, until it is gone."""
        list(store.replace(BUILDS, [a_build()], 150))
        store.apply(JOBS, a_job())
        store.apply(BUILDS, a_build(version=201), deleted=True)
        assert (len(store.live_jobs), dict(store.live_jobs.orphans_by_namespace)) == (0, {"shop": 1})
        store.apply(JOBS, a_job(version=202), deleted=True)
        assert not store.live_jobs.orphans_by_namespace

    def test_a_job_without_uid_label_is_not_ours(self, store: Store, rung: Rung) -> None:
        """A Job that names no build is left alone."""
        job = a_job()
        del job["metadata"]["labels"]["publishbuild.dev/uid"]
        store.apply(JOBS, job)
        assert rung == []
        assert not store.live_jobs

    def test_the_deletion_of_an_older_job_leaves_the_newer(self, store: Store) -> None:
        """A late deletion of another Job of that build does not remove the present one."""
        store.apply(JOBS, a_job(uid="new", version=300))
        store.apply(JOBS, a_job(uid="old", version=250), deleted=True)
        job = store.job(UID)
        assert job is not None
        assert job.uid == "new"

    def test_a_deleted_job_does_not_come_back(self, store: Store) -> None:
        """An event from before the deletion does not occupy a place again."""
        store.apply(JOBS, a_job(version=200))
        store.apply(JOBS, a_job(version=202), deleted=True)
        store.apply(JOBS, a_job(version=201))
        assert store.job(UID) is None
        assert not store.live_jobs

    def test_each_change_rings(self, store: Store, rung: Rung) -> None:
        """Creation, change and deletion of a Job ring its build."""
        store.apply(JOBS, a_job(version=1))
        store.apply(JOBS, a_job(version=2, complete=True))
        store.apply(JOBS, a_job(version=3, complete=True), deleted=True)
        assert rung == [UID] * 3


class TestPods:
    def test_pods_that_come_before_their_build(self, store: Store) -> None:
        """Pods seen first are there when the build comes."""
        store.apply(PODS, a_pod(1))
        store.apply(BUILDS, a_build())
        store.apply(PODS, a_pod(2))
        assert len(store.pods(UID)) == 2

    def test_no_word_of_a_pod_is_read_that_is_no_builds(self, store: Store, rung: Rung) -> None:
        """A pod with our labels but another owner, or in another namespace than the build, costs nothing but a look."""
        store.apply(BUILDS, a_build())
        rung.clear()
        nobodys, elsewhere = a_pod(1), a_pod(2, namespace="elsewhere")
        nobodys["metadata"]["ownerReferences"] = []
        for pod in (nobodys, elsewhere):
            # Whoever reads it fails.
            store.apply(PODS, pod | {"status": "unreadable"})
        assert store.pods(UID) == ()
        assert rung == []

    def test_a_stale_pod_is_ignored(self, store: Store) -> None:
        """A pod that has failed does not run again."""
        store.apply(BUILDS, a_build())
        store.apply(PODS, a_pod(1, version=5, exit_code=1))
        store.apply(PODS, a_pod(1, version=4))
        (pod,) = store.pods(UID)
        assert pod.failed

    @pytest.mark.parametrize(
        "ended", [pytest.param({"exit_code": 1}, id="failed"), pytest.param({"exit_code": 0}, id="succeeded")]
    )
    def test_the_last_words_of_a_deleted_pod_are_kept(self, store: Store, ended: dict[str, Any]) -> None:
        """A pod that ended and went before its Job's verdict has still said what it did."""
        store.apply(BUILDS, a_build())
        store.apply(JOBS, a_job())
        store.apply(PODS, a_pod(1, version=5, **ended))
        store.apply(PODS, a_pod(1, version=6, **ended), deleted=True)
        assert len(store.pods(UID)) == 1

    def test_a_pod_that_went_before_it_ended_is_gone(self, store: Store) -> None:
        """A pod that was deleted while it waited says nothing."""
        store.apply(BUILDS, a_build())
        store.apply(JOBS, a_job())
        store.apply(PODS, a_pod(1, version=5))
        store.apply(PODS, a_pod(1, version=6), deleted=True)
        assert store.pods(UID) == ()

    def test_pods_stay_until_the_end_is_on_record(self, store: Store) -> None:
        """What pods said is kept when their Job goes, until the build has ended; then nothing is kept."""
        store.apply(BUILDS, a_build())
        store.apply(JOBS, a_job())
        store.apply(PODS, a_pod(1, exit_code=1))
        store.apply(JOBS, a_job(version=201), deleted=True)
        assert len(store.pods(UID)) == 1
        ended = {"conditions": [{"type": "Succeeded", "status": "False"}]}
        store.apply(BUILDS, a_build(version=500, status=ended))
        assert store.pods(UID) == ()

    def test_the_last_word_of_a_deleted_job_is_kept(self, store: Store) -> None:
        """A Job that completes and is deleted at once is known as complete until that is on record."""
        store.apply(BUILDS, a_build())
        store.apply(JOBS, a_job())
        store.apply(JOBS, a_job(version=201, complete=True), deleted=True)
        job = store.job(UID)
        assert job is not None
        assert job.complete
        assert job.deleting
        assert not store.live_jobs

    @pytest.mark.parametrize("build_first", [True, False])
    def test_a_label_alone_makes_nothing_ours(self, store: Store, build_first: bool) -> None:
        """A Job or pod from another namespace, of another name or without the owner is not taken for the build's."""
        strangers = [
            (JOBS, a_job(namespace="evil", uid="x", complete=True)),
            (JOBS, a_job(name="anything", uid="y", complete=True)),
            (JOBS, a_job(uid="z", complete=True) | {"metadata": a_job()["metadata"] | {"ownerReferences": []}}),
            (PODS, a_pod(7, namespace="evil", exit_code=0)),
            (PODS, a_pod(8) | {"metadata": a_pod(8)["metadata"] | {"ownerReferences": []}}),
        ]
        if build_first:
            store.apply(BUILDS, a_build())
        for resource, stranger in strangers:
            store.apply(resource, stranger)
        if not build_first:
            store.apply(BUILDS, a_build())
        assert store.job(UID) is None
        assert store.pods(UID) == ()

    def test_an_older_deletion_does_not_undo_a_newer_one(self, store: Store) -> None:
        """A build that is gone stays gone, whatever older answer or list still comes."""
        store.apply(BUILDS, a_build(version=200), deleted=True)
        store.apply(BUILDS, a_build(version=150), deleted=True)
        list(store.replace(BUILDS, [a_build(version=150)], 170))
        assert store.record(UID) is None

    def test_ring_unended(self, store: Store, rung: Rung) -> None:
        """Only builds whose end is not on record are rung again."""
        store.apply(BUILDS, a_build())
        store.apply(BUILDS, a_build(uid="done", status={"conditions": [{"type": "Succeeded", "status": "True"}]}))
        rung.clear()
        store.ring_unended()
        assert rung == [UID]

    def test_orphans_leave_nothing(self, store: Store) -> None:
        """Pods of builds that are gone do not pile up."""
        for n in range(50):
            uid = f"build-{n}"
            store.apply(BUILDS, a_build(uid=uid, version=1))
            store.apply(JOBS, a_job(uid=f"job-{n}", build_uid=uid))
            store.apply(PODS, a_pod(n, build_uid=uid, version=1, exit_code=1))
            store.apply(BUILDS, a_build(uid=uid, version=2), deleted=True)
            store.apply(JOBS, a_job(uid=f"job-{n}", build_uid=uid, version=300), deleted=True)
            store.apply(PODS, a_pod(n, build_uid=uid, version=2, exit_code=1), deleted=True)
        list(store.replace(BUILDS, [], 1000))
        list(store.replace(JOBS, [], 1000))
        list(store.replace(PODS, [], 1000))
        for resource in (BUILDS, JOBS, PODS):
            list(store.replace(resource, [], 2000))
        kept = {
            name: held
            for name, held in vars(store).items()
            if name
            not in ("_clock", "_bell", "_set_aside", "_last_seen", "_deleted", "_knows_builds", "history", "activity")
        }
        assert not store.live_jobs.orphans_by_namespace
        assert store.history.runs() == []
        assert {name: held for name, held in kept.items() if held} == {}
        assert not any(store._deleted.values())


class TestReplace:
    def test_what_is_not_listed_is_gone(self, store: Store, rung: Rung) -> None:
        """A list at a version knows all up to it: a deletion that the watch missed is found."""
        store.apply(BUILDS, a_build(uid="kept", version=10))
        store.apply(BUILDS, a_build(uid="gone", version=11))
        rung.clear()
        list(store.replace(BUILDS, [a_build(uid="kept", version=10)], 50))
        assert store.uids() == ["kept"]
        assert rung == ["gone"]

    @pytest.mark.parametrize("resource", [BUILDS, JOBS, PODS])
    def test_one_that_cannot_be_read_stops_no_other(self, resource: str) -> None:
        """An object on which reading fails is counted, those behind it are taken in, and what was known of it stays."""
        good = {BUILDS: a_build(), JOBS: a_job(), PODS: a_pod(1)}[resource]
        bad = good | {"metadata": good["metadata"] | {"resourceVersion": "no number", "uid": "bad"}}
        counted: list[str] = []
        store = Store(lambda: NOW, lambda _: None, SetAside(counted.append))
        list(store.replace(resource, [bad, good], 500))
        assert counted == [resource]
        taken = {BUILDS: [store.record(UID)], JOBS: [store.job(UID)], PODS: list(store.pods(UID))}[resource]
        assert [None] != taken != []

    def test_what_is_newer_than_the_list_stays(self, store: Store) -> None:
        """A build that came while the list was on its way is not forgotten."""
        store.apply(BUILDS, a_build(uid="new", version=60))
        list(store.replace(BUILDS, [], 50))
        assert store.uids() == ["new"]

    def test_what_was_deleted_while_the_list_was_on_its_way_stays_away(self, store: Store) -> None:
        """A list taken before a deletion, and handled after it, does not bring the object back."""
        for resource, obj in ((BUILDS, a_build(version=40)), (JOBS, a_job(version=41)), (PODS, a_pod(1, version=42))):
            store.apply(resource, obj)
        for resource, obj in ((BUILDS, a_build(version=61)), (JOBS, a_job(version=62)), (PODS, a_pod(1, version=63))):
            store.apply(resource, obj, deleted=True)
        list(store.replace(JOBS, [a_job(version=41)], 50))
        list(store.replace(PODS, [a_pod(1, version=42)], 50))
        list(store.replace(BUILDS, [a_build(version=40)], 50))
        assert (store.uids(), dict(store.live_jobs.by_namespace), store.pods(UID)) == ([], {}, ())
        assert not store.live_jobs.orphans_by_namespace

    def test_a_missed_deletion_of_a_job_frees_its_place(self, store: Store, rung: Rung) -> None:
        """A Job that is not listed any more rings its build and occupies nothing."""
        store.apply(BUILDS, a_build())
        store.apply(JOBS, a_job())
        rung.clear()
        list(store.replace(JOBS, [], 1000))
        assert not store.live_jobs
        assert rung == [UID]

    def test_a_missed_deletion_of_a_pod_rings_its_build(self, store: Store, rung: Rung) -> None:
        """A pod that is not listed any more is news for its build."""
        store.apply(BUILDS, a_build())
        store.apply(PODS, a_pod(1))
        rung.clear()
        list(store.replace(PODS, [], 1000))
        assert store.pods(UID) == ()
        assert rung == [UID]


moves = st.lists(
    st.tuples(st.sampled_from([BUILDS, JOBS, PODS]), st.integers(min_value=0, max_value=2), st.booleans()), max_size=12
)


@given(moves, st.randoms(use_true_random=False))
def test_a_list_settles_any_history(history: list[tuple[str, int, bool]], random: Any) -> None:
    """After any events in any order, doubled or dropped, one list of each resource makes the store true."""
    store = Store(lambda: NOW, lambda _: None)
    truth: dict[tuple[str, int], Object] = {}
    seen: list[tuple[str, Object, bool]] = []
    made: set[tuple[str, int]] = set()
    for version, (resource, number, alive) in enumerate(history, start=1):
        key = (resource, number)
        if (key in made and key not in truth) or (not alive and key not in truth):
            continue  # a uid that is gone never comes back
        obj = {
            BUILDS: lambda n, v: a_build(uid=f"u{n}", version=v),
            JOBS: lambda n, v: a_job(uid=f"j{n}", build_uid=f"u{n}", version=v),
            PODS: lambda n, v: a_pod(n, build_uid=f"u{n}", version=v),
        }[resource](number, version)
        made.add(key)
        if alive:
            truth[key] = obj
        else:
            del truth[key]
        seen.append((resource, obj, not alive))
    events = [event for event in seen + seen if random.random() < 0.7]
    random.shuffle(events)
    for resource, obj, deleted in events:
        store.apply(resource, obj, deleted=deleted)
    for resource in (JOBS, PODS, BUILDS):
        list(store.replace(resource, [obj for (kind, _), obj in truth.items() if kind == resource], len(history) + 1))
    assert set(store.uids()) == {f"u{number}" for kind, number in truth if kind == BUILDS}
    assert len(store.live_jobs) == sum(kind == JOBS and (BUILDS, number) in truth for kind, number in truth)
    orphans = {number for kind, number in truth if kind != BUILDS and (BUILDS, number) not in truth}
    assert store.live_jobs.orphans_by_namespace.total() == len(orphans)
    assert {uid for uid in ("u0", "u1", "u2") if store.job(uid)} == {f"u{n}" for kind, n in truth if kind == JOBS}
    for number in range(3):
        if (BUILDS, number) in truth:  # pods of a build that is gone matter to nobody
            assert len(store.pods(f"u{number}")) == ((PODS, number) in truth)
