"""`dlm-build migrate`: an item said again in MLM, and a list of what somebody should look at."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlm_build.cli.options import output_file_option, source_options

if TYPE_CHECKING:
    from dlm_build.catalogues import SourceText
    from dlm_build.items.document import Document
    from dlm_build.migrating import Migrated
    from dlm_build.records import Item

EXAMPLES = """
\b
Examples:
  dlm-build migrate item.json                    the new item on stdout, the notes on stderr
  dlm-build migrate item.yml -o mlm/item.json    to a file; relative addresses fit its folder
  dlm-build migrate https://…/item.json --json   document and notes as one record
  dlm-build migrate items/ --into mlm/           each item of a folder, a catalogue or @list.txt, called after its id

\b
Notes:
  kept      MLM has no field for it; it stays under `dlm:`, where dlm-build finds it again
  assumed   the schemas require it, and the item does not say it
  dropped   it could not be carried over
"""


@click.command(epilog=EXAMPLES, short_help="Write ITEM as a STAC 1.1 item with the newest MLM.")
@click.argument("items", metavar="ITEM…", nargs=-1, required=True)
@click.option(
    "--to", "target", type=click.Choice(["mlm"]), default="mlm", show_default=True, help="The dialect to write."
)
@output_file_option
@click.option("--into", metavar="FOLDER", help="Write every item that there is into FOLDER, a file each.")
@source_options
@click.option("--json", "as_json", is_flag=True, help="Print document and notes as one record; with --into, the notes.")
@click.option("--config", metavar="FILE", help="Site settings [~/.config/dlm-build/config.toml].")
@click.option("--quiet", "-q", is_flag=True, help="No notes, no progress.")
def migrate(**given: Any) -> None:
    """Write ITEM as a valid STAC 1.1 item with the newest MLM, from any dialect, and list what changed.

    The result is validated against the schemas of STAC and MLM, offline, and describes the same model.
    """
    if given["into"] is None:
        _one(given)
    else:
        from dlm_build.cli.migrate_into import migrate_all

        migrate_all(given, Path(given["into"]))


def _one(given: dict[str, Any]) -> None:
    from dlm_build.cli.commands import emit
    from dlm_build.migrating.text import written

    if len(given["items"]) > 1:
        raise click.UsageError("several items go into a folder: name one with --into FOLDER")
    migrated = migrated_to(given["output"], *read(_source(given)))
    if given["output"] is not None:
        write_file(given["output"], written(migrated.document))
    if given["as_json"]:
        emit(migrated)
    elif given["output"] is None:
        sys.stdout.buffer.write(written(migrated.document).encode())
        sys.stdout.flush()
    if not given["quiet"] and not given["as_json"]:
        _print_notes(migrated)


def _source(given: dict[str, Any]) -> SourceText:
    from dlm_build.catalogues import Asked, resolve
    from dlm_build.cli.check import Asking
    from dlm_build.cli.commands import settings_of
    from dlm_build.cli.progress import showing

    with showing(quiet=given["quiet"], verbose=False) as notify:
        asked = Asked(href=given["items"][0], id=given["item_id"], collection=given["collection"])
        return resolve(asked, Asking(settings_of(given), notify))


def read(source: SourceText) -> tuple[Item, Document]:
    from dlm_build.items.reading import item_of, load

    document = load(source.text, source.origin)
    return item_of(document), document


def migrated_to(file: str | None, item: Item, document: Document) -> Migrated:
    from dlm_build.migrating import migrate as migrated

    return migrated(item, document, None if file is None else _beside(document.origin, file))


def _beside(origin: str, output: str) -> str:
    """Where the new item will stand, in the words of where the old one stands."""
    return str(Path(output).absolute()) if Path(origin).is_absolute() else os.path.relpath(output)


def write_file(output: str, text: str) -> None:
    from dlm_build.cli.files import opened

    with opened(output) as stream:
        stream.write(text)


def _print_notes(migrated: Migrated) -> None:
    from dlm_build.errors import shown

    for name, colour in (("kept", "blue"), ("assumed", "yellow"), ("dropped", "red")):
        for note in getattr(migrated, name):
            click.secho(f"{name:>8} ", fg=colour, nl=False, err=True)
            click.echo(f" {shown(note.pointer or '/', 400)}: {shown(note.reason, 400)}", err=True)
