"""`dlm-build migrate ITEM… --into FOLDER`: every item that there is, a file each, and a line on each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from dlm_build.catalogues import SourceText
from dlm_build.catalogues.asked import Unread
from dlm_build.checking.check import unread
from dlm_build.checking.left_out import left_out
from dlm_build.checking.many import sources
from dlm_build.checking.records import LeftOut
from dlm_build.cli.check import Asking
from dlm_build.cli.commands import emit, from_here, settings_of
from dlm_build.cli.migrate import migrated_to, read, write_file
from dlm_build.cli.progress import showing
from dlm_build.errors import EXIT_CODES, DlmBuildError, Outcome, UsageError, shown
from dlm_build.migrating.folder import AllMoved, Moved, Names
from dlm_build.migrating.text import written


def migrate_all(given: dict[str, Any], folder: Path) -> None:
    """Whatever one of them lacks, the others are written. Ends with the exit code of the first that is not."""
    _refuse_to_mix(given, folder)
    done = _into(given, folder)
    if given["as_json"]:
        emit(done)
    elif not given["quiet"]:
        click.echo(_summary(done))
    sys.exit(next((EXIT_CODES[Outcome(one.outcome)] for one in done.items if one.outcome), 0))


def _refuse_to_mix(given: dict[str, Any], folder: Path) -> None:
    for name, option in (("output", "--output"), ("item_id", "--id"), ("collection", "--collection")):
        if given[name] is not None:
            raise click.UsageError(f"{option} is for one item, and --into for all that there are")
    for item in given["items"]:
        if Path(item).is_dir() and folder.resolve().is_relative_to(Path(item).resolve()):
            raise click.UsageError(f"--into {folder} lies in {item}, where the items are read: name a folder elsewhere")


def _into(given: dict[str, Any], folder: Path) -> AllMoved:
    _make(folder)
    found: list[Moved | LeftOut] = []
    names = Names()
    quiet = given["quiet"] or given["as_json"]
    with showing(quiet=quiet, verbose=False) as notify:
        for source in sources(given["items"], Asking(settings_of(given), notify)):
            one = _moved(source, folder, names)
            found.append(replace(one, origin=from_here(one.origin)))
            if not quiet and not isinstance(found[-1], LeftOut):
                click.echo(_line(found[-1]))
    left_out = tuple(one for one in found if isinstance(one, LeftOut))
    return AllMoved(items=tuple(one for one in found if not isinstance(one, LeftOut)), left_out=left_out)


def _moved(source: SourceText | Unread, folder: Path, names: Names) -> Moved | LeftOut:
    """What stands against one item is told of it; what stands against writing any ends it all."""
    if not isinstance(source, SourceText):
        return _not_moved(source.origin, source.problem)
    try:
        item, document = read(source)
        file = str(folder / names.of(item.id))
        migrated = migrated_to(file, item, document)
    except DlmBuildError as problem:
        return left_out(source, unread(problem, source.origin)) or _not_moved(source.origin, problem)
    _refuse_itself(source, file)
    write_file(file, written(migrated.document))
    return Moved(
        origin=source.origin, file=file, kept=migrated.kept, dropped=migrated.dropped, assumed=migrated.assumed
    )


def _refuse_itself(source: SourceText, file: str) -> None:
    if Path(file).resolve() == Path(source.origin).resolve():
        raise UsageError(f"{shown(file)} is the item itself", "name another folder with --into")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"{shown(str(folder))}: {problem.strerror}", "name another folder with --into") from problem


def _not_moved(origin: str, problem: DlmBuildError) -> Moved:
    return Moved(origin=origin, outcome=problem.outcome, problem=problem.message, fix=problem.hint)


def _line(one: Moved) -> str:
    if one.file is None:
        fix = f"\n  fix: {shown(one.fix, 400)}" if one.fix else ""
        return f"{click.style(f'{one.outcome}:', fg='red')} {shown(one.problem, 400)}{fix}"
    counts = ", ".join(f"{len(getattr(one, name))} {name}" for name in ("kept", "assumed", "dropped"))
    return f"{shown(one.file, 300)}  from {shown(one.origin, 300)}: {counts}"


def _summary(done: AllMoved) -> str:
    written = sum(one.file is not None for one in done.items)
    said = [f"{written:,} written", f"{len(done.items) - written:,} not"]
    return ", ".join((*said, f"{len(done.left_out):,} left out as no items") if done.left_out else said)
