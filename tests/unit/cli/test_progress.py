"""Progress off a terminal: few plain lines, no escape codes, nothing with --quiet; bars on a terminal."""

from __future__ import annotations

import io
import re
import sys

import pytest

from dlm_build.cli import progress
from dlm_build.cli.progress import showing
from dlm_build.progress import Event, silent


class Clock:
    """Stands where the monotonic clock does."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    told = capsys.readouterr()
    assert told.out == ""
    return told.err.splitlines()


def part(done: int, total: int | None = 100_000_000, text: str = "weights") -> Event:
    return Event(step="gather", text=text, done=done, total=total)


def test_quiet_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(quiet=True, verbose=True) as notify:
        notify(part(1))
        assert notify is silent
    assert lines(capsys) == []


def test_talk_is_one_plain_line_said_once(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with showing(quiet=False, verbose=False) as notify:
        for _ in range(3):
            notify(Event(step="read", text="reading \x1b[31mitem\n.json"))
            clock.now += 60
    assert lines(capsys) == ["   read  reading \\x1b[31mitem\\n.json"]


def test_amounts_come_every_few_seconds_and_at_the_end(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with showing(quiet=False, verbose=False) as notify:
        for done in range(0, 100_000_001, 1_000_000):
            notify(part(done))
            clock.now += 0.125
    told = lines(capsys)
    assert told == [
        " gather  weights  0.0 of 100.0 MB",
        " gather  weights  40.0 of 100.0 MB",
        " gather  weights  80.0 of 100.0 MB",
        " gather  weights  100.0 of 100.0 MB",
    ]


def test_verbose_says_every_step(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with showing(quiet=False, verbose=True) as notify:
        for done in range(5):
            notify(Event(step="lock", text="packages", done=done, total=5, unit="packages"))
    assert len(lines(capsys)) == 5


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Event(step="gather", text="t", done=0, total=0), None),
        (Event(step="gather", text="t", done=2_500_000), " gather  t  2.5 MB"),
        (Event(step="build", text="t", done=1, total=1, unit="files"), "  build  t"),
        (Event(step="bases", text="t", done=3, unit="pins"), "  bases  t  3 pins"),
        (Event(step="bases", text="t", done=3, total=9, unit="pins"), "  bases  t  3 of 9 pins"),
    ],
)
def test_amounts_in_words(capsys: pytest.CaptureFixture[str], clock: Clock, event: Event, line: str | None) -> None:
    with showing(quiet=False, verbose=False) as notify:
        notify(event)
    assert lines(capsys) == ([line] if line else [])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_take_no_markup_and_no_codes_from_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    with showing(quiet=False, verbose=False) as notify:
        notify(Event(step="read", text="[bold]not bold[/] [/] \x1b]0;title\x07"))
        notify(part(1, None, "\u202eweights [red]"))
        notify(part(2, 4, "\u202eweights [red]"))
    told = terminal.getvalue()
    assert "[bold]not bold[/] [/] \\x1b]0;title\\x07" in told
    assert "\x1b]0;" not in told and "\u202e" not in told and "weights [red]" in told


@pytest.mark.parametrize("columns", [60, 80])
def test_on_a_narrow_terminal_the_step_the_amount_and_the_time_stay_whole(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    with showing(quiet=False, verbose=False) as notify:
        notify(part(5_000_000, text="running the sample on the CPU (the model does not ask for a GPU)"))
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert re.search(r" gather running .* 5\.0 of 100\.0 MB 0:00:00", told)
