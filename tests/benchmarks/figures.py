"""Figures, and the table that sets them against each other."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.measuring import Spent

COLUMNS = ("what", "figure", "compared with", "figure", "ratio", "aim", "")


@dataclass(frozen=True)
class Figure:
    """One quantity, measured once or a few times. ``unit`` is ``s``, ``ms`` or ``B``."""

    samples: tuple[float, ...]
    unit: str = "s"

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def __str__(self) -> str:
        if self.unit == "B":
            return f"{self.median / 1e6:,.1f} MB"
        spread = f" ({min(self.samples):.2f}-{max(self.samples):.2f})" if len(self.samples) > 1 else ""
        return f"{self.median:.2f} {self.unit}{spread}"


Figures = Mapping[str, Figure]


def seconds(spent: Sequence[Spent]) -> Figure:
    """The wall times of some runs of one command."""
    return Figure(tuple(one.seconds for one in spent))


def size(number: int) -> Figure:
    """A number of bytes."""
    return Figure((number,), "B")


@dataclass(frozen=True)
class Comparison:
    """One row of the table: which figure against which, and what the project aims at.

    ``at_most`` limits the ratio ours/other; ``limit`` limits our median itself, in the figure's unit.
    """

    group: str
    label: str
    ours: str
    against: str = ""
    other: str = ""
    at_most: float | None = None
    limit: float | None = None

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(name for name in (self.ours, self.other) if name)

    def ratio(self, figures: Figures) -> float | None:
        return figures[self.ours].median / figures[self.other].median if self.other else None

    def met(self, figures: Figures) -> bool | None:
        """None where nothing is aimed at."""
        ratio = self.ratio(figures)
        if self.at_most is not None and ratio is not None:
            return ratio <= self.at_most
        return figures[self.ours].median <= self.limit if self.limit is not None else None


def table(rows: Sequence[Comparison], figures: Figures) -> str:
    """Plain text, columns aligned; a row whose figures could not be had says so."""
    cells = [COLUMNS, *(_cells(row, figures) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cells(row: Comparison, figures: Figures) -> tuple[str, ...]:
    ours, other = figures.get(row.ours), figures.get(row.other)
    shown = (row.label, str(ours or "-"), row.against, str(other or "-") if row.other else "")
    if not row.needs <= figures.keys():
        return (*shown, "", _aim(row), "not measured")
    met = row.met(figures)
    return (*shown, _ratio(row.ratio(figures)), _aim(row), "" if met is None else "met" if met else "NOT MET")


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    if 0.99 < ratio < 1.1:
        return f"{(ratio - 1) * 100:+.2f} %"
    return f"{1 / ratio:.1f} x less" if ratio < 1 else f"{ratio:.2f} x"


def _aim(row: Comparison) -> str:
    if row.limit is not None:
        return f"<= {row.limit / 1e6:,.0f} MB" if row.limit >= 1e6 else f"<= {row.limit:g} s"
    if row.at_most is None:
        return ""
    if row.at_most <= 1:
        return f">= {1 / row.at_most:.0f} x less" if row.at_most < 1 else "less"
    return f"<= {(row.at_most - 1) * 100:.0f} % more" if row.at_most < 1.5 else f"<= {row.at_most:g} x"


def as_json(rows: Sequence[Comparison], figures: Figures) -> dict[str, Any]:
    """All samples, and the rows with their ratios, for whoever compares runs."""
    return {
        "figures": {
            name: {"unit": figure.unit, "median": figure.median, "samples": list(figure.samples)}
            for name, figure in figures.items()
        },
        "rows": [
            {"row": row.group, "label": row.label, "ours": row.ours, "other": row.other or None,
             "ratio": row.ratio(figures), "met": row.met(figures)}
            for row in rows
            if row.needs <= figures.keys()
        ],
    }  # fmt: skip
