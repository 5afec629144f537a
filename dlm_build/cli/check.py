"""`dlm-build check`: what items lack, as a list for people or a file for programs, with an exit code for CI."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dlm_build.cli.options import output_file_option

if TYPE_CHECKING:
    from dlm_build.checking.explaining import Explanation
    from dlm_build.checking.formats import Look
    from dlm_build.checking.formats.table import Tally
    from dlm_build.checking.many import Given, Result
    from dlm_build.checking.records import Checked, Letter
    from dlm_build.config import Settings
    from dlm_build.fetch import Fetcher
    from dlm_build.progress import Notify

FORMATS = ("list", "json", "jsonl", "sarif", "junit", "markdown", "html")
EXAMPLES = """
\b
Examples:
  dlm-build check item.json                        what it lacks, and how to mend it
  dlm-build check items/ https://…/catalog.json    every item of a folder, a catalogue, an API
  dlm-build check @list.txt --format jsonl         thousands, one line of JSON each
  dlm-build check items/ --fail-under C            for CI: exit code 16 below grade C
  dlm-build check items/ --format sarif -o check.sarif
  dlm-build check --explain source-not-pinned      what a finding means; `all` lists them

\b
Grades:
  A reproducible      weights, digest, code at a commit, locked environment, sample, output
  B rebuildable       A without the digest or the expected output
  C with guesses      weights; a build would decide the rest, each guess is listed
  D image only        no weights that can be run, but a container image that is ready
  E descriptive       neither
  F unread            no model item, or one that cannot be read

\b
Exit codes:
  0  all could be read, and none is below --fail-under
  6 7 9 12 14  the first item that could not be read is invalid, hostile, not there, too large,
               or could not be asked for (without --fail-under)
  14 an item could not be asked for      16 an item is below --fail-under
"""


class _Letter(click.Choice[str]):
    """Small letters are taken too, and are not what a mistake is told to choose from."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).upper(), param, ctx)


@click.command(epilog=EXAMPLES, short_help="Say what items lack to be built and verified; grade them.")
@click.argument("items", metavar="ITEM…", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="list",
    show_default=True,
    help="list for people, json and jsonl for programs, sarif for code scanning, junit for CI, markdown for a comment, "
    "html for a page.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@output_file_option
@click.option(
    "--fail-under",
    metavar="GRADE",
    type=_Letter("ABCDE"),
    help="Exit with 16 if an item is worse than this grade.",
)
@click.option("--explain", metavar="CODE", help="Describe a finding at length, and stop.")
@click.option("--online", is_flag=True, help="Also ask the servers: does each address answer, and with what?")
@click.option(
    "--jobs",
    "-j",
    metavar="N",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many items to check at a time.",
)
@click.option("--config", metavar="FILE", help="Site settings [~/.config/dlm-build/config.toml].")
@click.option("--verbose", "-v", is_flag=True, help="List hygiene findings too, instead of counting them.")
@click.option("--quiet", "-q", is_flag=True, help="One line for each item; no progress.")  # fmt: skip
def check(**given: Any) -> None:
    """Say what items lack to be built and to be verified, grade them A to F, and say how to mend them.

    ITEM is a path, a folder, an http(s) URL, `-` for stdin, or @FILE with one ITEM a line. Nothing is fetched but the
    items themselves, unless --online.
    """
    if given["explain"]:
        _explain(given)
        return
    if not given["items"]:
        raise click.UsageError("name at least one ITEM, or --explain CODE")
    _check(given)


def _explain(given: dict[str, Any]) -> None:
    from dlm_build.checking.explaining import Explanations, explain, explain_all
    from dlm_build.cli.commands import emit

    explained = explain_all() if given["explain"] == "all" else explain(given["explain"])
    if given["as_json"] or given["form"] == "json":
        emit(explained)
    elif isinstance(explained, Explanations):
        for one in explained.findings:
            rank = re.split("[,:]", one.rank, maxsplit=1)[0]
            click.echo(f"{one.code:<38} {rank:<20} {one.message}")
    else:
        _print_explanation(explained)


def _print_explanation(explained: Explanation) -> None:
    click.secho(explained.code, bold=True, nl=False)
    click.echo(f"   {explained.rank}\n\n{_wrapped(explained.message)}")
    for paragraph in explained.paragraphs:
        click.echo(f"\n{_wrapped(paragraph)}")
    if explained.fix:
        click.secho(f"\n{_wrapped('fix: ' + explained.fix)}", fg="green")


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, min(_columns(), 100), break_long_words=False, break_on_hyphens=False)


def _check(given: dict[str, Any]) -> NoReturn:
    from dlm_build.checking.formats.table import Tally, open_format

    look, tally, status = _look(given), Tally(), Status(given["fail_under"])
    form = open_format("json" if given["as_json"] else given["form"], look)
    with _results(given) as results, _writing(given["output"]) as write:
        write(form.begin())
        for checked in _graded(results, tally):
            tally.add(checked)
            status.add(checked)
            write(form.item(checked))
        write(form.end(tally.summary))
    _tell_left_out(given, tally)
    sys.exit(status.code)


