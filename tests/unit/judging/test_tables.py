"""Tables as text: what is read as one, and that what differs is found by row and column."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.judging.compare import compare
from dlm_build.judging.decode import Decoded
from dlm_build.judging.tables import read_table
from dlm_build.records import ComparisonPolicy

SCORES = "scene,class,score,count\nS2A,forest,0.91,3\nS2B,water,0.25,0\n"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (SCORES, [{"scene": "S2A", "class": "forest", "score": 0.91, "count": 3},
                  {"scene": "S2B", "class": "water", "score": 0.25, "count": 0}]),
        ("name;value\r\na;1,5\r\n", [{"name": "a", "value": "1,5"}]),
        ("x\ty\n1\t2.5e-3\n", [{"x": 1, "y": 2.5e-3}]),
        ('id,said\n007,"yes, it is"\n', [{"id": "007", "said": "yes, it is"}]),
        ("0 0.512 0.433\n2 .5  1.\n", [{"0": 0, "1": 0.512, "2": 0.433}, {"0": 2, "1": 0.5, "2": 1.0}]),
        ("1.000000000000000000e+00\n2.5e+00\n", [{"0": 1.0}, {"0": 2.5}]),
        ("score\n0.5\n1\n", [{"score": 0.5}, {"score": 1}]),
        ("x y\n0.5 1\n", [{"x": 0.5, "y": 1}]),
        ("a,a\n1,2\n", [{"0": "a", "1": "a"}, {"0": 1, "1": 2}]),
        ("1,2\n\n3,4\n", [{"0": 1, "1": 2}, {"0": 3, "1": 4}]),
        ('id,v,o\n1,"[0.5, 2]","{""a"": 1}"\n2,[x,{}\n', [{"id": 1, "v": [0.5, 2], "o": {"a": 1}},
                                                        {"id": 2, "v": "[x", "o": {}}]),
        ('n,g\n1,POINT (11.5 48)\n2,"POLYGON Z ((0 0 1, 1 0 1), (2 2 1))"\n3,POINT EMPTY\n'
         '4,"SRID=1;multipoint(1 2,3 4)"\n',
         [{"n": 1, "g": {"type": "POINT", "coordinates": [[11.5, 48]]}},
          {"n": 2, "g": {"type": "POLYGON Z", "coordinates": [[[0, 0, 1], [1, 0, 1]], [[2, 2, 1]]]}},
          {"n": 3, "g": "POINT EMPTY"}, {"n": 4, "g": {"type": "SRID=1;MULTIPOINT", "coordinates": [[1, 2], [3, 4]]}}]),
        ('a,"[1, 2]"\n', [{"0": "a", "1": [1, 2]}]),
        ("g,h\nPOINT (),POINT (1-2 3)\n", [{"g": {"type": "POINT", "coordinates": []}, "h": "POINT (1-2 3)"}]),
        ("n,m\nnan,20000000000000000000\n", [{"n": "nan", "m": "20000000000000000000"}]),
    ],
)  # fmt: skip
def test_a_table_is_read_by_its_columns(text: str, rows: list[dict[str, Any]]) -> None:
    assert read_table(text) == rows


@pytest.mark.parametrize(
    "text",
    ["", "\n", "plain words", "one line, with a comma", "a,b\n1,2,3\n", "1 2\n3\n", "1 two\n",
     "one 2\n1 2\n", "two words\nthree words\n", 'a,b\n"1,2\n',
     "<a>1,2</a>\n<b/>\n"],
)  # fmt: skip
def test_other_text_is_none(text: str) -> None:
    assert read_table(text) is None


def checked(actual: str, expected: str, **policy: float) -> list[str]:
    mine, theirs = (Decoded("table", {}, value=read_table(text)) for text in (actual, expected))
    checks = compare(mine, theirs, ComparisonPolicy(task="exact", **policy))  # type: ignore[arg-type]
    assert checks
    return [f"{check.name} {check.detail}" for check in checks if not check.passed]


def test_numbers_are_near_and_all_else_is_equal() -> None:
    assert checked(SCORES.replace("0.91", "0.910004"), SCORES) == []
    assert any("/*/score" in told for told in checked(SCORES.replace("0.91", "0.95"), SCORES))
    assert checked(SCORES.replace("0.91", "0.95"), SCORES, rtol=0.05, atol=0.05) == []
    assert checked(SCORES.replace(",3", ",4"), SCORES) == ["table content first difference at /0/count"]
    assert checked(SCORES.replace("water", "urban"), SCORES) == ["table content first difference at /1/class"]
    assert checked(SCORES.replace("score", "p"), SCORES) == ["table content first difference at /0"]
    assert checked(SCORES + "S2C,water,0.1,0\n", SCORES) == ["table content first difference at /"]


def test_a_vector_in_one_line_is_held_to_its_large_numbers() -> None:
    """As NumPy writes an embedding: one of its numbers near zero is off by more than a hundredth of itself."""

    def line(small: float, count: int) -> str:
        return " ".join([f"{small:.18e}", *(f"{number / count:.18e}" for number in range(1, count))]) + "\n"

    assert checked(line(1.1e-4, 64), line(1e-4, 64)) == []
    assert checked(line(0.5, 64), line(1e-4, 64))
    assert checked(line(1.1e-4, 6), line(1e-4, 6)), "six columns are of six kinds"


def test_columns_go_by_their_names() -> None:
    assert checked("count,score\n3,0.5\n", "score,count\n0.5,3\n") == []


def test_numbers_too_large_to_square_pass_no_limit() -> None:
    for text in ("n\n1e307\n1.5\n", "n\n1.0\n1e307\n"):
        assert checked(text, "n\n1.0\n1.5\n")


POINTS = "id,X,Y,biomass\n1,500100.5,5600200.25,120.5\n2,504000.0,5603000.75,80.25\n3,502000.0,5601000.0,99.0\n"


def test_coordinates_in_columns_are_held_to_what_they_are_spread_over() -> None:
    """Four kilometres are less than a thousandth of a northing."""
    assert checked(POINTS.replace("5600200.25", "5600201.0"), POINTS) == []
    for wrong in ("5600210.25", "5604200.25"):
        assert checked(POINTS.replace("5600200.25", wrong), POINTS) == ["shapes near 3 shapes at /*/x, y"]
    degrees = "lat,lon\n48.05,11.05\n48.06,11.07\n"
    assert checked(degrees.replace("48.05", "48.050001"), degrees) == []
    assert checked(degrees.replace("48.05", "48.07"), degrees) == ["shapes near 2 shapes at /*/lon, lat"]
    assert checked(degrees.replace("48.05", ""), degrees) == ["table content first difference at /0/lat"]


def test_a_box_in_four_columns_is_held_to_its_own_size() -> None:
    rows = "500000.5,5600000.5,500040.5,5600030.5,0.9\n501000.5,5601000.5,501030.5,5601020.5,0.8\n"
    boxes = "xmin,ymin,xmax,ymax,score\n" + rows
    assert checked(boxes.replace("500040.5", "500041.0"), boxes) == []
    assert checked(boxes.replace("500040.5", "500050.5"), boxes) == [
        "shapes near 2 shapes at /*/xmin, ymin, xmax, ymax"
    ]


def test_what_was_measured_at_an_hour_is_no_northing() -> None:
    series = "x,y\n0.5,0.25\n1000.5,0.75\n"
    assert checked(series.replace("0.75", "0.85"), series)


def test_lists_and_geometries_in_cells_are_near() -> None:
    rows = 'v,geometry\n"[0.5, 2.5]","POLYGON ((500000.5 5600000, 500030 5600000, 500030 5600020))"\n'
    assert checked(rows.replace("0.5,", "0.5000001,").replace("500000.5", "500000.7"), rows) == []
    assert any("/*/v/*" in told for told in checked(rows.replace("2.5]", "2.6]"), rows))
    assert checked(rows.replace("500000.5", "500003.5"), rows) == ["shapes near 1 shapes at /*/geometry/coordinates/*"]
    assert checked(rows.replace("POLYGON", "LINESTRING"), rows)
