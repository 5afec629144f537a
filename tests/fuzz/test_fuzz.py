"""Every kept input again, then a short run of the fuzzer; `python -m tests.fuzz.target` runs it for longer."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.invariant import Broken, must_hold
from tests.fuzz.mutating import mutated
from tests.hostile.table import read_table

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).parent / "corpus"
SEEDS = ("fuzz/corpus", "hostile/items", "unit/items/generations", "unit/items/published", "unit/items/wrong")
RUNS = 2500
"""With one seed, so that a change is judged by itself and not by luck; the program without these looks further."""
SECONDS = 120
CASES = read_table()


@pytest.mark.parametrize("name", sorted(path.name for path in KEPT.iterdir()))
def test_kept(name: str) -> None:
    must_hold((KEPT / name).read_bytes())


@pytest.mark.parametrize("name", CASES)
def test_hostile_items_hold_too(name: str) -> None:
    must_hold(CASES[name].document)


def test_a_broken_promise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.invariant.LIMIT", 0.0)
    with pytest.raises(Broken):
        must_hold(b"{}")


def test_changes_are_items_still_and_come_again_from_their_seed() -> None:
    good = CASES["good-dlm"].document
    made = [mutated(good, seed) for seed in range(200)]
    assert made == [mutated(good, seed) for seed in range(200)]
    assert len(set(made)) > 150
    assert mutated(b"not: json", 1) is None


@pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris is not installed: it has wheels for Linux on x86_64 only"
)
def test_the_fuzzer_finds_nothing(tmp_path: Path) -> None:
    """What it finds is left as a file: put it into the corpus once it is mended."""
    found = tmp_path / "found"
    found.mkdir()
    bounds = (f"-runs={RUNS}", "-seed=1", f"-max_total_time={SECONDS}", "-max_len=16000", "-timeout=20")
    options = (*bounds, f"-artifact_prefix={tmp_path}/")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.target", str(found), *(f"tests/{place}" for place in SEEDS), *options],
        cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=SECONDS + 300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "DONE" in ran.stderr
