"""The table of the benchmarks: medians, ratios, aims."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import Comparison, Figure, as_json, table
from tests.benchmarks.rows import MEASUREMENTS, ROWS

FIGURES = {"fast": Figure((3.0, 1.0, 2.0)), "slow": Figure((20.0,)), "small": Figure((5e6,), "B")}


def row(**given: float | str) -> Comparison:
    return Comparison("g", "label", **{"ours": "fast", "against": "that", "other": "slow", **given})  # type: ignore[arg-type]


def test_the_ratio_is_of_medians() -> None:
    assert row().ratio(FIGURES) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("aim", "met"),
    [({}, None), ({"at_most": 0.1}, True), ({"at_most": 0.09}, False), ({"limit": 2.0}, True), ({"limit": 1.9}, False)],
)
def test_an_aim_is_met_at_its_edge_and_not_beyond(aim: dict[str, float], met: bool | None) -> None:
    assert row(**aim).met(FIGURES) is met


def test_the_table_says_what_was_missed_and_what_was_not_measured() -> None:
    missed, absent = row(at_most=0.05), row(other="never")
    lines = table([missed, absent], FIGURES).splitlines()
    assert "2.00 s (1.00-3.00)" in lines[2]
    assert "10.0 x less" in lines[2]
    assert lines[2].endswith(">= 20 x less  NOT MET")
    assert lines[3].endswith("not measured")


def test_sizes_are_shown_in_megabytes() -> None:
    (line,) = table([row(ours="small", other="", limit=4e6)], FIGURES).splitlines()[2:]
    assert "5.0 MB" in line
    assert line.endswith("<= 4 MB  NOT MET")


def test_json_keeps_every_sample_and_leaves_out_rows_without_figures() -> None:
    made = as_json([row(), row(other="never")], FIGURES)
    assert made["figures"]["fast"]["samples"] == [3.0, 1.0, 2.0]
    assert [one["ratio"] for one in made["rows"]] == [pytest.approx(0.1)]


def test_every_row_has_its_measurement() -> None:
    given = [name for one in MEASUREMENTS for name in one.gives]
    assert len(set(given)) == len(given)
    assert frozenset(given) >= frozenset[str]().union(*(one.needs for one in ROWS))
