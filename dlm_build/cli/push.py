"""`dlm-build push`: what was built and verified, to a registry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlm_build.cli.choices import ENGINES, some_of
from dlm_build.cli.options import common_options, source_options

if TYPE_CHECKING:
    from dlm_build.publishing.records import Pushed, PushedPart

EXAMPLES = """
\b
Examples:
  dlm-build push item.json ghcr.io/you/coast:1.0           the image and the SIF, if both were built
  dlm-build push item.json ghcr.io/you/coast --to sif      tagged with the context's digest
  dlm-build push item.json ghcr.io/you/coast:1.0 --sign    sign the SIF with your Apptainer key

\b
Then, anywhere:
  docker pull ghcr.io/you/coast@sha256:…
  apptainer pull coast.sif oras://ghcr.io/you/coast:1.0-sif
  dlm-build verify-sif coast.sif --sha256 …

\b
Exit codes:
  0 pushed, and the registry gives it back      10 hash-mismatch
  2 refused: not verified, a mismatch, a tag in use, no access      14 infra; push again to go on
"""


@click.command(epilog=EXAMPLES, short_help="Push what was built and verified to a registry, by digest.")
@click.argument("item", metavar="ITEM")
@click.argument("target", metavar="REGISTRY/PATH[:TAG]")
@click.option("--to", "to", metavar="docker,sif", callback=some_of(ENGINES), help="What to push [all that was built].")
@click.option("--sign", is_flag=True, help="Sign the SIF first, with a key of Apptainer's keyring.")
@click.option("--key", metavar="FINGERPRINT|N", help="Which key signs [the only one].")
@click.option(
    "--passphrase-file", type=click.Path(exists=True, dir_okay=False), help="The key's passphrase [asked for]."
)
@click.option("--unverified", is_flag=True, help="Push even what was not verified; never a mismatch.")
@click.option("--replace", is_flag=True, help="Move a tag that is used for something else.")
@click.option("--output", "-o", metavar="DIR", help="Folder of the records [dlm-out/<id>-<hash>].")
@source_options
@common_options
def push(**given: Any) -> None:
    """Push the image and the SIF that were built for ITEM to a registry: by digest, then the tag.

    The SIF becomes an ORAS artefact; its tag ends in -sif. Credentials are those of `docker login` or
    `apptainer registry login`.
    """
    from dlm_build.cli.commands import emit, failing_as_json, wired
    from dlm_build.doors import Options
    from dlm_build.fetch import HttpFetcher
    from dlm_build.publishing.admitting import Wanted
    from dlm_build.publishing.push import push_item

    names = ("target", "to", "sign", "key", "unverified", "replace")
    wanted = Wanted(**{name: given[name] for name in names})
    options = Options(**{name: given[name] for name in ("item_id", "collection", "output")})
    with failing_as_json(given), wired(given) as doors:
        web = HttpFetcher(doors.settings, notify=doors.notify)
        pushed = push_item(given["item"], options, wanted, doors, web, _passphrase(given))
    if given["as_json"]:
        emit(pushed)
    else:
        _print(pushed)


def _passphrase(given: dict[str, Any]) -> Callable[[], str | None]:
    """From the file, else from the terminal where there is one."""

    def ask() -> str | None:
        if given["passphrase_file"]:
            return _first_line(Path(given["passphrase_file"]))
        if not sys.stdin.isatty():
            return None
        return str(click.prompt("passphrase of the key", hide_input=True, err=True))

    return ask


def _first_line(path: Path) -> str:
    """Raises UsageError; what the file holds is in no message."""
    from dlm_build.errors import UsageError, shown

    try:
        return path.read_text("utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as problem:
        why = {IndexError: "is empty", UnicodeDecodeError: "is no UTF-8 text"}.get(type(problem), "cannot be read")
        raise UsageError(
            f"--passphrase-file {shown(str(path), 300)} {why}", "its first line is the passphrase"
        ) from None


def _print(pushed: Pushed) -> None:
    for part in pushed.parts:
        _print_part(part)


def _print_part(part: PushedPart) -> None:
    from dlm_build.cli.show import megabytes
    from dlm_build.publishing.admitting import NOT_VERIFIED

    what = "pushed" if part.tagged else "there already"
    click.secho(f"{part.kind:<6}", bold=True, nl=False)
    click.echo(f" {part.reference}  {megabytes(part.size)}, {what} ({part.sent} blobs sent, {part.present} were there)")
    click.echo(f"       {part.digest}")
    if part.replaced:
        click.echo(f"       the tag led to {part.replaced} before")
    good = part.verdict.startswith("matches")
    click.secho(f"       {part.verdict}", fg="green" if good else "yellow", nl=False)
    unsure = "" if good else ": whoever pulls it should know"
    click.echo(unsure if part.verdict != NOT_VERIFIED else f"{unsure}; `dlm-build verify` judges it")
    click.echo(f"       {part.pull}")
    if part.kind == "sif":
        signed = f" --key {part.signed_by}" if part.signed_by else ""
        name = part.pull.split()[-2]
        click.echo(f"       dlm-build verify-sif {name} --sha256 {part.sha256}{signed}")
