"""What each command does: wire the doors, call the story, print the record, choose the exit code."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dlm_build.cli.files import UNWRITABLE
from dlm_build.cli.streams import silence
from dlm_build.errors import (
    EXIT_CODES,
    EXIT_INTERRUPTED,
    DlmBuildError,
    InfraError,
    Outcome,
    UsageError,
    shown_lines,
    spelled,
)

if TYPE_CHECKING:
    from dlm_build.config import Settings
    from dlm_build.doors import Doors, Options
    from dlm_build.records import Record, Report


STDERR = 2
"""Written to by number from a signal handler: the stream may be in the middle of a write."""
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def guarded(command: click.Command) -> NoReturn:
    """Run a click command; turn its end into an exit code. Only a bug shows a traceback."""
    _open_streams()
    for number in INTERRUPTIONS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # where a shell or nohup made us deaf to it, we stay so
            signal.signal(number, _interrupted)
    try:
        _demand_texts()
        command.main(prog_name="dlm-build", standalone_mode=False, color=None if wants_colour() else False)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
        for number in INTERRUPTIONS:
            signal.signal(number, signal.SIG_IGN)  # a closed terminal sends two, and the second would end us by itself
        _say("interrupted; what was finished is kept and will be reused")
        sys.exit(EXIT_INTERRUPTED)
    except DlmBuildError as problem:
        _print_error(problem)
        sys.exit(problem.exit_code)
    except MemoryError:
        from dlm_build.proc import RAISE_LIMITS

        _print_error(InfraError("this machine refuses more memory", RAISE_LIMITS))
        sys.exit(EXIT_CODES[Outcome.INFRA])
    except SystemExit as ended:
        if ended.code == 1:  # none of ours: click's, where nobody reads on what it writes
            ended.code = EXIT_INTERRUPTED
        raise
    except OSError as problem:
        if problem.filename or problem.errno not in UNWRITABLE:
            raise
        silence(sys.stdout)
        _print_error(InfraError(f"cannot write what is to be said: {problem.strerror}", "free space where stdout goes"))
        sys.exit(EXIT_CODES[Outcome.INFRA])
    sys.exit(0)


def wants_colour() -> bool:
    """Whether nothing around asks for none."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _demand_texts() -> None:
    """Findings and help are docstrings, which Python may be told to leave out. Raises UsageError then."""
    if sys.flags.optimize > 1:
        raise UsageError("Python is told to leave out the texts of findings and help", "unset PYTHONOPTIMIZE, or use 1")


def _open_streams() -> None:
    """A closed standard stream leads nowhere, lest its number becomes that of a file that holds something else.

    What the terminal has no letters for is spelled out.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    """On stderr, where there is somebody to hear it."""
    try:
        click.echo(text, err=True)
    except OSError:
        silence(sys.stderr)


def _interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Answers at once: removing thousands of half-made files takes seconds on a busy disk."""
    with contextlib.suppress(OSError):
        os.write(STDERR, b"\nstopping: what is half made is being removed\n")
    raise KeyboardInterrupt


def _print_error(problem: DlmBuildError) -> None:
    kind = "usage" if isinstance(problem, UsageError) else problem.outcome
    _say(click.style(f"{kind}: ", fg="red", bold=True) + shown_lines(problem.message))
    if problem.hint:
        _say(f"  fix: {shown_lines(problem.hint)}")


# --- wiring ------------------------------------------------------------------------------------------------------


def settings_of(given: dict[str, Any]) -> Settings:
    from dlm_build.config import load_settings

    return load_settings(Path(given["config"]) if given.get("config") else None)


@contextlib.contextmanager
def wired(given: dict[str, Any]) -> Iterator[Doors]:
    """The real doors, and progress on stderr for as long as they are open."""
    import time

    from dlm_build.building.docker_engine import DockerEngine
    from dlm_build.cli.progress import showing
    from dlm_build.doors import Doors
    from dlm_build.fetch import HttpFetcher
    from dlm_build.planning import load_tables
    from dlm_build.proc import RealPrograms
    from dlm_build.registry import Registry
    from dlm_build.store import Store

    settings = settings_of(given)
    programs = RealPrograms(settings.environment)
    with showing(quiet=given["quiet"], verbose=given["verbose"]) as notify:
        fetch = HttpFetcher(settings, notify=notify)
        yield Doors(
            settings=settings,
            programs=programs,
            fetch=fetch,
            registry=Registry(fetch, settings),
            store=Store(Path(settings.store)),
            engine=DockerEngine(programs, settings),
            tables=load_tables(),
            notify=notify,
            clock=time.monotonic,
            stdin=sys.stdin.buffer.read,
        )


def options_of(given: dict[str, Any]) -> Options:
    from dlm_build.doors import Options

    named = {name: given[name] for name in Options.__struct_fields__ if name in given}
    if named.get("as_of") == "now":
        named["as_of"] = _today()
    return Options(verify=not given.get("no_verify", False), **named)


