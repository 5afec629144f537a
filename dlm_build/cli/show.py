"""Records as people read them: short tables on stdout. Item text is escaped before it reaches the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlm_build.errors import EXIT_CODES, Outcome, shown, shown_lines
from dlm_build.records import Check, Context, EngineEnd, Finding, Lock, Plan, Report, Run

if TYPE_CHECKING:
    from rich.console import Console

    from dlm_build.doctor import Diagnosis
    from dlm_build.planning.bases import BaseChecks, BaseRows

GOOD = {Outcome.MATCHES, Outcome.BUILT}
TELLING = {
    Outcome.ITEM_INVALID, Outcome.UNPINNED, Outcome.RAN, Outcome.BUILT, Outcome.MODEL_ERROR, Outcome.MISMATCH,
}  # fmt: skip
"""Ends that what was found in the item may explain."""
TO_BE_LOOKED_AT = {Outcome.RAN, Outcome.MISMATCH}
"""Ends whose fix begins with what the model wrote: an author publishes it, or compares it with what was expected."""
COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}


def print_plan(plan: Plan, *, verbose: bool = False) -> None:
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    click.secho(f"{shown(plan.item_id)}  {shown(plan.title or '')}".rstrip(), bold=True)
    table = Table(box=SIMPLE, pad_edge=False)
    for name in ("decision", "value", "because"):
        table.add_column(name, overflow="fold")
    for decision in plan.decisions:
        source = f" [{decision.source}]" if decision.source else ""
        value, reason = shown(decision.value, 300), shown(decision.reason + source, 400)
        table.add_row(Text(decision.name), Text(value), Text(reason))
    console = _console()
    with console.capture() as drawn:
        console.print(table)
    for line in drawn.get().splitlines():  # which come padded with blanks
        click.echo(line.rstrip())
    print_findings(plan.findings, verbose=verbose)


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def print_findings(findings: Iterable[Finding], *, verbose: bool = False) -> None:
    """Those that matter; hygiene only as a count unless `verbose`."""
    order = {"error": 0, "warning": 1, "info": 2}
    every = sorted(findings, key=lambda f: order[f.severity])
    chosen = every if verbose else [f for f in every if f.severity != "info"]
    for finding in chosen:
        click.secho(f"{finding.severity:>7} ", fg=COLOURS[finding.severity], nl=False)
        click.echo(f" {shown_lines(finding.pointer or '/')}: {shown_lines(finding.message)}")
        if finding.hint:
            click.echo(f"          fix: {shown_lines(finding.hint)}")
    if left := len(every) - len(chosen):
        click.secho(f"   info  {left} more of no consequence; -v shows them", dim=True)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def print_lock(lock: Lock, folder: Path) -> None:
    conda = sum(1 for p in lock.packages if p.manager == "conda")
    wheels = _counted(len(lock.packages) - conda, "wheel")
    size = sum(p.size or 0 for p in lock.packages)
    click.secho(f"locked  {shown(lock.plan.item_id)}", bold=True)
    click.echo(f"  base         {lock.base.repository}:{lock.base.tag}")
    click.echo(f"               {lock.base.digest}")
    click.echo(f"  environment  {_counted(conda, 'conda package')}, {wheels}, {megabytes(size)}")
    click.echo(f"  archive      sha256 {lock.plan.archive.sha256}, {megabytes(lock.plan.archive.size)}")
    if lock.plan.source:
        click.echo(f"  source       {shown(lock.plan.source.url)} at {lock.plan.source.commit}")
    click.echo(f"  lock digest  {lock.digest}")
    click.echo(f"written to {shown(str(folder), 300)}: lock.json, conda-lock.yml, explicit.txt, plan.json")


def print_context(context: Context, folder: Path) -> None:
    size = sum(file.size for file in context.files)
    click.secho(f"rendered  {len(context.files)} files, {megabytes(size)}", bold=True)
    click.echo(f"  context digest  {context.digest}")
    click.echo(f"written to {shown(str(folder), 300)}; with a network it also builds alone:")
    click.echo(f"  {shown(shlex.join(('docker', 'build', str(folder))), 400)}")


def print_report(report: Report) -> None:
    """The short human summary; everything else is in report.json."""
    if report.item and report.verdict.outcome in TELLING:
        print_findings(_findings(report))
    if report.image:
        image = report.image
        click.echo(f"image    {image.reference}  {megabytes(image.size)}")
        click.echo(f"         {image.digest}")
    if report.sif:
        click.echo(f"sif      {shown(report.sif.path, 400)}  {megabytes(report.sif.size)}, {report.sif.compression}")
        click.echo(f"         sha256 {report.sif.sha256}")
    for path in report.handoff:
        click.echo(f"handoff  {shown(path, 400)}")
    for end in report.engines:
        _print_end(end, several=len(report.engines) > 1)
    _print_verdict(report)
    reused = [step.name for step in report.steps if step.reused]
    times = ", ".join(f"{step.name} {step.seconds:.1f} s" for step in report.steps if not step.reused)
    done = f"already done: {', '.join(reused)}" if reused else ""
    click.secho("; ".join(filter(None, (times, done))), dim=True)


def _findings(report: Report) -> tuple[Finding, ...]:
    if report.plan:
        return report.plan.findings
    return report.item.findings if report.item else ()


def _print_end(end: EngineEnd, *, several: bool) -> None:
    if several:
        click.secho(f"in the {'image' if end.engine == 'docker' else 'SIF'}", bold=True)
    if end.run:
        _print_run(end.run)
    for check in end.verdict.checks:
        _print_check(check)
    if end.run and end.run.outputs and end.verdict.outcome in TO_BE_LOOKED_AT:
        click.echo(f"outputs  {shown(end.run.output_folder, 400)}")


def _print_run(run: Run) -> None:
    least = "at least " if run.peak_sampled else ""
    memory = f", peak memory {least}{megabytes(run.peak_memory)}" if run.peak_memory else ""
    device = f"{run.device.upper()} {run.gpu_name or ''}".strip()
    click.echo(f"run      {run.end} in {run.seconds:.1f} s on {device} ({shown(run.device_reason)}){memory}")
    if run.end != "finished" and run.log_tail:
        for line in run.log_tail.strip().splitlines()[-15:]:
            click.echo(f"    | {shown(line, 200)}")


def _print_check(check: Check) -> None:
    mark, colour = ("pass", "green") if check.passed else ("FAIL", "red")
    told = isinstance(check.measured, float) or check.measured != check.limit
    figures = f"  {_figure(check.measured)} (limit {_figure(check.limit)})" if told else ""
    click.secho(f"  {mark}  ", fg=colour, nl=False)
    click.echo(f"{shown(check.name)}{figures}  {shown(check.detail, 200)}".rstrip())


def _figure(value: float | str | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else shown(str(value))


def _print_verdict(report: Report) -> None:
    verdict = report.verdict
    outcome = Outcome(verdict.outcome)
    where = f" on {verdict.device.upper()}" if verdict.device else ""
    relaxed = " (limits relaxed by the item)" if verdict.relaxed else ""
    click.secho(f"{outcome}{where}{relaxed}", fg="green" if outcome in GOOD else "red", bold=True, nl=False)
    code = "" if outcome in GOOD else f"  [exit {EXIT_CODES[outcome]}]"
    click.echo(f"  {shown_lines(verdict.summary)}{code}")
    if verdict.hint:
        click.echo(f"  fix: {shown_lines(verdict.hint)}")


def print_diagnosis(diagnosis: Diagnosis, what: str = "build and verify") -> None:
    marks = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "missing": ("missing", "red")}
    for finding in diagnosis.lines:
        mark, colour = marks[finding.state]
        click.secho(f"{mark:>8}  ", fg=colour, nl=False)
        click.echo(f"{finding.name:<22} {shown_lines(finding.detail)}")
        if finding.fix:
            click.echo(f"{'':>10}{'':<22} fix: {shown_lines(finding.fix)}")
    how = " with --to sif" if diagnosis.only_sif else ""
    ready = f"ready to {shown(what, 300)}{how}" if diagnosis.ready else "not ready: mend what is marked missing"
    click.secho(ready, bold=True)


def print_bases(rows: BaseRows) -> None:
    width = max((len(f"{row.repository}:{row.tag}") for row in rows.rows), default=0)
    for row in rows.rows:
        age = "superseded" if row.superseded else ""
        name = f"{row.repository}:{row.tag}"
        click.echo(f"{name:<{width}}  {row.digest}  {row.kind:<15} {row.trust:<18} {age}".rstrip())


def print_base_checks(checked: BaseChecks) -> None:
    colours = {"alive": "green", "dead": "red", "unreachable": "yellow"}
    for row in checked.rows:
        click.secho(f"{row.state:<12}", fg=colours.get(row.state), nl=False)
        click.echo(f"{row.repository}:{row.tag}  {row.digest}  {shown(row.detail)}".rstrip())


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.2f} GB"