def _graded(results: Iterator[Result], tally: Tally) -> Iterator[Checked]:
    """The items among the results; one that says so, where there are other files alone."""
    from dlm_build.checking.many import no_items
    from dlm_build.checking.records import LeftOut

    none = True
    for one in results:
        if isinstance(one, LeftOut):
            tally.leave_out(one)
        else:
            none = False
            yield one
    if none and tally.summary.left_out:
        yield no_items(tally.summary)


def _tell_left_out(given: dict[str, Any], tally: Tally) -> None:
    """On stderr where stdout is for programs: not all formats have a place for it."""
    from dlm_build.checking.formats.table import left_out_line

    line = left_out_line(tally.summary, names=5)
    if line and not given["quiet"] and (given["as_json"] or given["form"] != "list" or given["output"]):
        click.echo(line, err=True)


def _look(given: dict[str, Any]) -> Look:
    from dlm_build.checking.formats.table import Look
    from dlm_build.cli.commands import wants_colour

    terminal = given["output"] is None and sys.stdout.isatty()
    return Look(
        width=_columns() if terminal else 100,
        colour=terminal and wants_colour(),
        verbose=given["verbose"],
        quiet=given["quiet"],
        fail_under=_letter(given["fail_under"]),
    )


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def _letter(text: str | None) -> Letter | None:
    from dlm_build.checking.records import LETTERS

    return None if text is None else LETTERS["ABCDEF".index(text.upper())]


class Status:
    """The exit code of a check, as items pass."""

    def __init__(self, fail_under: str | None) -> None:
        self._limit = _letter(fail_under)
        self._first = 0
        self._below = self._infra = False

    def add(self, checked: Checked) -> None:
        from dlm_build.checking.formats.table import below
        from dlm_build.errors import EXIT_CODES, Outcome

        if checked.outcome is not None:
            self._first = self._first or EXIT_CODES[Outcome(checked.outcome)]
            self._infra = self._infra or checked.outcome == Outcome.INFRA
        self._below = self._below or below(checked.grade.letter, self._limit)

    @property
    def code(self) -> int:
        from dlm_build.errors import EXIT_BELOW_GRADE, EXIT_CODES, Outcome

        if self._limit is None:
            return self._first
        return EXIT_CODES[Outcome.INFRA] if self._infra else EXIT_BELOW_GRADE if self._below else 0


# --- the items ---------------------------------------------------------------------------------------------------


class Asking:
    """What reading items needs of the world; HTTP is there only once it is wanted, since it is slow to load."""

    def __init__(self, settings: Settings, notify: Notify) -> None:
        import time

        self._settings = settings
        self.notify = notify
        self.clock: Callable[[], float] = time.monotonic
        self.stdin: Callable[[], bytes] = sys.stdin.buffer.read

    @cached_property
    def fetch(self) -> Fetcher:
        from dlm_build.fetch import HttpFetcher

        return HttpFetcher(self._settings, notify=self.notify)


@contextmanager
def _results(given: dict[str, Any]) -> Iterator[Iterator[Result]]:
    """Every item, checked, its origin as seen from here."""
    from dlm_build.checking.many import check_all, sources
    from dlm_build.cli.commands import settings_of
    from dlm_build.cli.progress import showing

    if given["online"]:
        with _online(given) as results:
            yield map(_from_here, results)
        return
    with showing(quiet=not _shows_progress(given), verbose=False) as notify:
        doors = Asking(settings_of(given), notify)
        texts = _counted(sources(given["items"], doors), notify)
        yield map(_from_here, check_all(texts, given["jobs"]))


@contextmanager
def _online(given: dict[str, Any]) -> Iterator[Iterator[Result]]:
    from dlm_build.checking.many import check_asking, check_one, sources
    from dlm_build.checking.online import online_findings
    from dlm_build.cli.commands import wired

    with wired(given | {"quiet": not _shows_progress(given)}) as doors:
        texts = _counted(sources(given["items"], doors, follow=True), doors.notify)
        yield check_asking(
            texts, lambda source: check_one(source, lambda item: online_findings(item, doors)), given["jobs"]
        )


def _shows_progress(given: dict[str, Any]) -> bool:
    """Not where results and progress would share one screen."""
    return not given["quiet"] and (given["output"] is not None or not sys.stdout.isatty()) and sys.stderr.isatty()


def _counted(texts: Iterator[Given], notify: Notify) -> Iterator[Given]:
    from dlm_build.progress import Event

    for count, text in enumerate(texts, 1):
        if count % 50 == 0:
            notify(Event(step="check", text="items", done=count, unit="items"))
        yield text


def _from_here(checked: Result) -> Result:
    from msgspec.structs import replace

    from dlm_build.cli.commands import from_here

    origin = from_here(checked.origin)
    return checked if origin == checked.origin else replace(checked, origin=origin)


# --- where it goes -----------------------------------------------------------------------------------------------


@contextmanager
def _writing(path: str | None) -> Iterator[Callable[[str], object]]:
    """To stdout, or to a file."""
    if path is None:
        yield _print
        return
    from dlm_build.cli.files import opened

    with opened(path) as stream:
        yield stream.write


def _print(text: str) -> None:
    if text:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