def _today() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")


@contextlib.contextmanager
def failing_as_json(given: dict[str, Any]) -> Iterator[None]:
    """With --json a failure too is a report on stdout, with the same exit code."""
    try:
        yield
    except DlmBuildError as problem:
        if not given["as_json"] or isinstance(problem, UsageError):
            raise
        from dlm_build.journal import Journal
        from dlm_build.pipeline import verdict_of

        emit(Journal(lambda: 0.0).report(verdict_of(problem)))
        sys.exit(problem.exit_code)


def emit(record: Record) -> None:
    from dlm_build.records import to_json

    sys.stdout.buffer.write(to_json(record))
    sys.stdout.flush()


def from_here(origin: str) -> str:
    """A path below this folder as a relative one; a name that is no UTF-8 spelled out."""
    return spelled(origin.removeprefix(str(Path.cwd()) + os.sep))


# --- commands ----------------------------------------------------------------------------------------------------


def build(**given: Any) -> None:
    from dlm_build.pipeline import run_item

    options = options_of(given)
    if options.handoff and "sif" not in options.to:
        raise UsageError("--handoff is about a SIF, and none is made", "add --to sif")
    if options.compression and "sif" not in options.to:
        raise UsageError("--compression is about a SIF, and none is made", "add --to sif")
    with wired(given) as doors:
        report = run_item(given["item"], options, doors)
    _finish(report, given, asked_to_verify=options.verify)


def verify(**given: Any) -> None:
    from dlm_build.pipeline import verify_item

    with failing_as_json(given), wired(given) as doors:
        report = verify_item(given["item"], options_of(given), doors)
    _finish(report, given, asked_to_verify=True)


def _finish(report: Report, given: dict[str, Any], *, asked_to_verify: bool) -> NoReturn:
    from dlm_build.cli.show import print_report

    if given["as_json"]:
        emit(report)
    else:
        print_report(report)
    outcome = Outcome(report.verdict.outcome)
    sys.exit(0 if outcome is Outcome.BUILT and not asked_to_verify else EXIT_CODES[outcome])


def plan(**given: Any) -> None:
    from dlm_build.cli.show import print_findings, print_plan
    from dlm_build.pipeline import plan_item, read

    with failing_as_json(given), wired(given) as doors:
        options = options_of(given)
        item = read(given["item"], doors, options)
        try:
            made = plan_item(item, options, doors)
        except DlmBuildError:
            if not given["as_json"]:
                print_findings(item.findings, verbose=given["verbose"])
            raise
    if given["as_json"]:
        emit(made)
    else:
        print_plan(made, verbose=given["verbose"])


def lock(**given: Any) -> None:
    from dlm_build.cli.show import print_lock
    from dlm_build.pipeline import lock_item

    with failing_as_json(given), wired(given) as doors:
        folder, made = lock_item(given["item"], options_of(given), doors)
    if given["as_json"]:
        emit(made)
    else:
        print_lock(made, folder)


def render(**given: Any) -> None:
    from dlm_build.cli.show import print_context
    from dlm_build.pipeline import render_item

    with failing_as_json(given), wired(given) as doors:
        folder, made = render_item(given["item"], options_of(given), doors)
    if given["as_json"]:
        emit(made)
    else:
        print_context(made, folder)


def doctor(made: str | None = None, **given: Any) -> None:
    from dlm_build.cli.show import print_diagnosis
    from dlm_build.doctor import diagnose, diagnose_made

    with wired(given) as doors:
        diagnosis = diagnose_made(Path(made), doors) if made else diagnose(doors)
    if given["as_json"]:
        emit(diagnosis)
    else:
        print_diagnosis(diagnosis, f"run what is in {made}" if made else "build and verify")
    sys.exit(0 if diagnosis.ready else EXIT_CODES[Outcome.INFRA])


def bases_list(**given: Any) -> None:
    from dlm_build.cli.show import print_bases
    from dlm_build.planning import load_tables
    from dlm_build.planning.bases import list_bases

    rows = list_bases(load_tables())
    if given["as_json"]:
        emit(rows)
    else:
        print_bases(rows)


def bases_check(**given: Any) -> None:
    from dlm_build.cli.show import print_base_checks
    from dlm_build.planning.bases import check_bases

    with wired(given) as doors:
        checked = check_bases(doors.tables, doors.registry, doors.notify, everything=given["everything"])
    if given["as_json"]:
        emit(checked)
    else:
        print_base_checks(checked)


def bases_resolve(**given: Any) -> None:
    from dlm_build.planning.bases import resolve_base

    with failing_as_json(given), wired(given) as doors:
        image = resolve_base(given["reference"], doors.registry)
    if given["as_json"]:
        emit(image)
    else:
        click.echo(f"{image.repository}:{image.tag}")
        click.echo(f"  index        {image.index_digest or 'none: a single manifest'}")
        click.echo(f"  linux/amd64  {image.platform_digest or 'not asked'}")
