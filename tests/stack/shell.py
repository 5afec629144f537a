"""Running programs, and talking to whoever waits for them. The only module here that uses ``subprocess``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class StackError(Exception):
    """A step of the stack failed. ``hint`` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def say(text: str) -> None:
    """Print one progress line on stderr; stdout is kept for results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Announce a piece of work that takes a while, and say afterwards how long it took."""
    say(f"  {name} ...")
    start = time.monotonic()
    yield
    say(f"  {name}: {time.monotonic() - start:.1f} s")


def run(
    argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, timeout_s: float = 900, hint: str = ""
) -> str:
    """Run a program to its end and return its stdout.

    Raises StackError naming the program and the last lines of what it said, when it is missing, fails or
    takes longer than ``timeout_s``.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise StackError(f"program not found: {words[0]}", hint or "run `python -m tests.stack up` again") from None
    except subprocess.TimeoutExpired:
        raise StackError(f"{words[0]} did not finish in {timeout_s:.0f} s", hint) from None
    if done.returncode:
        said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise StackError(f"{' '.join(words[:4])} … failed with status {done.returncode}: {said}", hint)
    return done.stdout


def succeeds(argv: Sequence[str | Path]) -> bool:
    """True when the program exists and exits with status 0."""
    try:
        run(argv, timeout_s=30)
    except StackError:
        return False
    return True


def spawn(argv: Sequence[str | Path], log: Path) -> int:
    """Start a long-lived program in its own session, output appended to ``log``; returns its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            cwd="/",
        )
    process.returncode = 0  # it is meant to outlive this process: its destructor has nothing to warn about
    return process.pid


@contextmanager
def pipe_into(argv: Sequence[str | Path], target: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a filter whose stdin the caller writes and whose stdout becomes ``target``."""
    with target.open("wb") as out:
        process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.PIPE, stdout=out)
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            status = process.wait()
    if status:
        raise StackError(f"{argv[0]} failed with status {status} while writing {target.name}")


@contextmanager
def pipe_from(argv: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program whose stdout the caller reads to its end."""
    process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.stdout is not None:
            process.stdout.close()
        process.wait()
