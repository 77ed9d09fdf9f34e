"""Manifests from a few words, their names, builds asked for twice, and builds again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishbuild.client.builds import Builds
from publishbuild.client.errors import AlreadyExistsError, PublishBuildError
from publishbuild.client.manifest import build_manifest, dns_name, named, overlaid, repository_name
from publishbuild.client.requests import Requests
from publishbuild.client.retrying import retry_build, retry_manifest, retry_name
from publishbuild.client.submitting import differences, submit_build
from publishbuild.models.spec import PublishBuildSpec
from tests.builders import COMMIT, GIT_URL, a_build, a_spec
from tests.support.api_standin import Answer, ApiStandIn, a_list, a_status

TAKEN = a_status(409, "AlreadyExists", "exists")


def ended(reason: str = "BackoffLimitExceeded", status: str = "False") -> dict[str, Any]:
    return {"phase": "Failed", "conditions": [{"type": "Succeeded", "status": status, "reason": reason}]}


class TestManifests:
    def test_only_what_is_given_is_written(self) -> None:
        """What is left open stays open, so that the cluster's defaults hold."""
        made = build_manifest(git_url=GIT_URL)
        assert made["spec"] == {"source": {"git": {"url": GIT_URL}}}
        assert "metadata" not in made

    def test_each_option_reaches_its_field(self) -> None:
        """Every option is a field of the spec, and the whole is a good spec."""
        made = build_manifest(
            name="app",
            labels={"app": "shop"},
            git_url=GIT_URL,
            revision=COMMIT,
            path="apps/shop",
            git_secret="deploy-key",
            platform="ios",
            profile="preview",
            submit=False,
            submit_profile="store",
            credentials_secret="expo",
            priority=0,
            concurrency_key="shop",
            cancel_previous=True,
            backoff_limit=0,
            queue_timeout_seconds=60,
            run_timeout_seconds=600,
            suspend=True,
        )
        assert made["metadata"] == {"name": "app", "labels": {"app": "shop"}}
        assert made["spec"] == {
            "source": {
                "git": {"url": GIT_URL, "revision": COMMIT, "path": "apps/shop", "secretRef": {"name": "deploy-key"}}
            },
            "platform": "ios",
            "profile": "preview",
            "submit": {"enabled": False, "profile": "store"},
            "credentialsSecretRef": {"name": "expo"},
            "priority": 0,
            "concurrencyKey": "shop",
            "concurrencyPolicy": "CancelPrevious",
            "backoffLimit": 0,
            "queueTimeoutSeconds": 60,
            "runTimeoutSeconds": 600,
            "suspend": True,
        }
        PublishBuildSpec.model_validate(made["spec"])

    def test_flags_go_over_a_file_field_by_field(self) -> None:
        """What a flag does not name stays as the file says."""
        under = {"metadata": {"labels": {"a": "1"}}, "spec": a_spec(platform="ios")}
        over = build_manifest(revision="v2", platform="android", labels={"b": "2"})
        made = overlaid(under, over)
        assert made["metadata"]["labels"] == {"a": "1", "b": "2"}
        assert made["spec"] == {"source": {"git": {"url": GIT_URL, "revision": "v2"}}, "platform": "android"}
        assert under["spec"] == a_spec(platform="ios")


class TestNames:
    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({}, "shop-9d3f0a8"),
            ({"platform": "all", "profile": "production"}, "shop-9d3f0a8"),
            ({"platform": "ios"}, "shop-9d3f0a8-ios"),
            ({"platform": "ios", "profile": "Pre_view"}, "shop-9d3f0a8-ios-pre-view"),
        ],
    )
    def test_a_commit_gives_the_same_name_each_time(self, fields: dict[str, Any], name: str) -> None:
        """The same app, commit, platform and profile have one name, so that asking twice is building once."""
        assert named(build_manifest(git_url=GIT_URL, revision=COMMIT, **fields), "shop")["metadata"] == {"name": name}

    def test_what_may_move_gets_a_new_name_each_time(self) -> None:
        """A branch or tag says something else tomorrow: the API server makes the name."""
        assert named(build_manifest(git_url=GIT_URL, revision="release/2.0"))["metadata"] == {
            "generateName": "app-release-2-0-"
        }

    def test_a_name_that_is_given_stays(self) -> None:
        """Neither a name nor a generateName is touched."""
        for metadata in ({"name": "mine"}, {"generateName": "mine-"}):
            assert named({"metadata": metadata, "spec": a_spec()}, "shop")["metadata"] == metadata

    @given(st.text(), st.text(), st.sampled_from([44, 50]))
    def test_a_name_is_always_one(self, word: str, ending: str, room: int) -> None:
        """Whatever an app and a branch are called, the name is one that Kubernetes takes, and short enough."""
        name = dns_name(word, ending, room=room)
        assert 1 <= len(name) <= room
        assert name.replace("-", "").isascii()
        assert name == name.lower().strip("-")
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")

    def test_a_long_app_gives_way_to_the_commit(self) -> None:
        """The commit stays readable however long the app's name is."""
        made = named(
            build_manifest(git_url=GIT_URL, revision=COMMIT), "the-longest-name-of-an-app-that-anybody-has-seen-yet"
        )
        assert made["metadata"]["name"].endswith("-9d3f0a8")
        assert len(made["metadata"]["name"]) == 50

    @pytest.mark.parametrize(
        ("url", "name"),
        [(GIT_URL, "app"), ("ssh://git@git.example/acme/shop", "shop"), ("file:///srv/git/shop.git/", "shop")],
    )
    def test_a_repositorys_name(self, url: str, name: str) -> None:
        """The last part of its URL, without .git."""
        assert repository_name(url) == name


