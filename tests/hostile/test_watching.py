"""The watch itself: each thing that a case must not do is done here, and seen."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.running import Program
from tests.hostile.test_items import MOST_MEMORY, MOST_SECONDS
from tests.hostile.worker import BUG, Ran


def ran(program: Program, scratch: Path, name: str, *argv: str) -> Ran:
    return program(scratch, *argv, program=f"tests.hostile.probes:{name}")


def test_writing_outside_is_seen(program: Program, scratch: Path) -> None:
    outside = scratch.parent / f"{scratch.name}-outside"
    outside.mkdir()
    events = [line.partition(" ")[0] for line in ran(program, scratch, "writes_outside", str(outside)).seen.wrote]
    assert events == ["open", "os.mkdir", "os.rename", "os.rename", "os.truncate", "os.remove"]


def test_a_link_leads_outside(program: Program, scratch: Path) -> None:
    outside = scratch.parent / f"{scratch.name}-outside"
    outside.mkdir()
    seen = ran(program, scratch, "writes_through_a_link", str(outside)).seen
    assert f"open {outside}/d" in seen.wrote


def test_writing_inside_is_not_told(program: Program, scratch: Path) -> None:
    done = ran(program, scratch, "writes_inside")
    assert (done.status, done.seen.wrote) == (0, [])
    assert (scratch / "home" / "y").is_dir()


def test_reading_outside_is_seen(program: Program, scratch: Path) -> None:
    assert ran(program, scratch, "reads_outside").seen.read == ["/etc/passwd"]


def test_the_network_is_seen_and_refused(program: Program, scratch: Path) -> None:
    done = ran(program, scratch, "connects")
    assert done.status == 0, done.err
    assert len(done.seen.asked) == 2


def test_programs_are_seen_and_refused(program: Program, scratch: Path) -> None:
    done = ran(program, scratch, "starts_a_program")
    assert done.status == BUG
    assert len(done.seen.started) == 1


def test_a_bug_has_its_traceback(program: Program, scratch: Path) -> None:
    done = ran(program, scratch, "fails")
    assert done.status == BUG
    assert b"ValueError: a bug" in done.err


def test_memory_and_time_are_measured(program: Program, scratch: Path) -> None:
    assert ran(program, scratch, "eats").peak > MOST_MEMORY
    assert ran(program, scratch, "spins").seconds > MOST_SECONDS
    assert ran(program, scratch, "writes_inside").peak < MOST_MEMORY / 2
