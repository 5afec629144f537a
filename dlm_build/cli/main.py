"""`dlm-build`: the commands and their options."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from typing import Any

import click

from dlm_build import __version__
from dlm_build.cli import commands
from dlm_build.cli.check import check
from dlm_build.cli.choices import ENGINES, some_of
from dlm_build.cli.migrate import migrate
from dlm_build.cli.options import build_options, common_options, folder_options, item_options, lock_options
from dlm_build.cli.push import push
from dlm_build.cli.schema import schema
from dlm_build.cli.verify_sif import verify_sif

HANDOFFS = ("slurm", "lmod")
EXAMPLES = """
\b
Examples:
  dlm-build item.json                      build the image, run the packaged sample, judge it
  dlm-build plan item.json                 what would be built, and why
  dlm-build item.json --no-gpu --json      on the CPU; the report as JSON on stdout
  curl -s https://…/item.json | dlm-build -
  dlm-build catalog.json --id coast        an item inside a catalogue, a search answer, an API
  dlm-build item.json --to sif             one SIF file for Apptainer, made and tested without Docker
  dlm-build verify item.json               run and judge what was built before
  dlm-build check items/                   what items lack to be built and verified, with grades
  dlm-build push item.json ghcr.io/you/coast:1.0   publish what was verified, by digest
  dlm-build migrate item.json -o mlm.json  the item rewritten in MLM
  dlm-build doctor                         what this machine can do

\b
Exit codes:
  0 matches (or built, with --no-verify)   8 unpinned         13 timeout
  2 wrong option or setting                9 source-gone      14 infra
  3 ran (no expected output)              10 hash-mismatch    15 built (nothing to run)
  4 mismatch      5 model-error           11 gpu-incompatible
  6 item-invalid  7 item-hostile          12 resource        16 below --fail-under of check
                                         130 interrupted
"""
PLAN_EXAMPLES = """
\b
Examples:
  dlm-build plan item.json -v                             also shows where each reason comes from
  dlm-build plan item.json --base nvidia/cuda@sha256:…    what would another base change?
"""
LOCK_EXAMPLES = """
\b
Examples:
  dlm-build lock item.json --as-of now         the newest packages, not those of the item's date
  dlm-build lock item.json --lock lock.json    does this lock still fit the item?
"""
RENDER_EXAMPLES = """
\b
Examples:
  dlm-build render item.json -o out    then: docker build out/context
"""
VERIFY_EXAMPLES = """
\b
Examples:
  dlm-build verify item.json                   all that was built and is not judged yet
  dlm-build verify item.json --to sif --gpu    the SIF, on this machine's GPU
"""
DOCTOR_EXAMPLES = """
\b
Examples:
  dlm-build doctor              can it build, run and judge?
  dlm-build doctor --for DIR    can it run what was made: processor, GPU, driver, glibc, space, whole file?
"""


class DefaultToBuild(click.Group):
    """`dlm-build item.json` is `dlm-build build item.json`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks = args[:1] in (["--help"], ["-h"], ["--version"])
        operands = [] if asks else list(_operands(args, self.commands["build"]))
        if args and not asks and (not operands or operands[0] not in self.commands):
            self._refuse_misspelt(ctx, operands)
            args = ["build", *args]
        return super().parse_args(ctx, args)

    def _refuse_misspelt(self, ctx: click.Context, operands: list[str]) -> None:
        """A plain word before an ITEM, or one that is nearly a command's and no file's, was meant as a command."""
        word = operands[0] if operands else ""
        if not re.fullmatch(r"[A-Za-z][A-Za-z_-]*", word) or os.path.lexists(word):
            return
        near = difflib.get_close_matches(word.lower(), self.commands, n=1)
        if near or len(operands) > 1:
            said = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(self.commands))}"
            raise click.UsageError(f"{word!r} is neither a command nor a file: {said}", ctx)


