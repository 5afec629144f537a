"""JSON outputs: what counts as the same document, and what is said where it is not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.judging.documents import json_checks
from dlm_build.records import ComparisonPolicy

EXACT = ComparisonPolicy(task="exact")
SCORES = ComparisonPolicy(task="class-scores")


def detections() -> Any:
    rows = [
        {"label": "car", "count": 2, "score": 0.91 - n / 50, "bbox": [1.5 * n, 2.25, 40.5, 60.125]} for n in range(6)
    ]
    return {"type": "FeatureCollection", "detections": rows, "note": None}


def failing(actual: Any, expected: Any, policy: ComparisonPolicy = EXACT, **how: bool) -> list[str]:
    return [f"{c.name} {c.detail}" for c in json_checks(actual, expected, policy, **how) if not c.passed]


def test_other_hardware_s_noise_is_the_same_document() -> None:
    noisy = copy.deepcopy(detections())
    for row in noisy["detections"]:
        row["score"] *= 1 + 1e-5
        row["bbox"] = [edge * (1 - 2e-5) for edge in row["bbox"]]
    assert failing(noisy, detections()) == []
    assert len(json_checks(noisy, detections(), EXACT)) > 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"score": 0.5}, "/detections/*/score"),
        ({"bbox": [3.0, 2.25, 40.5, 90.0]}, "/detections/*/bbox"),
        ({"label": "bus"}, "/detections/2/label"),
        ({"count": 3}, "/detections/2/count"),
        ({"bbox": [1.0]}, "/detections/2/bbox"),
        ({"score": "0.9"}, "/detections/2/score"),
        ({"extra": 1}, "/detections/2"),
    ],
)
def test_another_document_fails_and_the_place_is_named(change: dict[str, Any], told: str) -> None:
    other = copy.deepcopy(detections())
    other["detections"][2].update(change)
    assert any(told in line for line in failing(other, detections()))


def columns(rows: list[Any]) -> dict[str, list[Any]]:
    return {
        "labels": [row["label"] for row in rows],
        "scores": [row["score"] for row in rows],
        "boxes": [row["bbox"] for row in rows],
    }


def test_the_order_in_which_things_were_found_means_nothing() -> None:
    expected = detections()
    expected["detections"][3] |= {"label": "bus", "bbox": expected["detections"][2]["bbox"]}  # two at one place
    other = copy.deepcopy(expected)
    other["detections"] = [other["detections"][index] for index in (1, 0, 3, 2, 5, 4)]
    assert failing(other, expected) == []
    assert failing(columns(other["detections"]), columns(expected["detections"])) == []
    for key, wrong in (("score", 0.2), ("label", "van"), ("bbox", [1.5, 2.25, 20.5, 60.125])):
        changed = copy.deepcopy(other)
        changed["detections"][4][key] = wrong
        assert failing(changed, expected), key
        assert failing(columns(changed["detections"]), columns(expected["detections"])), key


def test_one_thing_answers_for_no_two() -> None:
    other = copy.deepcopy(detections())
    other["detections"][1] = copy.deepcopy(other["detections"][4])
    assert failing(other, detections())


def test_features_of_geojson_are_found_by_their_outlines() -> None:
    expected: dict[str, Any] = {"type": "FeatureCollection", "features": [feature(number) for number in range(5)]}
    other = {**expected, "features": expected["features"][::-1]}
    assert failing(other, expected) == []
    other["features"][2] = feature(9)
    assert failing(other, expected)


def feature(number: int) -> dict[str, Any]:
    ring = [[x + 20.0 * number, y + 0.5] for x, y in ((0, 0), (9, 0), (9, 9), (0, 9), (0, 0))]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"class": "field", "p": 0.5},
    }


@pytest.mark.parametrize("corner", [(13.4, 52.5), (500000.5, 5800000.5), (5000.0, 10.0)])
def test_small_things_far_from_the_origin_are_told_apart(corner: tuple[float, float]) -> None:
    """A box of ten paces lies where it lies, not within a share of its coordinates."""
    x, y = corner
    step = x * 1e-5
    boxes = [[x + n * step, y, x + n * step + 0.9 * step, y + 0.9 * step] for n in range(6)]
    expected = [{"bbox": box, "label": "car", "score": 0.9 - n / 1e6} for n, box in enumerate(boxes)]
    assert not failing(expected[::-1], expected)
    outlines = [{"polygon": [[a, b], [c, b], [c, d], [a, d]], "label": "car"} for a, b, c, d in boxes]
    assert not failing(outlines[::-1], outlines)
    sided = [{"bbox": [a, b, c - a, d - b], "label": "car"} for a, b, c, d in boxes]
    assert not failing(sided[::-1], sided)


def test_a_single_box_is_one_whoever_wrote_the_list_around_it() -> None:
    def found(moved: float) -> Any:
        return {"boxes": [[5000.5 + moved, 5000.5, 5010.5 + moved, 5010.5]], "labels": [1], "scores": [0.9]}

    assert not failing(found(0.1), found(0.0), own_form=True)
    assert failing(found(3.0), found(0.0), own_form=True)
    assert failing(found(3.0), found(0.0))


def test_places_of_any_size_and_names_of_any_length_are_paired() -> None:
    expected = [{"bbox": [n * 1e308, 0.5, 1.0, 1.0], "label": "x" * (n + 1) * 1_000_000} for n in (-1, 1)]
    expected += [{"bbox": [10.5 * n, 0.5, 1.0, 1.0], "label": "car"} for n in range(1000)]
    assert not failing(expected[::-1], expected)


def test_rows_without_places_stay_in_their_order() -> None:
    rows = [{"class": "water", "share": 0.5}, {"class": "forest", "share": 0.25}]
    assert failing(rows[::-1], rows)
    deep: Any = 0.5
    for _ in range(400):
        deep = {"a": deep}
    assert failing([deep, deep], [deep, deep]) == []


def test_a_missing_detection_says_how_many() -> None:
    other = copy.deepcopy(detections())
    other["detections"].pop()
    (check,) = json_checks(other, detections(), EXACT)
    assert (check.measured, check.limit) == ("5 entries", "6 entries")


def test_true_is_no_number_and_1_is_1_point_0() -> None:
    assert failing({"a": [True]}, {"a": [1]})
    assert failing({"a": [1, "x"]}, {"a": [1.0, "x"]}) == []


def test_the_items_tolerances_count() -> None:
    loose = ComparisonPolicy(task="exact", atol=0.05, relaxed=True)
    assert failing({"a": "x", "b": [0.52]}, {"a": "x", "b": [0.5]})
    assert failing({"a": "x", "b": [0.52]}, {"a": "x", "b": [0.5]}, loose) == []


def test_dlm_builds_own_runner_chose_the_list_and_the_names() -> None:
    scores = [0.7, 0.2, 0.1]
    named = {"water": 0.7, "forest": 0.2, "built-up": 0.1}
    for actual, expected in (([0.7, 0.2, 0.1], [scores]), (named, scores), (named, [scores])):
        assert failing(actual, expected, SCORES, own_form=True) == []
        assert failing(actual, expected, SCORES)
    assert failing({**named, "water": 0.2, "forest": 0.7}, scores, SCORES, own_form=True)
    assert failing({"a": 0.7, "b": 0.2, "c": 0.1}, named, SCORES, own_form=True)


def test_scores_by_the_places_of_their_classes() -> None:
    named = {"water": 0.7, "forest": 0.2, "built-up": 0.1}
    for actual in (named, [*named.values()]):
        assert failing(actual, {"0": 0.7, "1": 0.2, "2": 0.1}, SCORES, own_form=True) == []
        assert failing(actual, {"0": 0.2, "1": 0.7, "2": 0.1}, SCORES, own_form=True)
    assert failing(named, {"0": 0.7, "1": 0.2, "3": 0.1}, SCORES, own_form=True)
    assert failing(named, {"0": 0.7, "1": 0.2, "2": 0.1}, SCORES)


def test_results_by_the_models_names_or_in_its_order() -> None:
    actual = {"scores": [0.9, 0.4], "boxes": [[0.5, 1, 2, 3], [4.5, 5, 6, 7]]}
    swapped = {"scores": [0.4, 0.9], "boxes": actual["boxes"]}
    for expected in (dict(reversed(actual.items())), [*actual.values()]):
        assert failing(actual, expected, own_form=True) == []
        assert failing(swapped, expected, own_form=True)
    assert failing(actual, [*actual.values()])
    one = {"scores": 0.9, "boxes": [0.5, 1, 2, 3]}
    assert failing(one, {"scores": [0.9], "boxes": [[0.5, 1, 2, 3]]}, own_form=True) == []
    assert failing(one, {"scores": [0.9], "boxes": [[0.5, 1, 2, 9]]}, own_form=True)


def test_the_order_of_names_means_nothing() -> None:
    assert failing({"b": 0.2, "a": 0.8}, {"a": 0.8, "b": 0.2}, SCORES) == []


@pytest.mark.parametrize("policy", [EXACT, SCORES, ComparisonPolicy(task="float", atol=0.01, rtol=1e-3)])
def test_whole_numbers_are_no_scores(policy: ComparisonPolicy) -> None:
    assert failing({"count": 4000, "class": 4}, {"count": 4000, "class": 3}, policy)
    assert failing([123456790, 1], [123456789, 1], policy)
    assert failing({"count": 4000, "class": 3}, {"count": 4000, "class": 3}, policy) == []


def test_numbers_beyond_any_float() -> None:
    huge = 10**400
    assert failing([huge], [1], SCORES) and failing({"a": huge}, {"a": 1.5}) and failing([1.5], [huge], SCORES)
    assert failing({"a": [huge, 1.5]}, {"a": [huge, 1.5]}) == []


def test_one_huge_number_makes_no_other_easier_to_meet() -> None:
    def values(sign: int) -> Any:
        return {"points": "x", "rows": [{"v": -9999.0}, *({"v": sign * n / 10} for n in range(1, 50))]}

    assert failing(values(1), values(1)) == []
    assert failing(values(-1), values(1))


# --- shapes ------------------------------------------------------------------------------------------------------


def outline(east: float, north: float, by: float = 0.0, side: float = 20.0) -> Any:
    ring = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side), (0.0, 0.0)]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[[east + x + by, north + y + by] for x, y in ring]]},
        "properties": {"class": "ship"},
    }


@pytest.mark.parametrize(
    ("east", "north", "side"), [(500000.5, 5000000.5, 20.0), (8.25, 47.5, 0.0003), (0.5, 0.5, 40.0)]
)
def test_a_shape_moves_by_a_share_of_itself_wherever_it_is(east: float, north: float, side: float) -> None:
    expected = outline(east, north, side=side)
    assert failing(outline(east, north, 0.015 * side, side), expected) == []
    for far in (0.03, 1.0, 150.0):
        (told,) = failing(outline(east, north, far * side, side), expected)
        assert told == "shapes near 1 shapes at /geometry/coordinates/*"


@pytest.mark.parametrize(
    ("key", "box"),
    [
        ("bbox", [1000.5, 1000.5, 1020.5, 1020.5]),
        ("bbox", [1000.5, 1000.5, 20.0, 20.0]),
        ("box", [0.5, 0.5, 0.02, 0.02]),
        ("bbox", [500000.5, 5000000.5, 0.0, 500020.5, 5000020.5, 5.0]),
        ("segmentation", [10.5, 10.5, 30.5, 10.5, 30.5, 30.5]),
    ],
)
def test_boxes_by_corners_and_by_sides(key: str, box: list[float]) -> None:
    side = 0.02 if key == "box" else 20.0
    near, far = ([number + share * side for number in box] for share in (0.01, 0.05))
    assert failing({key: near}, {key: box}) == []
    assert failing({key: far}, {key: box})


def test_whole_numbers_of_a_shape_are_compared_as_such() -> None:
    assert failing({"bbox": [10, 20, 31, 40]}, {"bbox": [10, 20, 30, 40]})
    assert failing({"bbox": [10, 20, 30.1, 40]}, {"bbox": [10, 20, 30, 40]}) == []


def test_positions_alone_and_among_others() -> None:
    def points(by: float, count: int) -> Any:
        return [{"coordinates": [500000.0 + 100 * n + by, 5000000.0 + by]} for n in range(count)]

    assert failing(points(0.5, 11), points(0, 11)) == []
    assert failing(points(5.0, 11), points(0, 11))
    assert failing(points(1000.0, 1), points(0, 1))
    assert failing([{"coordinates": [0.0, 0.0]}], [{"coordinates": [0.0, 0.0]}]) == []


def test_the_items_tolerances_count_against_the_size_of_a_shape() -> None:
    strict = ComparisonPolicy(task="exact", rtol=1e-3)
    expected = outline(500000.5, 5000000.5)
    assert failing(outline(500000.5, 5000000.5, 0.015), expected, strict) == []
    assert failing(outline(500000.5, 5000000.5, 0.2), expected, strict)


@pytest.mark.parametrize("other", [[[1.5, 2.5]], [[1.5, 2.5], [3.5]], [[1.5, 2.5], ["a", 4.5]], [1.5, 2.5], "text"])
def test_shapes_of_another_form(other: Any) -> None:
    assert failing({"points": other}, {"points": [[1.5, 2.5], [3.5, 4.5]]})


def test_rows_of_a_label_and_its_score_are_scores_in_any_order() -> None:
    def rows(*scores: float, label: str = "label") -> Any:
        named = zip(("forest", "water", "crops", "urban"), scores, strict=True)
        return sorted(({label: name, "score": score} for name, score in named), key=lambda row: -row["score"])

    expected = rows(0.97, 0.0102, 0.0101, 0.0097)
    assert failing(rows(0.9695, 0.0103, 0.0104, 0.0098), expected, SCORES) == []
    assert failing(rows(0.9, 0.05, 0.03, 0.02), expected, SCORES)
    assert failing(rows(0.0102, 0.97, 0.0101, 0.0097), expected, SCORES)
    assert failing(rows(0.97, 0.0102, 0.0101, 0.0097, label="class"), expected, SCORES)
    assert failing(expected[:3], expected, SCORES)
    plain = {row["label"]: row["score"] for row in expected}
    assert failing(plain, expected, SCORES)
    assert failing(plain, expected, SCORES, own_form=True) == []


def test_zeros_among_small_numbers_are_held_to_these() -> None:
    expected = [0.0] * 95 + [1e-6] * 5
    assert failing([5e-4] * 95 + [1e-6] * 5, expected)
    assert failing([1e-10] * 95 + [1e-6] * 5, expected) == []


def test_lists_side_by_side_are_paired_whatever_stands_beside_them() -> None:
    def found(*order: int, picture: Any = 3) -> Any:
        return {
            "picture": picture,
            "boxes": [[100.5 * n, 1.0, 100.5 * n + 9, 9.0] for n in order],
            "scores": [0.5 + n / 10 for n in order],
        }

    assert failing(found(2, 0, 1), found(0, 1, 2)) == []
    assert failing(found(2, 0, 1, picture=4), found(0, 1, 2))
    assert failing(found(2, 0, 1, picture=[1, 2, 3]), found(0, 1, 2))
    assert failing({**found(2, 0, 1), "boxes": None}, found(0, 1, 2))


def test_coordinates_of_rows_by_their_names() -> None:
    rows = [{"Longitude": 11.05 + n / 50, "Latitude": 48.05 + n / 90, "biomass": 100.5 + n} for n in range(5)]
    near, far = (copy.deepcopy(rows) for _ in range(2))
    near[2]["Latitude"] += 1e-6
    far[2]["Latitude"] += 0.02
    assert failing(near, rows) == []
    assert failing(far, rows) == ["shapes near 5 shapes at /*/longitude, latitude"]
    assert failing([{**row, "Latitude": None} for row in rows], rows) == [
        "JSON content first difference at /0/Latitude"
    ]
    whole = [{"x": 3, "y": n, "n": 1} for n in range(4)]
    assert failing([{**row, "x": 4} for row in whole], whole) == ["JSON content first difference at /0/x"]


def test_the_name_of_a_layer_is_that_of_its_file() -> None:
    layer = {"type": "FeatureCollection", "name": "expected", "features": [{"type": "Feature", "name": "a"}]}
    assert failing({**layer, "name": "out"}, layer) == []
    assert failing({**layer, "features": [{"type": "Feature", "name": "b"}]}, layer)
    assert failing({key: layer[key] for key in ("type", "features")}, layer)


@pytest.mark.parametrize(
    "box",
    [
        {"x": 100.0, "y": 100.5, "width": 101.0, "height": 99.8},
        {"west": -0.5, "south": -0.5, "east": 0.001, "north": 0.002},
    ],
)
def test_names_tell_whether_a_box_is_told_by_corners_or_by_sides(box: dict[str, float]) -> None:
    rows, first = [box, {name: number + 10 for name, number in box.items()}], next(iter(box))
    size = max(box["width"], box["height"]) if "width" in box else 0.502
    for share, told in ((0.01, []), (0.03, [f"shapes near 2 shapes at /*/{', '.join(box)}"])):
        assert failing([{**box, first: box[first] + share * size}, rows[1]], rows) == told


def test_what_is_counted_is_no_coordinate() -> None:
    rows = [{"x": hour, "y": 288.5 + hour} for hour in range(24)]
    assert failing([{**row, "y": row["y"] * 1.0004} for row in rows], rows) == []
    assert failing([{**row, "y": row["y"] * 1.004} for row in rows], rows) == ["relative error 24 numbers at /*/y"]


def test_a_row_without_a_place_hides_no_other() -> None:
    rows = [{"lat": 48.05 + n / 90, "lon": 11.05 + n / 50} for n in range(5)]
    far = [{**row, "lat": row["lat"] + 0.02} for row in rows]
    lost = {"lat": None, "lon": None}
    assert failing([*rows, lost], [*rows, lost]) == []
    assert failing([*far, lost], [*rows, lost]) == ["shapes near 5 shapes at /*/lon, lat"]
    assert failing([lost, *rows], [rows[0], *rows]) == ["JSON content first difference at /0/lat"]
