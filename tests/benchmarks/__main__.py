"""``python -m tests.benchmarks [--only ROW]... [--repeat N] [--json FILE]``: see docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import engine
from tests.benchmarks.figures import Comparison, Figure, as_json, table
from tests.benchmarks.place import Bench, open_bench
from tests.benchmarks.rows import GROUPS, MEASUREMENTS, ROWS
from tests.stack.layout import open_state, write_json
from tests.stack.shell import StackError, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when every figure asked for was had, whether or not an aim was met, else 1."""
    asked = _parser().parse_args(arguments)
    rows = [row for row in ROWS if row.group in (asked.only or GROUPS)]
    try:
        bench = open_bench(open_state(asked.state), asked.repeat)
    except StackError as error:
        say(f"error: {error}\n  fix: {error.hint}")
        return 1
    start, load = time.monotonic(), os.getloadavg()[1]
    figures, complete = measure(bench, rows)
    took = round((time.monotonic() - start) / 60, 1)
    facts = _facts(bench) | {"load before": round(load, 1), "minutes": took}
    print(table(rows, figures))
    print("\n" + ", ".join(f"{name}: {value}" for name, value in facts.items()))
    if asked.json:
        write_json(asked.json, {"facts": facts, **as_json(rows, figures)})
    return 0 if complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="dlm-build, measured.")
    parser.add_argument("--only", metavar="ROW", action="append", choices=GROUPS, help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--repeat", metavar="N", type=int, default=3, help="runs of each slow command (default: 3)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all samples there")
    parser.add_argument("--state", metavar="DIR", help="the stack's folder, as for python -m tests.stack")
    return parser


def measure(bench: Bench, rows: Sequence[Comparison]) -> tuple[dict[str, Figure], bool]:
    """The figures the rows need; one that cannot be had is said on stderr and takes no other with it."""
    needed = frozenset[str]().union(*(row.needs for row in rows))
    figures: dict[str, Figure] = {}
    complete = True
    for one in MEASUREMENTS:
        if not one.gives & needed:
            continue
        try:
            figures.update(one.measure(bench))
        except StackError as error:
            say(f"not measured: {', '.join(sorted(one.gives & needed))}: {error}\n  fix: {error.hint}")
            complete = False
    return figures, complete


def _facts(bench: Bench) -> dict[str, object]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        **engine.versions(bench),
    }


if __name__ == "__main__":
    sys.exit(main())