def _operands(args: list[str], command: click.Command) -> Iterator[str]:
    """The words that are neither options of `command` nor values of them, as far as `--`, which says that ITEM follows.

    Where the first is a command, the options of another are not told from their values behind it.
    """
    options = [option for option in command.params if isinstance(option, click.Option)]
    with_value = {name for option in options if not option.is_flag for name in option.opts}
    words = iter(args)
    for word in words:
        if word == "--":
            return
        if word in with_value:
            next(words, None)
        elif word == "-" or not word.startswith("-"):
            yield word


@click.group(cls=DefaultToBuild, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dlm-build")
def cli() -> None:
    """Build the container a STAC model item promises, pinned to the byte, and prove it with the packaged sample.

    `dlm-build ITEM` is `dlm-build build ITEM`. ITEM is a path (JSON or YAML), an http(s) URL, or - for stdin.
    With --id it may be something with items inside: a STAC catalogue or API, an OGC API, a CKAN dataset.
    """


@cli.command(epilog=EXAMPLES, short_help="Do the whole job, from reading the item to the verdict.")
@item_options
@lock_options
@build_options
@click.option("--no-verify", is_flag=True, help="Stop after the build.")
@click.option(
    "--handoff",
    metavar="slurm,lmod",
    callback=some_of(HANDOFFS),
    help="With --to sif: also write a batch script and a module file that run it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; lock, build and run nothing.")
def build(dry_run: bool, **given: Any) -> None:
    """Do the whole job: read, plan, lock, render, build, run the sample, judge it."""
    commands.plan(**given) if dry_run else commands.build(**given)


@cli.command(epilog=PLAN_EXAMPLES, short_help="Print every decision with its reason; build nothing.")
@item_options
def plan(**given: Any) -> None:
    """Print every decision with its reason; nothing is built, and no record is written."""
    commands.plan(**given)


@cli.command(epilog=LOCK_EXAMPLES, short_help="Pin every package, base image and archive by its sha256.")
@item_options
@lock_options
def lock(**given: Any) -> None:
    """Pin every package, base image and archive: write lock.json, conda-lock.yml and explicit.txt."""
    commands.lock(**given)


@cli.command(epilog=RENDER_EXAMPLES, short_help="Write the Dockerfile, the Apptainer.def and all they need.")
@item_options
@lock_options
def render(**given: Any) -> None:
    """Write a folder that `docker build` can build without dlm-build."""
    commands.render(**given)


@cli.command(epilog=VERIFY_EXAMPLES, short_help="Run the packaged sample in what was built, and judge it.")
@folder_options
@click.option("--to", "--engine", "to", metavar="docker,sif", callback=some_of(ENGINES),
              help="What to run [all that was built].")  # fmt: skip
@click.option("--force", is_flag=True, help="Run again, even if that was done before.")
def verify(**given: Any) -> None:
    """Run the packaged sample in what was built before, image or SIF, and judge the output."""
    commands.verify(**given)


@cli.command(epilog=DOCTOR_EXAMPLES)
@click.option("--for", "made", metavar="DIR", help="Say if this machine can run what a build left in DIR.")
@common_options
def doctor(**given: Any) -> None:
    """Say what this machine can do, and how to mend what is missing."""
    commands.doctor(**given)


@cli.group()
def bases() -> None:
    """The table of pinned base images."""


@bases.command("list")
@common_options
def bases_list(**given: Any) -> None:
    """Print the table."""
    commands.bases_list(**given)


@bases.command("check")
@common_options
@click.option("--all", "everything", is_flag=True, help="Superseded and doubtful pins too.")
def bases_check(**given: Any) -> None:
    """Ask the registry, or its mirror, which pins it still has."""
    commands.bases_check(**given)


@bases.command("resolve")
@click.argument("reference", metavar="IMAGE[:TAG|@sha256:…]")
@common_options
def bases_resolve(**given: Any) -> None:
    """Print the index and linux/amd64 digests an image has today."""
    commands.bases_resolve(**given)


cli.add_command(check)
cli.add_command(migrate)
cli.add_command(push)
cli.add_command(schema)
cli.add_command(verify_sif)


def main() -> None:
    """Entry point of the `dlm-build` program."""
    commands.guarded(cli)
