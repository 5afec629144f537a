"""How a command ends: exit codes, reports of failures, and what a terminal may be sent."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import click
import pytest

from dlm_build.cli import commands
from dlm_build.cli.commands import failing_as_json, guarded, options_of, wired
from dlm_build.errors import EXIT_CODES, InfraError, ItemInvalid, Outcome, UsageError
from dlm_build.records import Report, Verdict, from_json

HOSTILE = "bad \x1b]0;owned\x07 \u202e name"


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in commands.INTERRUPTIONS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def argv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["dlm-build"])


def ending(work: Callable[[], object]) -> int:
    @click.command()
    def command() -> None:
        work()

    with pytest.raises(SystemExit) as ended:
        guarded(command)
    return int(ended.value.code or 0)


def raising(problem: BaseException) -> Callable[[], NoReturn]:
    def work() -> NoReturn:
        raise problem

    return work


# --- the end of the process ----------------------------------------------------------------------------------------


def test_an_error_becomes_its_code_and_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(raising(ItemInvalid("no weights\n  at /assets", "add them"))) == 6
    told = capsys.readouterr()
    assert told.out == "" and told.err == "item-invalid: no weights\n  at /assets\n  fix: add them\n"


def test_want_of_memory_is_infra(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(raising(MemoryError())) == 14
    assert "refuses more memory" in capsys.readouterr().err


def test_a_python_that_leaves_out_texts_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "flags", SimpleNamespace(optimize=2))
    assert ending(raising(ZeroDivisionError())) == 2
    assert "unset PYTHONOPTIMIZE" in capsys.readouterr().err


def test_usage_is_told_apart_from_infra(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(raising(UsageError("m"))) == 2
    assert ending(raising(InfraError("m"))) == 14
    assert capsys.readouterr().err == "usage: m\ninfra: m\n"


def test_errors_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ending(raising(ItemInvalid(HOSTILE, HOSTILE)))
    err = capsys.readouterr().err
    assert "\x1b" not in err and "\u202e" not in err and err.count("\\x1b]0;owned\\x07 \\u202e") == 2


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        guarded(click.Command("c", callback=lambda: 1 / 0))


@pytest.mark.parametrize(
    "work",
    [raising(KeyboardInterrupt()), raising(click.Abort()), lambda: os.kill(os.getpid(), signal.SIGTERM)],
    ids=["Ctrl-C", "click's", "SIGTERM"],
)
def test_interruptions_end_alike(work: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(work) == 130
    assert capsys.readouterr().err.count("interrupted; what was finished is kept") == 1


@pytest.mark.parametrize("number", commands.INTERRUPTIONS)
def test_an_interruption_is_answered_before_anything_is_tidied_up(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    def slow() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            assert "stopping: what is half made is being removed" in capfd.readouterr().err

    assert ending(slow) == 130
    assert "interrupted; what was finished is kept" in capfd.readouterr().err


@pytest.mark.parametrize("number", commands.INTERRUPTIONS)
def test_a_second_interruption_does_not_take_the_code_of_the_first(number: signal.Signals) -> None:
    assert ending(raising(KeyboardInterrupt())) == 130
    assert signal.getsignal(number) is signal.SIG_IGN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["in the background", "nohup"])
def test_a_job_that_was_made_deaf_to_a_signal_stays_deaf(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    assert ending(lambda: os.kill(os.getpid(), number)) == 0


def test_a_closed_pipe_is_an_interruption_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    inlet, outlet = os.pipe()
    os.close(inlet)
    with os.fdopen(outlet, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        assert ending(lambda: print("matches", flush=True)) == 130
        os.dup2(os.open(os.devnull, os.O_WRONLY), outlet)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_result_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert ending(lambda: click.echo("matches")) == 14
    assert capsys.readouterr().err == (
        "infra: cannot write what is to be said: No space left on device\n  fix: free space where stdout goes\n"
    )


def test_another_error_of_the_system_is_a_bug() -> None:
    problem = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file")
    with pytest.raises(OSError, match="some/file"):
        guarded(click.Command("c", callback=raising(problem)))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_an_end_that_nobody_can_hear_keeps_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert ending(raising(ItemInvalid("no weights", "add them"))) == 6


def test_closed_standard_streams_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert ending(lambda: print(sys.stdin.read(), file=sys.stderr)) == 0
    assert {sys.stdin.name, sys.stdout.name, sys.stderr.name} == {os.devnull}
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()


def test_a_terminal_without_the_letters_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="latin-1") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert ending(lambda: click.echo("ü → ─")) == 0
    assert (tmp_path / "out").read_text("latin-1") == "ü \\u2192 \\u2500\n"


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_left_out_where_they_are_not_wanted(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert commands.wants_colour() is wanted


@pytest.mark.parametrize("options", [{"handoff": ("slurm",)}, {"compression": "gzip"}])
def test_what_is_about_a_sif_is_refused_where_none_is_made(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="about a SIF") as refused:
        commands.build(item="item.json", to=("docker",), as_json=False, quiet=True, verbose=False, **options)
    assert refused.value.hint == "add --to sif"


# --- failures as reports -------------------------------------------------------------------------------------------


def test_with_json_a_failure_is_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, failing_as_json({"as_json": True}):
        raise ItemInvalid("m", "h")
    report = from_json(Report, capsys.readouterr().out.encode())
    assert ended.value.code == 6
    assert report.verdict == Verdict(outcome="item-invalid", summary="m", hint="h") and report.item is None


@pytest.mark.parametrize(
    ("as_json", "problem"), [(False, ItemInvalid("m")), (True, UsageError("m")), (True, ValueError("a bug"))]
)
def test_other_failures_are_not(capsys: pytest.CaptureFixture[str], as_json: bool, problem: Exception) -> None:
    with pytest.raises(type(problem)), failing_as_json({"as_json": as_json}):
        raise problem
    assert capsys.readouterr().out == ""


# --- what each command ends with -----------------------------------------------------------------------------------


def given(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    config = tmp_path / "config.toml"
    config.write_text(f'store = "{tmp_path / "store"}"\n')
    return {"config": str(config), "as_json": True, "quiet": True, "verbose": False, "item": "item.json", **changes}


def told(outcome: Outcome) -> Callable[..., Report]:
    return lambda *_: Report(dlm_build="0", verdict=Verdict(outcome=outcome, summary="s"))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_build_and_verify_end_with_the_verdicts_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], outcome: Outcome
) -> None:
    for command, step in ((commands.build, "run_item"), (commands.verify, "verify_item")):
        monkeypatch.setattr(f"dlm_build.pipeline.{step}", told(outcome))
        with pytest.raises(SystemExit) as ended:
            command(**given(tmp_path))
        assert ended.value.code == EXIT_CODES[outcome]
        assert from_json(Report, capsys.readouterr().out.encode()).verdict.outcome == outcome


def test_built_is_success_only_where_it_was_all_that_was_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dlm_build.pipeline.run_item", told(Outcome.BUILT))
    for no_verify, code in ((True, 0), (False, 15)):
        with pytest.raises(SystemExit) as ended:
            commands.build(**given(tmp_path, no_verify=no_verify))
        assert ended.value.code == code


@pytest.mark.parametrize("command", [commands.plan, commands.lock, commands.render, commands.verify])
def test_an_item_that_is_not_there_is_a_report_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: Callable[..., None]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command(**given(tmp_path, item=str(tmp_path / "none.json")))
    assert ended.value.code == EXIT_CODES[Outcome.SOURCE_GONE]
    assert from_json(Report, capsys.readouterr().out.encode()).verdict.outcome == Outcome.SOURCE_GONE


def test_wrong_settings_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml"), wired(given(tmp_path, config=str(tmp_path / "none.toml"))):
        pass


def test_as_of_now_is_today_and_other_words_stay() -> None:
    assert options_of({"as_of": "2021-01-01"}).as_of == "2021-01-01"
    now = options_of({"as_of": "now", "no_verify": True})
    assert now.as_of.startswith("20") and now.as_of.endswith("T00:00:00Z") and not now.verify
