"""The program, run again and again: who starts the worker, and where a command may write."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from types import TracebackType

import msgspec

from tests.hostile.worker import Command, Ran

ROOT = Path(__file__).parents[2]
_PLACES = (str(ROOT), sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())
_INSTALLED = {str(Path(place).resolve()) for place in _PLACES}
_READS = [*sorted(f"{place}/" for place in _INSTALLED), "/usr/share/zoneinfo/"]


class Program:
    """`with Program() as program: program(scratch, "check", "item.json")`."""

    def __enter__(self) -> Program:
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.worker"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._worker.communicate()

    def __call__(self, scratch: Path, *argv: str, program: str = "", stdin: Path | None = None) -> Ran:
        """Runs in `scratch/folder`, which exists; its home, cache and temporary files are beside it."""
        command = Command(
            argv=["dlm-build", *argv],
            scratch=str(scratch),
            folder=str(scratch / "folder"),
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(scratch / "home"),
                "TMPDIR": str(scratch / "tmp"),
                "LANG": "C.UTF-8",
            },
            reads=_READS,
        )
        if program:
            command.program = program
        if stdin:
            command.stdin = str(stdin)
        assert self._worker.stdin
        assert self._worker.stdout
        self._worker.stdin.write(msgspec.json.encode(command) + b"\n")
        self._worker.stdin.flush()
        return msgspec.json.decode(self._worker.stdout.readline(), type=Ran)


def listing(folder: Path) -> dict[str, int]:
    """Every file and folder below, with its size."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*"))}
