"""The watcher against a container and a clock that follow a script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dlm_build.errors import InfraError
from dlm_build.records import Limits
from dlm_build.running.watch import Ended, watch

LIMITS = Limits(seconds=10, memory=1000, pids=8, output=100, output_files=5)


class ScriptedBox:
    """Runs for `lasts` seconds of its own clock, then ends as told; a kill ends it at once."""

    def __init__(self, lasts: float, ends: dict[str, Any] | None = None, stats: dict[str, Any] | None = None) -> None:
        self.now = 0.0
        self.lasts = lasts
        self.ends = ends or {"ExitCode": 0}
        self.sample = stats or {}
        self.killed = 0
        self.deaf = False

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def state(self) -> Mapping[str, Any]:
        running = self.now < self.lasts and (not self.killed or self.deaf)
        return {"Running": True} if running else {"Running": False, **self.ends}

    def stats(self) -> Mapping[str, Any]:
        return self.sample

    def overgrown(self) -> str | None:
        return None

    def kill(self) -> None:
        self.killed += 1


def follow(box: ScriptedBox, outputs: Path) -> Ended:
    return watch(box, outputs, LIMITS, box.clock, box.sleep)


def test_a_short_run_is_noticed_soon(tmp_path: Path) -> None:
    ended = follow(ScriptedBox(0.1), tmp_path)
    assert (ended.end, ended.status) == ("finished", 0)
    assert 0.1 <= ended.seconds < 0.2


@pytest.mark.parametrize(
    ("ends", "end", "detail"),
    [
        ({"ExitCode": 3}, "model-error", "the model ended with status 3"),
        ({"ExitCode": 139}, "model-error", "the model ended with status 139 (signal 11)"),
        ({"ExitCode": 137}, "model-error", "the model ended with status 137 (signal 9)"),
        ({"ExitCode": 137, "OOMKilled": True}, "resource", "the model used more than 1000 bytes of memory"),
        ({"ExitCode": 1, "OOMKilled": True}, "resource", "the model used more than 1000 bytes of memory"),
        ({"ExitCode": 128, "Error": "no such file"}, "infra", "the engine could not run the container: no such file"),
    ],
)
def test_how_it_ended_is_told_apart(tmp_path: Path, ends: dict[str, Any], end: str, detail: str) -> None:
    ended = follow(ScriptedBox(1, ends), tmp_path)
    assert (ended.end, ended.detail) == (end, detail)


def test_a_good_end_after_a_process_ran_out_of_memory_says_so(tmp_path: Path) -> None:
    ended = follow(ScriptedBox(1, {"ExitCode": 0, "OOMKilled": True}), tmp_path)
    assert ended.end == "finished"
    assert ended.detail.endswith("; one of its processes ran out of memory")


def test_a_kill_at_the_memory_limit_is_a_matter_of_memory(tmp_path: Path) -> None:
    stats = {"memory_stats": {"max_usage": 999}}
    assert follow(ScriptedBox(1, {"ExitCode": 137}, stats), tmp_path).end == "resource"


def test_the_time_limit_ends_it(tmp_path: Path) -> None:
    box = ScriptedBox(1e9)
    ended = follow(box, tmp_path)
    assert (ended.end, ended.status, box.killed) == ("timeout", None, 1)
    assert 10 <= ended.seconds < 10.5


def test_the_process_limit_ends_it(tmp_path: Path) -> None:
    box = ScriptedBox(1e9, stats={"pids_stats": {"current": 8}})
    ended = follow(box, tmp_path)
    assert (ended.end, box.killed) == ("resource", 1)
    assert "limit of 8 processes" in ended.detail


def test_output_ends_it_while_it_runs_and_counts_when_it_has_ended(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 101)
    box = ScriptedBox(1e9)
    assert (follow(box, tmp_path).end, box.killed) == ("resource", 1)
    quick = ScriptedBox(0)
    ended = follow(quick, tmp_path)
    assert (ended.end, ended.detail, quick.killed) == ("resource", "the model wrote more than 100 bytes of output", 0)


@pytest.mark.parametrize(
    ("stats", "peak", "sampled"),
    [
        ({"memory_stats": {"max_usage": 900, "usage": 100}}, 900, False),
        ({"memory_stats": {"usage": 100}}, 100, True),
        ({"memory_stats": {"usage": 100, "largest": 400}}, 400, True),
        ({"memory_stats": {}}, None, False),
        ({}, None, False),
    ],
)
def test_peak_memory_is_what_the_engine_says_and_whether_it_saw_it_all(
    tmp_path: Path, stats: dict[str, Any], peak: int | None, sampled: bool
) -> None:
    ended = follow(ScriptedBox(1, stats=stats), tmp_path)
    assert (ended.peak_memory, ended.peak_sampled) == (peak, sampled)


def test_a_peak_between_the_last_look_and_the_end_counts_where_it_is_remembered(tmp_path: Path) -> None:
    assert follow(ScriptedBox(0, stats={"memory_stats": {"max_usage": 700}}), tmp_path).peak_memory == 700


def test_pages_of_the_program_itself_do_not_count_against_the_limit(tmp_path: Path) -> None:
    box = ScriptedBox(1, stats={"memory_stats": {"usage": 100, "largest": 2000}})
    assert (follow(box, tmp_path).end, box.killed) == ("finished", 0)


class LostBox(ScriptedBox):
    def state(self) -> Mapping[str, Any]:
        if self.now > 1:
            raise InfraError("cannot look at the container: gone")
        return {"Running": True}


def test_a_lost_engine_is_infra(tmp_path: Path) -> None:
    ended = follow(LostBox(1e9), tmp_path)
    assert (ended.end, ended.status) == ("infra", None)
    assert ended.detail == "the engine was lost during the run: cannot look at the container: gone"


def test_an_engine_that_does_not_kill_is_infra(tmp_path: Path) -> None:
    box = ScriptedBox(1e9)
    box.deaf = True
    ended = follow(box, tmp_path)
    assert ended.end == "infra"
    assert "did not end the container within 30 s" in ended.detail
