"""How the marked blocks of a page are read, and when what a command prints is what the page shows."""

from __future__ import annotations

import pytest

from tests.support.cluster import ROOT
from tests.support.runnable_blocks import Command, SavedFile, steps_of

PAGE = """\
# A page

<!-- file: build.yaml -->
```yaml
kind: PublishBuild
```

```console
$ rm -rf not-marked
```

<!-- run -->
```console
$ kubectl apply \\
    -f build.yaml
created
$ kubectl get pb
NAME   AGE
app    …
```
"""


def test_marked_blocks_are_read_in_order_and_no_others() -> None:
    """Files and commands come in the order of the page; what is not marked is left alone."""
    assert steps_of(PAGE) == [
        SavedFile("build.yaml", "kind: PublishBuild\n"),
        Command("kubectl apply -f build.yaml", ("created",)),
        Command("kubectl get pb", ("NAME   AGE", "app    …")),
    ]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("a\n\n<!-- run -->\n\nno block\n", "no block of code follows <!-- run --> in line 3"),
        ("<!-- run -->\n```console\nkubectl get pb\n```\n", "begins with"),
    ],
)
def test_a_mark_that_would_run_nothing_is_refused(page: str, said: str) -> None:
    """A mark without a block, or a block without a command, is an error that names it."""
    with pytest.raises(ValueError, match=said):
        steps_of(page)


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        ((), "anything", None),
        (("NAME  AGE", "app …"), "NAME      AGE\napp       2m6s\n", None),
        (("app Succeeded",), "app   Failed\n", "app Succeeded"),
        (("second", "first"), "first\nsecond\n", "first"),
        (("app deleted…",), "app deleted from namespace t-1\n", None),
    ],
)
def test_shown_lines_must_be_printed_in_order(shown: tuple[str, ...], printed: str, missing: str | None) -> None:
    """Each shown line is among what is printed, in order, however it is spaced; ``…`` is anything."""
    assert Command("x", shown).missing(printed) == missing


def test_the_pages_that_people_follow_are_run() -> None:
    """The quickstart and the operator's guide have blocks that the integration test runs."""
    for name in ("quickstart.md", "operations.md"):
        assert any(isinstance(step, Command) for step in steps_of((ROOT / "docs" / name).read_text())), name
