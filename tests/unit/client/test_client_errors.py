"""What the API server says, as a user should read it."""

from __future__ import annotations

import pytest

from publishbuild.client import errors
from publishbuild.client.builds import Builds
from publishbuild.client.errors import PublishBuildError
from publishbuild.client.requests import Requests
from tests.builders import a_build
from tests.support.api_standin import Answer, ApiStandIn, a_list, a_status, names_of


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            Answer("404 page not found", 404),
            errors.NoResourceError,
            "publishbuild crd | kubectl apply --server-side -f -",
        ),
        (
            a_status(404, "NotFound", 'publishbuilds.publishbuild.dev "app" not found'),
            errors.NotFoundError,
            'publishbuilds.publishbuild.dev "app" not found in namespace shop',
        ),
        (a_status(404, "NotFound", 'namespaces "shop" not found'), errors.NotFoundError, 'namespaces "shop" not found'),
        (a_status(401, "Unauthorized", "Unauthorized"), errors.UnauthorizedError, "log in again"),
        (
            a_status(403, "Forbidden", "User ada cannot get"),
            errors.ForbiddenError,
            "User ada cannot get (the roles publishbuild-submitter and edit have that right, view to read)",
        ),
        (a_status(409, "AlreadyExists", "exists"), errors.AlreadyExistsError, "exists"),
        (a_status(422, "Invalid", "spec.platform:\n wrong"), errors.RefusedError, "spec.platform: wrong"),
        (a_status(400, "BadRequest", 'unknown field "x"'), errors.RefusedError, 'unknown field "x"'),
        (a_status(429, "TooManyRequests", "later"), errors.UnavailableError, "cannot answer right now: later"),
        (Answer("<html>", 503), errors.UnavailableError, "cannot answer right now"),
    ],
)
async def test_each_refusal_is_one_line_of_its_own_kind(
    requests: Requests, standin: ApiStandIn, answer: Answer, kind: type[PublishBuildError], text: str
) -> None:
    """Each refusal has an exception that programs can tell, and a line that says what is wrong."""
    standin.answers = [answer]
    with pytest.raises(PublishBuildError) as caught:
        await Builds(requests).get("shop", "app")
    assert type(caught.value) is kind
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.status == answer.status


async def test_a_list_is_whole_and_the_oldest_come_first(requests: Requests, standin: ApiStandIn) -> None:
    """All pages are read, and again from the first where they became too old meanwhile."""
    old, new = a_build(name="old"), a_build(name="new")
    old["metadata"]["creationTimestamp"] = "2025-05-01T00:00:00Z"
    standin.answers = [
        a_list(new, more="t1"),
        a_status(410, "Expired", "the continue token is too old"),
        a_list(new, more="t2"),
        a_list(old),
    ]
    assert names_of(await Builds(requests).list_all("shop", selector="a=b")) == ["old", "new"]
    assert [query.get("continue") for _, _, query, _ in standin.asked] == [None, "t1", None, "t2"]
    assert {query["labelSelector"] for _, _, query, _ in standin.asked} == {"a=b"}


async def test_names_stay_names(requests: Requests, standin: ApiStandIn) -> None:
    """A name that holds a slash asks for no other path."""
    standin.answers = [a_status(404, "NotFound", "x")]
    with pytest.raises(errors.NotFoundError):
        await Builds(requests).get("shop", "../../secrets/expo")
    assert standin.asked[0][1].count("/secrets/") == 1  # decoded again on arrival
    assert standin.asked[0][1].startswith("/apis/publishbuild.dev/v1alpha1/namespaces/shop/publishbuilds/")


async def test_a_policys_refusal_advises_no_role(requests: Requests, standin: ApiStandIn) -> None:
    """What an admission policy refuses is told in its own words, without the advice to ask for a role."""
    said = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: spec.priority: 7 is above 5"
    standin.answers = [a_status(403, "Forbidden", said)]
    with pytest.raises(errors.ForbiddenError) as caught:
        await Builds(requests).get("shop", "app")
    assert str(caught.value).endswith("spec.priority: 7 is above 5")
