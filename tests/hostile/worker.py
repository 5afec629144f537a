"""Runs commands one after the other, each in a copy of this process, watched and measured.

A line of JSON in is a `Command`, a line of JSON out its `Ran`. What the program imports is loaded before, once: a
copy begins where a fresh process would be after its imports, and its peak of memory includes them.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import msgspec

from tests.hostile.watching import Seen, watch

BUG = 70
"""The exit status of a program that ended with a traceback, which is on its stderr."""
_LIMIT = 60
"""Seconds after which a command is ended, so that none can hold up the rest."""
_PRELOADED = ("dlm_build.cli.check", "dlm_build.cli.commands", "dlm_build.pipeline", "dlm_build.checking.many",
              "dlm_build.gathering", "dlm_build.planning.plan", "dlm_build.items.loading.yaml_text", "ruamel.yaml",
              "dlm_build.building.docker_engine", "dlm_build.registry", "rich.console", "rich.table")  # fmt: skip


class Command(msgspec.Struct):
    """`program` is `module:function`, called without arguments when `sys.argv` is `argv`."""

    argv: list[str]
    scratch: str
    folder: str
    """Where it is run; below `scratch`."""
    env: dict[str, str]
    reads: list[str]
    program: str = "dlm_build.cli.main:main"
    stdin: str = os.devnull


class Ran(msgspec.Struct):
    status: int
    """Below 0: the number of the signal that ended it."""
    out: bytes
    err: bytes
    seconds: float
    """Of processor time, which does not depend on what else the machine does."""
    peak: int
    """Bytes of memory it held at most, by the kernel's count."""
    seen: Seen


class _Told(msgspec.Struct):
    """What the copy tells of itself."""

    status: int
    seen: Seen
    peak: int


def main() -> None:
    for name in _PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin.buffer:
        ran = run(msgspec.json.decode(line, type=Command))
        sys.stdout.buffer.write(msgspec.json.encode(ran) + b"\n")
        sys.stdout.buffer.flush()


def run(command: Command) -> Ran:
    scratch = Path(command.scratch)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _copy(command, writing)
    os.close(writing)
    with open(reading, "rb") as stream:  # noqa: PTH123
        told = stream.read()
    _, status, usage = os.wait4(pid, 0)
    end = msgspec.json.decode(told, type=_Told) if told else _Told(os.waitstatus_to_exitcode(status), Seen(), 0)
    return Ran(
        status=end.status,
        out=(scratch / "out").read_bytes(),
        err=(scratch / "err").read_bytes(),
        seconds=usage.ru_utime + usage.ru_stime,
        peak=end.peak,
        seen=end.seen,
    )


def _copy(command: Command, told: int) -> NoReturn:
    """Never returns: this is the copy."""
    try:
        _wire(command)
        seen = watch(Path(command.scratch), (*command.reads, f"/proc/{os.getpid()}/"))
        status = _status(command)
        os.write(told, msgspec.json.encode(_Told(status, seen, _peak())))
    finally:
        os._exit(0)


def _wire(command: Command) -> None:
    signal.alarm(_LIMIT)
    os.chdir(command.folder)
    os.environ.clear()
    os.environ.update(command.env)
    sys.argv = list(command.argv)
    for number, name in enumerate((command.stdin, f"{command.scratch}/out", f"{command.scratch}/err")):
        kept = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(kept, number)
        os.close(kept)


def _status(command: Command) -> int:
    module, _, name = command.program.partition(":")
    try:
        getattr(importlib.import_module(module), name)()
        return 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
        return BUG
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
