"""Runs the command the item declares, as an argument list or (only with the operator's consent) a shell line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from . import workspace
from .contract import EXIT_CONTRACT, EXIT_USAGE, Contract, HarnessError


def run_command(contract: Contract, inputs: list[Path], output: Path) -> int:
    """Run the command once per input that it names, or once for all; returns the first status that is not 0."""
    argv = [str(word) for word in contract.runner.get("argv") or ()]
    if not argv:
        raise HarnessError("dlm.json: /runner/argv is empty")
    if len(inputs) > 1 and not any("{input}" in word for word in argv):
        raise HarnessError(
            "this model's command takes no input name, so it can be given one file at a time", EXIT_USAGE
        )
    folder = workspace.prepare(contract, inputs)
    for path in inputs:
        status = _run_one(contract, argv, path, output)
        if status != 0:
            return status
    if not any(output.iterdir()):
        workspace.collect(folder, output)
    return 0


def _run_one(contract: Contract, argv: list[str], path: Path, output: Path) -> int:
    names = {"{input}": str(path), "{output}": str(output), "{model}": str(contract.model)}
    if contract.runner.get("shell"):
        quoted = {key: shlex.quote(value) for key, value in names.items()}
        words = ["/bin/sh", "-c", _filled(" ".join(argv), quoted)]
    else:
        words = [_filled(word, names) for word in argv]
    return _status(words, _environment(contract))


def _filled(word: str, names: dict[str, str]) -> str:
    for key, value in names.items():
        word = word.replace(key, value)
    return word


def _environment(contract: Contract) -> dict[str, str]:
    paths = [str(folder) for folder in (contract.source, contract.model) if folder.is_dir()]
    existing = os.environ.get("PYTHONPATH")
    return dict(os.environ, PYTHONPATH=os.pathsep.join(paths + ([existing] if existing else [])))


def _status(words: list[str], environ: dict[str, str]) -> int:
    sys.stdout.flush()
    try:
        status = subprocess.call(words, env=environ, stdin=subprocess.DEVNULL)
    except FileNotFoundError as problem:
        raise HarnessError(f"the command's program {words[0]!r} is not in this container") from problem
    except OSError as problem:
        print(f"dlm: {words[0]!r} cannot be started: {problem.strerror}", file=sys.stderr)
        return EXIT_CONTRACT
    # As a shell reports it: 128 + the signal that ended the program.
    return status if status >= 0 else 128 - status
