"""The one door to other programs: argv lists only, never a shell, always a limit, whole process groups ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread, Timer
from typing import IO, Protocol

from dlm_build.errors import InfraError
from dlm_build.records import Record

KEPT = 4 << 20
"""Characters of each stream that are kept; a program that prints more keeps its head and tail."""
RAISE_LIMITS = "raise this shell's limits on processes, memory and files: see `ulimit -a`"
_PIPE = 1 << 20
"""Bytes on their way to a program: as many as an ordinary user may ask for."""


class Finished(Record, frozen=True, kw_only=True):
    """A program that ended by itself or was ended at its limit."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool = False

    def tail(self, lines: int = 12) -> str:
        """The last lines of its talk, for error messages; what is killed is mute, so the signal is one of them."""
        told = (self.stderr or self.stdout).strip().splitlines()
        return "\n".join((*told, *((f"it was ended by {self.signal}",) if self.signal else ()))[-lines:])

    @property
    def signal(self) -> str | None:
        """Which ended it, by name: the system, for want of memory, or a limit; None where it ended by itself."""
        if self.status >= 0:
            return None
        number = -self.status
        return signal.Signals(number).name if number in {*signal.Signals} else f"signal {number}"


def own_program(module: str) -> tuple[str, ...]:
    """What starts a module of ours as a program of its own, for its arguments to follow.

    It imports from where this process does, and from nowhere else: a Python kept from its variables (`-I`) would find
    neither what a cluster's module file leads to by PYTHONPATH nor what `pip install --user` put below a home.
    """
    places = [place for place in sys.path if place]
    started = f"import runpy, sys; sys.path[:] = {places!r}; runpy.run_module({module!r}, None, '__main__', True)"
    return (sys.executable, "-I", "-c", started)


class Programs(Protocol):
    """Starts programs. Fakes in tests answer only the argvs they were told."""

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes | Iterable[bytes] | None = None,
        timeout: float = 3600.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run `argv` to its end. `env` is added to the base environment; `on_line` hears stderr as it comes.

        Whatever the program left running is ended with it, but for a daemon that made itself a session of its own.
        `stdin` may come in pieces; whatever making them or `on_line` raises ends the program and passes through. Raises
        InfraError when the program cannot be started. A non-zero status is the caller's to judge.
        """
        ...


class RealPrograms:
    """The operating system's programs, with `environment` as the whole base environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: set[int] = set()
        weakref.finalize(self, _end_all, self._running)

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: bytes | Iterable[bytes] | None = None,
        timeout: float = 3600.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        started = time.monotonic()
        child = self._start(argv, {**self._environment, **(env or {})}, cwd, stdin is not None)
        self._running.add(child.pid)
        out, err = _Kept(None), _Kept(on_line)
        expired: list[bool] = []
        timer = Timer(timeout, _expire, (child.pid, expired))
        try:
            with _threads():
                readers = [_reading(child.stdout, out, child.pid), _reading(child.stderr, err, child.pid)]
                timer.start()
            _feed(child, stdin)
            _await_end(child.pid)
            timer.cancel()
            timer.join()
            end_group(child.pid)
            for reader in readers:
                reader.join(timeout=10)
            status = child.wait()  # only now may its number become another's
        except BaseException:
            end_group(child.pid)
            child.wait()
            raise
        finally:
            timer.cancel()
            self._running.discard(child.pid)
        if err.problem:
            raise err.problem
        return Finished(
            argv=tuple(argv),
            status=status,
            stdout=out.text(),
            stderr=err.text(),
            seconds=time.monotonic() - started,
            timed_out=bool(expired),
        )

    def _start(self, argv: Sequence[str], env: dict[str, str], cwd: Path | None, fed: bool) -> subprocess.Popen[bytes]:
        with _starting(argv[0]):
            return subprocess.Popen(
                list(argv),
                env=env,
                cwd=cwd,
                stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )


