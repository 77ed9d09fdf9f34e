"""``publishbuild submit``: a build from flags, from the working copy of git, or from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publishbuild.cli import session
from publishbuild.cli import spec_options as spec
from publishbuild.cli.manifest_file import read_manifest
from publishbuild.cli.options import Timeout, Wait, Watch, Where, on_cluster
from publishbuild.cli.output import SUCCEEDED, ObjectFormat, full_name, refuse, remark, say, say_object
from publishbuild.cli.source import as_url, source_here
from publishbuild.cli.waiting import follow_up

if TYPE_CHECKING:
    from publishbuild.client import BuildOptions, Client

Object = dict[str, Any]

EXAMPLES = """\b
Examples:
  publishbuild submit --credentials expo          # the commit that you stand on; the Secret expo holds EXPO_TOKEN
  publishbuild submit --platform ios --profile preview --no-submit --watch
  publishbuild submit --wait --timeout 2h         # exits 0, 2 failed, 3 cancelled, 4 timed out
  publishbuild submit --git-url https://github.com/acme/app.git --revision v1.2.0
  publishbuild submit -f build.yaml --dry-run

Unless --name or the file says one, the name is made of the app and the commit: shop-9d3f0a8, or
shop-9d3f0a8-ios-preview. Submitting the same again finds that build and starts no second one, so that a script may
be repeated; `publishbuild retry` builds again. A branch or a tag may move, so the names of its builds end in five
random characters.

Tokens and keys never belong on a command line: put them in a Secret and name it with --credentials.
"""

File = Annotated[
    str | None, typer.Option("--file", "-f", metavar="FILE", help="A PublishBuild, - for stdin; flags go over it.")
]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the build; see below.")]
AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Build what is pushed, without what is not pushed or not committed.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Let the API server check it, and print what would be created.")
]
Output = Annotated[ObjectFormat | None, typer.Option("--output", "-o", help="Another form than a sentence.")]


@on_cluster
def submit(
    where: Where,
    file: File = None,
    name: Name = None,
    git_url: spec.GitUrl = None,
    revision: spec.Revision = None,
    path: spec.AppPath = None,
    allow_dirty: AllowDirty = False,
    git_secret: spec.GitSecret = None,
    credentials: spec.Credentials = None,
    platform: spec.Platform = None,
    profile: spec.Profile = None,
    to_stores: spec.ToStores = None,
    submit_profile: spec.SubmitProfile = None,
    priority: spec.Priority = None,
    concurrency_key: spec.ConcurrencyKey = None,
    cancel_previous: spec.CancelPrevious = False,
    backoff_limit: spec.BackoffLimit = None,
    queue_timeout: spec.QueueTimeout = None,
    run_timeout: spec.RunTimeout = None,
    suspend: spec.Suspend = False,
    label: spec.Labels = None,
    dry_run: DryRun = False,
    output: Output = None,
    watch: Watch = False,
    wait: Wait = False,
    timeout: Timeout = None,
) -> None:
    """Ask for a build: it is queued, run and retried in the cluster."""
    options: BuildOptions = {
        "path": path,
        "git_secret": git_secret,
        "platform": platform.value if platform else None,
        "profile": profile,
        "submit": to_stores,
        "submit_profile": submit_profile,
        "credentials_secret": credentials,
        "priority": priority,
        "concurrency_key": concurrency_key,
        "cancel_previous": cancel_previous or None,
        "backoff_limit": backoff_limit,
        "queue_timeout_seconds": queue_timeout,
        "run_timeout_seconds": run_timeout,
        "suspend": suspend or None,
    }
    labels = spec.parse_labels(label)

    async def work(client: Client) -> int:
        from publishbuild.client import build_manifest, overlaid  # noqa: PLC0415  # `--help` needs none of it

        flags = build_manifest(git_url=as_url(git_url), revision=revision, name=name, labels=labels, **options)
        under, app = ({}, "") if file or git_url else source_here(revision, allow_dirty=allow_dirty)
        manifest = overlaid(read_manifest(file) if file else under, flags)
        build = await _create(client, _namespace(where, client, manifest), manifest, app, dry_run, output)
        if dry_run:
            return SUCCEEDED
        return await follow_up(client, build, watch=watch, wait=wait, seconds=timeout, plain=output is None)

    raise typer.Exit(session.run(where, work))


async def _create(
    client: Client, namespace: str, manifest: Object, app: str, dry_run: bool, output: ObjectFormat | None
) -> Object:
    """Create it, and say its name before anything else."""
    from publishbuild.client import named, outcome, submit_build  # noqa: PLC0415  # as above

    done = await submit_build(client.builds, namespace, named(manifest, app), dry_run=dry_run)
    build, what = done.build, "created" if done.created else "unchanged"
    if output is not None:
        say_object(build, output)
    elif dry_run:
        remark(f"{full_name(build)} {what} (dry run)")
        say_object(build, ObjectFormat.YAML)
    else:
        say(f"{full_name(build)} {what}")
    ending = outcome(build)
    if not done.created and ending:
        remark(f"it has ended before ({ending}); to build again: publishbuild retry {build['metadata']['name']}")
    return build


def _namespace(where: Where, client: Client, manifest: Object) -> str:
    written = manifest.get("metadata", {}).get("namespace")
    if written and where.namespace and written != where.namespace:
        refuse(f"the file says namespace {written}, and --namespace says {where.namespace}")
    return str(written or where.namespace or client.namespace)
