"""The three commands of the container contract: `predict`, `info`, `selftest`."""

from __future__ import annotations

import argparse
import errno
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

from . import environment, runners, used
from .contract import EXIT_INPUT, EXIT_MODEL, EXIT_OUTPUT, EXIT_USAGE, Contract, HarnessError
from .workspace import free_umask, open_up


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise HarnessError(message, EXIT_USAGE)


def main(argv: list[str], root: Path) -> int:
    """Run one command; returns the exit status. `root` holds dlm.json, model/, source/ and sample/."""
    try:
        arguments = _parser().parse_args(argv)
        if arguments.command == "info":
            print((root / "dlm.json").read_text(encoding="utf-8"), end="")
            return 0
        environment.enter(root, argv)
        if arguments.command == "selftest":
            return selftest(Contract(root))
        return predict(Contract(root), arguments.inputs + arguments.input, arguments.output)
    except HarnessError as problem:
        print(f"dlm: {problem}", file=sys.stderr)
        return problem.status


def _parser() -> _Parser:
    parser = _Parser(prog="model", description="Run the model packaged in this container.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    run = commands.add_parser("predict", help="run the model on files")
    run.add_argument("inputs", nargs="*", type=Path, metavar="PATH", help="one or more input files")
    run.add_argument("--input", nargs="+", default=[], type=Path, metavar="PATH", help="the same, named")
    run.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder for the results")
    commands.add_parser("info", help="print what this container holds, as JSON")
    commands.add_parser("selftest", help="run the packaged sample and say what came out")
    return parser


def predict(contract: Contract, inputs: list[Path], output: Path) -> int:
    """Run the model on `inputs`; results land in `output`."""
    mark, device = environment.take_mark(), None
    _check_inputs(inputs)
    free_umask()
    _make_ready(output)
    try:
        status, device = runners.run(contract, [path.resolve() for path in inputs], output.resolve())
    except HarnessError:
        raise
    except Exception:  # whatever the model raises is its author's to read
        traceback.print_exc()
        status = EXIT_MODEL
    finally:
        open_up(output)
    used.tell(mark, device)
    return status


def _check_inputs(inputs: list[Path]) -> None:
    if not inputs:
        raise HarnessError("no input is given: predict PATH --output DIR", EXIT_USAGE)
    for path in inputs:
        if not path.is_file():
            text = "input {} is not a file, or its folder is not bound into the container"
            raise HarnessError(text.format(path), EXIT_INPUT)
    stems = [path.stem for path in inputs]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise HarnessError(f"two inputs are named {twice[0]!r}; their results would share a name", EXIT_USAGE)


def _make_ready(output: Path) -> None:
    """Let `output` be a folder that can be written in; its last part is made where it is not there."""
    try:
        if not output.is_dir():
            output.mkdir()
        tempfile.TemporaryFile(dir=str(output)).close()
    except OSError as problem:
        raise HarnessError(_unusable(output, problem), EXIT_OUTPUT) from problem


def _unusable(output: Path, problem: OSError) -> str:
    if problem.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        text = "output {} cannot be written ({}): bind a folder of your own into the container and name it there"
    elif problem.errno == errno.ENOENT:
        text = "output {} has no folder above it ({}): make it first, and bind it into the container"
    else:
        text = "output {} cannot be used as a folder ({})"
    return text.format(output, problem.strerror or problem)


def selftest(contract: Contract) -> int:
    """Run the packaged sample in a scratch folder and print one line per result."""
    samples = contract.sample_files()
    if not samples:
        raise HarnessError("this container holds no sample to test with")
    folder = Path(tempfile.mkdtemp(prefix="dlm-selftest-"))
    try:
        status = predict(contract, samples, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in files:
            print(f"{path.relative_to(folder)}\t{path.stat().st_size} bytes\t{runners.shape_of(path)}")
        if status == 0 and not files:
            print("dlm: the model ended well but wrote nothing", file=sys.stderr)
            return EXIT_MODEL
        return status
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)