class Child:
    """A program started for its caller to lead: stdin in the caller's hands, stdout and stderr as one stream."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout: IO[bytes] = process.stdout
        self.pid = process.pid

    def line(self) -> bytes:
        """The next line, of at most 64 KiB; empty at the end."""
        return self._stdout.readline(65536)

    def rest(self) -> Iterator[bytes]:
        """What it says from here on, as it comes."""
        while chunk := os.read(self._stdout.fileno(), 65536):
            yield chunk

    def tell(self, text: bytes) -> None:
        """Write `text` to it and close its stdin. No error where it has ended."""
        with contextlib.suppress(BrokenPipeError), self._stdin:
            self._stdin.write(text)

    def status(self) -> int | None:
        """As a shell tells it: 128 and the signal's number for a program that was ended; None while it runs."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def end(self) -> None:
        """Kill what is left of its session, wait for it, close its streams."""
        if self._process.poll() is None:
            end_group(self.pid)
        self._process.wait()
        self._stdin.close()
        self._stdout.close()


def start(argv: Sequence[str], environment: Mapping[str, str]) -> Child:
    """Start `argv` in a session of its own, `environment` being all it sees. Raises InfraError where it cannot be."""
    with _starting(argv[0]):
        return Child(
            subprocess.Popen(
                list(argv),
                env=dict(environment),
                cwd="/",
                bufsize=0,  # nothing that was read may lie in a buffer between `line` and `rest`
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )


@contextlib.contextmanager
def _starting(program: str) -> Iterator[None]:
    """Raises InfraError for whatever the system has against starting it."""
    try:
        yield
    except (FileNotFoundError, PermissionError) as problem:
        raise InfraError(
            f"cannot start {program}: {problem.strerror}",
            f"install {program} or put it on PATH; `dlm-build doctor` says what is missing",
        ) from problem
    except OSError as problem:
        raise InfraError(f"cannot start {program}: {problem.strerror}", RAISE_LIMITS) from problem


@contextlib.contextmanager
def _threads() -> Iterator[None]:
    """Starts threads. Raises InfraError where the system refuses one more."""
    try:
        yield
    except RuntimeError as problem:
        raise InfraError(f"this machine refuses another thread: {problem}", RAISE_LIMITS) from problem


def _await_end(pid: int) -> None:
    """Its number stays its own until it is waited for again, so that its group can be ended and no other's."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def _expire(pid: int, expired: list[bool]) -> None:
    expired.append(True)
    end_group(pid)


def _end_all(pids: set[int]) -> None:
    """At the end of a process that waits for its threads no longer, with those that they started and wait for."""
    for pid in tuple(pids):
        end_group(pid)


def end_group(pid: int) -> None:
    """Kill the program's whole session; nothing of it survives."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class _Kept:
    """Head and tail of a stream, line by line."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._size = 0
        self._tail_size = 0
        self._on_line = on_line
        self.problem: Exception | None = None
        """What `on_line` raised, in the thread that reads."""

    def add(self, line: str) -> None:
        if self._size < KEPT:
            self._head.append(line)
            self._size += len(line)
        else:
            self._tail.append(line)
            self._tail_size += len(line)
            while self._tail_size > KEPT // 4:
                self._tail_size -= len(self._tail.popleft())
        if self._on_line:
            self._on_line(line.rstrip("\r\n"))

    def text(self) -> str:
        cut = "\n[… output cut …]\n" if self._tail else ""
        return "".join(self._head) + cut + "".join(self._tail)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines of at most 64 KiB, so that a program without newlines cannot fill memory."""
    while chunk := stream.readline(65536):
        yield chunk.decode("utf-8", "replace")


def _reading(stream: IO[bytes] | None, kept: _Kept, pid: int) -> Thread:
    assert stream is not None

    def work() -> None:
        with stream:
            try:
                for line in _lines(stream):
                    kept.add(line)
            except Exception as problem:
                kept.problem = problem
                end_group(pid)

    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


def _feed(child: subprocess.Popen[bytes], stdin: bytes | Iterable[bytes] | None) -> None:
    if child.stdin is None:
        return
    with contextlib.suppress(OSError):
        fcntl.fcntl(child.stdin, fcntl.F_SETPIPE_SZ, _PIPE)
    pieces = iter((stdin,) if isinstance(stdin, bytes) else stdin or ())
    try:
        while (piece := next(pieces, None)) is not None:
            try:
                child.stdin.write(piece)
            except BrokenPipeError:  # it ended before its input; its status tells
                break
    finally:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
