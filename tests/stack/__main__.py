"""``python -m tests.stack up|down|status|env|cdi``: see the package's docstring."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from tests.stack import apptainer, apt, cdi, channel, daemons, images, mounts, network, processes, settings, slurm
from tests.stack.layout import Choices, State, open_state, read_json, settle, write_json
from tests.stack.shell import StackError, say

_RECIPE_NOTE = "served.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 1 when it did not, with the reason and the fix on stderr."""
    asked = _parser().parse_args(arguments)
    try:
        return _dispatch(open_state(asked.state), asked)
    except StackError as error:
        say(f"error: {error}" + (f"\n  fix: {error.hint}" if error.hint else ""))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.stack", description="Real engines for the tests.")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--state", metavar="DIR", help="the stack's folder (default: $DLM_STACK_STATE or a fixed one)")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "start everything that does not run yet"),
        ("down", "end everything this stack started; what it made stays for the next start"),
        ("status", "say what runs; status 1 when something does not"),
        ("env", "print export lines for a shell"),
    ):
        commands.add_parser(name, help=text, parents=[shared])
    device = commands.add_parser("cdi", help="offer a stand-in GPU to Docker, or take it away", parents=[shared])
    device.add_argument("switch", choices=["on", "off"])
    return parser


def _dispatch(state: State, asked: argparse.Namespace) -> int:
    match asked.command:
        case "up":
            with _locked(state):
                up(state)
        case "down":
            with _locked(state):
                down(state)
        case "status":
            return status(state)
        case "env":
            settings.stack_facts(state)
            print("\n".join(settings.shell_lines(state)))
        case "cdi":
            settings.stack_facts(state)
            cdi.switch(state, on=asked.switch == "on")
    return 0


@contextmanager
def _locked(state: State) -> Iterator[None]:
    """One starter or stopper at a time."""
    if os.geteuid() != 0:
        raise StackError("starting and stopping the stack needs root", "run it with sudo")
    state.root.mkdir(parents=True, exist_ok=True)
    with state.path("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def up(state: State) -> None:
    """Bring every part up; a part that is up already is only looked at."""
    start = time.monotonic()
    apt.ensure_programs()
    choices = settle(state)
    network.raise_bridge(choices)
    pids = {
        "registry": daemons.start_registry(state, choices),
        "channel": daemons.start_channel_server(state, choices),
        "dockerd": daemons.start_docker(state, choices),
    }
    bases = images.ensure_bases(state, choices, channel.pip_wheel(state))
    sif = apptainer.ensure_apptainer(state)
    settings.write_config(state, choices, bases, sif)
    contents = channel.ensure_channel(state)
    _tell(state, choices, bases, pids, {"channel": contents, "apptainer": asdict(sif)})
    say(f"stack up in {time.monotonic() - start:.1f} s: {settings.stack_path(state)}")


def _tell(
    state: State, choices: Choices, bases: list[images.Base], pids: dict[str, int], more: dict[str, dict[str, object]]
) -> None:
    """Write stack.json, unless nothing changed: asking the programs for their versions takes a second."""
    served = json.loads(json.dumps({"bases": [asdict(base) for base in bases], "pids": pids, **more}))
    note = state.path(_RECIPE_NOTE)
    if read_json(note) != served or not settings.stack_path(state).exists():
        settings.write_stack(state, choices, bases, pids, more)
        write_json(note, served)


def down(state: State) -> None:
    """End the programs, take the mounts, the bridge and the firewall rules away; keep what was made."""
    settings.stack_path(state).unlink(missing_ok=True)
    slurm.end(state)
    daemons.stop_all(state)
    apptainer.give_fuse_back(state)
    mounts.unmount_below(state.root)
    if state.path("choices.json").exists():
        network.remove_bridge(settle(state))
    say("stack down")


def status(state: State) -> int:
    """Print one line per program; 0 when all run."""
    pids = {name: processes.running_pid(state, name) for name in daemons.STOP_ORDER}
    for name, pid in pids.items():
        print(f"{name}: {f'running, pid {pid}' if pid else 'not running'}")
    print(f"stand-in gpu: {'on' if cdi.is_on(state) else 'off'}")
    return 0 if all(pids.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
