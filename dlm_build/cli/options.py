"""Options that several commands share, as decorators. Each set stands in `--help` in the order it has here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from dlm_build.cli.choices import ENGINES, compression, some_of

F = TypeVar("F", bound=Callable[..., Any])


def _stdout_is_none(_ctx: click.Context, _option: click.Parameter, path: str | None) -> str | None:
    """`-` is stdout, as an ITEM of that name is stdin."""
    return None if path == "-" else path


def output_file_option(command: F) -> F:
    """Where a document goes, of commands that keep no folder of records."""
    help_text = "Write there instead of to stdout."
    return click.option("--output", "-o", metavar="FILE", callback=_stdout_is_none, help=help_text)(command)


def item_options(command: F) -> F:
    """ITEM and what decides how it is built."""
    for option in reversed(
        [
            click.option("--base", metavar="IMAGE@sha256:…", help="Build on this image instead of the planned one."),
            click.option("--as-of", default="item", metavar="DATE|item|now", show_default=True,
                         help="Use no package newer than DATE, than the item, or than now."),
            click.option("--allow-shell", is_flag=True, help="Accept a `run` command that needs a shell."),
            click.option("--allow-unpinned", is_flag=True, help="Accept code without a commit, as of the item's date."),
        ]
    ):  # fmt: skip
        command = option(command)
    return folder_options(command)


def folder_options(command: F) -> F:
    """ITEM, where its records are, and the options of every step."""
    for option in reversed(
        [
            click.argument("item", metavar="ITEM"),
            click.option("--output", "-o", metavar="DIR", help="Folder for the records [dlm-out/<id>-<hash>]."),
            click.option("--gpu/--no-gpu", default=None, help="Require a GPU, or do not use one [use one if present]."),
        ]
    ):
        command = option(command)
    return source_options(common_options(command))


def source_options(command: F) -> F:
    """Which item is meant, where ITEM is something with several inside."""
    for option in reversed(
        [
            click.option("--id", "item_id", metavar="ID", help="Which item, if ITEM is a catalogue, API or answer."),
            click.option("--collection", metavar="ID", help="In which collection of an API the item is."),
        ]
    ):
        command = option(command)
    return command


def lock_options(command: F) -> F:
    """Which lock is kept."""
    for option in reversed(
        [
            click.option("--lock", metavar="FILE", help="Use this lock.json; refuse if it does not fit the item."),
            click.option("--update", is_flag=True, help="Look everything up again: archive, packages, digests."),
        ]
    ):
        command = option(command)
    return command


def build_options(command: F) -> F:
    """What is made."""
    for option in reversed(
        [
            click.option("--to", "--engine", "to", default="docker", show_default=True, metavar="docker,sif",
                         callback=some_of(ENGINES),
                         help="An image in Docker, a SIF (alone it needs no Docker), or both."),
            click.option("--compression", metavar="zstd[:N]|gzip[:N]|…", callback=compression,
                         help="How to compress the SIF [zstd:4 if possible, else gzip]."),
            click.option("--tag", "-t", metavar="NAME:TAG", help="Tag of the image [dlm/<id>:<context digest>]."),
            click.option("--force", is_flag=True, help="Render and run again, even if that was done before."),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def common_options(command: F) -> F:
    """What every command that tells of a record has."""
    for option in reversed(
        [
            click.option("--config", metavar="FILE", help="Site settings [~/.config/dlm-build/config.toml]."),
            click.option("--json", "as_json", is_flag=True, help="Print the record as JSON on stdout."),
            click.option("--verbose", "-v", is_flag=True, help="Say more on stderr."),
            click.option("--quiet", "-q", is_flag=True, help="Only the result and errors."),
        ]
    ):
        command = option(command)
    return command
