"""The scratch folder of one run, and what is taken home from it; the same for every engine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dlm_build.disk import IN_OUTPUT, disk_errors
from dlm_build.errors import InfraError, shown
from dlm_build.progress import Event, Notify
from dlm_build.records import Limits, Member, Run, RunEnd
from dlm_build.running.log import Log
from dlm_build.running.orphans import adopt_folder, sweep_folders
from dlm_build.running.outputs import Collected, collect, remove_tree
from dlm_build.store import Store

OUTPUTS = "outputs"
LOG = "run.log"
FULL = 16 << 20
"""Bytes left on a disk that is as good as full."""
NO_MORE_PROCESSES = ("Resource temporarily unavailable", "can't start new thread")
"""What the system tells a program at its process limit, which it may reach and leave between two looks."""


@contextmanager
def scratch_place(folder: Path, sample: Member, store: Store, notify: Notify) -> Iterator[Path]:
    """A folder only this user may enter, so that `out` in it can be open to the container; `in` holds the sample.

    Raises InfraError where the store lost the sample, or the disk refuses.
    """
    if not store.has(sample.sha256):
        raise InfraError(
            f"{store.root} no longer holds the sample {shown(sample.path)}",
            "run `dlm-build build` again: it takes the sample from the archive anew, and keeps what is built",
        )
    with disk_errors(folder, IN_OUTPUT):
        folder.mkdir(parents=True, exist_ok=True)
        sweep_folders(folder)
        remove_tree(folder / OUTPUTS)  # what an earlier run left must not pass for this one's
        place = Path(tempfile.mkdtemp(prefix=".sandbox-", dir=folder)).resolve()
    try:
        with disk_errors(folder, IN_OUTPUT):
            _furnish(place, sample, store)
        yield place
    finally:
        if not remove_tree(place):
            text = f"could not remove {place}: the model made files in it that only the container's user can remove"
            notify(Event(step="run", text=text))


def _furnish(place: Path, sample: Member, store: Store) -> None:
    adopt_folder(place)
    for name, mode in (("in", 0o755), ("out", 0o777)):
        (place / name).mkdir()
        (place / name).chmod(mode)
    store.link(sample.sha256, place / "in" / Path(sample.path).name)


def taken_home(run: Run, place: Path, limits: Limits, folder: Path, log: Log) -> Run:
    """The Run with its outputs and log in `folder`. Outputs of a run that broke its limits are not taken."""
    taken = Collected()
    with disk_errors(folder, IN_OUTPUT):
        (folder / LOG).write_bytes(log.content())
        if run.end not in ("resource", "infra"):
            fresh = place / OUTPUTS
            taken = collect(place / "out", fresh, limits)
            fresh.rename(folder / OUTPUTS)
        end, trouble = _second_look(run, limits, folder, log)
    return msgspec.structs.replace(
        run,
        end=end,
        detail=_detail(run, taken, trouble),
        outputs=taken.files,
        output_folder=str(folder / OUTPUTS),
        log_tail=log.tail(),
    )


def _second_look(run: Run, limits: Limits, folder: Path, log: Log) -> tuple[RunEnd, str]:
    """What a failed model ran into, where only its own words or the disk tell. Never makes a failure a success."""
    if run.end == "model-error" and shutil.disk_usage(folder).free < FULL:
        return "infra", f"the disk of {folder} is full"
    if run.end == "model-error" and any(words in log.tail() for words in NO_MORE_PROCESSES):
        return "resource", f"it was refused another process or thread; its limit is {limits.pids}"
    return run.end, ""


def _detail(run: Run, taken: Collected, trouble: str) -> str:
    ignored = f"ignored in its output: {', '.join(taken.ignored[:5])}" if taken.ignored else ""
    more = f" and {len(taken.ignored) - 5} more" if len(taken.ignored) > 5 else ""
    return "; ".join(filter(None, (run.detail, trouble, ignored + more)))