class TestAskingTwice:
    def test_specs_that_mean_the_same_do_not_differ(self) -> None:
        """Defaults that the API server filled in, and fields that may change, are no difference."""
        stored = PublishBuildSpec.model_validate(a_spec()).to_wire() | {"priority": 5, "suspend": True, "cancel": True}
        assert differences(a_spec(), stored) == []

    def test_specs_that_differ_name_their_fields(self) -> None:
        """Each field that differs is named, also where only one has it."""
        assert differences(a_spec(platform="ios"), a_spec(retryOf="app")) == ["spec.platform", "spec.retryOf"]

    async def test_the_same_build_is_found_again(self, requests: Requests, standin: ApiStandIn) -> None:
        """A request that was sent before, or whose answer was lost, finds its build."""
        standin.answers = [TAKEN, Answer(a_build(name="app"))]
        done = await submit_build(Builds(requests), "shop", a_build(name="app"))
        assert not done.created

    async def test_another_build_of_that_name_is_an_error(self, requests: Requests, standin: ApiStandIn) -> None:
        """Nobody gets a build that they did not ask for."""
        standin.answers = [TAKEN, Answer(a_build(name="app", platform="ios"))]
        with pytest.raises(AlreadyExistsError, match=r"another build is named app: spec.platform differ"):
            await submit_build(Builds(requests), "shop", a_build(name="app"))


class TestRetries:
    @pytest.mark.parametrize(
        ("name", "taken", "next_name"),
        [
            ("app", (), "app-r2"),
            ("app", ("app-r2", "app-r3"), "app-r4"),
            ("app-r2", (), "app-r3"),
            ("app-r9", ("app-r2",), "app-r3"),
            ("app-rc", (), "app-rc-r2"),
            ("a" * 50, (), "a" * 47 + "-r2"),
            ("a" * 46 + "-b-c", (), "a" * 46 + "-r2"),
        ],
    )
    def test_the_next_name(self, name: str, taken: tuple[str, ...], next_name: str) -> None:
        """Retries count up from the first build's name, within the longest name."""
        assert retry_name(name, taken) == next_name

    def test_a_retry_asks_for_the_same(self) -> None:
        """Spec and labels stay, but for what held or stopped the old one and what makes a GitOps tool remove it."""
        build = a_build(platform="ios", cancel=True, suspend=True, retryOf="older", runner={"image": "x"})
        build["metadata"]["labels"] = {"app": "shop", "app.kubernetes.io/instance": "argo"}
        build["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "x"}
        made = retry_manifest(build, ())
        assert made["metadata"] == {"name": "app-1-r2", "labels": {"app": "shop"}}
        assert made["spec"] == a_spec(platform="ios", runner={"image": "x"}, retryOf="app-1")

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (ended("Succeeded", "True"), "has succeeded: --force publishes it once more"),
            ({"phase": "Running"}, "has not ended (it is Running) and retries by itself: cancel it first"),
            ({}, "has not ended (it is new)"),
        ],
    )
    async def test_what_has_not_failed_is_not_built_again(
        self, requests: Requests, standin: ApiStandIn, status: dict[str, Any], text: str
    ) -> None:
        """A build that succeeded or still runs is published once more only where that is said."""
        standin.answers = [Answer(a_build(status=status))]
        with pytest.raises(PublishBuildError) as caught:
            await retry_build(Builds(requests), "shop", "app-1")
        assert text in str(caught.value)

    @pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "Cancelled"])
    async def test_two_who_retry_at_once_get_a_build_each(
        self, requests: Requests, standin: ApiStandIn, reason: str
    ) -> None:
        """A name that somebody else took meanwhile is passed over."""
        build = a_build(status=ended(reason))
        standin.answers = [Answer(build), a_list(build), TAKEN, Answer(a_build(name="app-1-r3"))]
        await retry_build(Builds(requests), "shop", "app-1")
        assert [body["metadata"]["name"] for _, _, _, body in standin.asked if body] == ["app-1-r2", "app-1-r3"]
