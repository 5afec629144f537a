"""One text: findings in order and in place, once each; an answer for any text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlm_build.checking import check_text
from dlm_build.checking.check import unread
from dlm_build.errors import InfraError, ItemHostile, SourceGone, UsageError
from dlm_build.findings.kinds import every_kind
from dlm_build.records import Item
from tests.unit.checking.made import changed, check, codes, complete
from tests.unit.items.samples_of_mlm import MLM


def test_blocking_findings_come_first() -> None:
    item = changed(assets={}, id=7, **{"properties__dlm:runtime__model_commit_hash": None})
    ranks = [finding.severity for finding in check(item).findings]
    assert ranks == sorted(ranks, key=["error", "warning", "info"].index)
    assert set(ranks) == {"error", "warning", "info"}


def test_every_finding_has_the_line_and_column_of_its_field() -> None:
    item = changed(id=7, **{"assets__model__file:checksum": None})
    text = json.dumps(item, indent=2)
    found = {finding.code: finding for finding in check_text(text, "item.json").findings}
    lines = text.splitlines()
    assert found["id-is-a-number"].line is not None
    assert lines[found["id-is-a-number"].line - 1].startswith('  "id"')
    assert found["id-is-a-number"].column == 3
    assert found["no-checksum"].line is not None
    assert lines[found["no-checksum"].line - 1].startswith('    "model"')


def test_a_missing_field_has_the_place_of_its_parent() -> None:
    item = changed(**{"properties__dlm:runtime__requirement_file": None, "properties__dlm:archive": []})
    text = json.dumps(item, indent=2)
    (finding,) = [one for one in check_text(text, "item.json").findings if one.code == "no-environment"]
    assert finding.line is not None
    assert '"dlm:runtime"' in text.splitlines()[finding.line - 1]


def test_what_the_reader_says_is_not_said_again() -> None:
    item = changed(**{"properties__dlm:data__test_file": None, "properties__dlm:runtime__model_commit_hash": None})
    found = [finding.code for finding in check(item).findings]
    assert found.count("no-sample") == found.count("source-not-pinned") == 1
    assert "no-expected-output" not in found


def test_nobody_asks_for_the_checksum_of_nothing() -> None:
    assert "no-checksum" not in codes(check(changed(assets={})))


def test_a_framework_without_a_recipe_blocks_this_tool_and_not_the_grade() -> None:
    runtime = "properties__dlm:runtime__"
    checked = check(changed(**{f"{runtime}framework": "Caffe", f"{runtime}requirement_file": None,
                               f"{runtime}model_src_url": None,
                               "properties__dlm:archive": [{"name": "weights.pth", "roles": ["model weight"]}],
                               f"{runtime}docker": {"image_name": "me/coast@sha256:" + "0f" * 32}}))  # fmt: skip
    assert "framework-without-recipe" in codes(checked)
    assert checked.grade.letter == "A"


def test_plain_http_is_said() -> None:
    checked = check(changed(assets__model__href="http://example.org/model.zip"))
    assert "weights-over-http" in codes(checked)


def test_a_file_beside_the_item_travels_with_it() -> None:
    for origin in ("items/item.json", "/srv/items/item.json", "https://example.org/items/item.json"):
        assert check(changed(assets__model__href="./model.zip"), origin).grade.letter == "A", origin


def test_more_findings_can_be_asked_for() -> None:
    def ask(item: Item) -> tuple[()]:
        asked.append(item.id)
        return ()

    asked: list[str] = []
    check_text(json.dumps(complete()), "item.json", ask)
    check_text("[]", "item.json", ask)
    assert asked == ["coast-unet"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"type": "Catalog", "id": "c", "links": []}', "<html>", '{"type": "Feature", "id": "s"}', "hello"],
)
def test_what_is_about_the_document_stands_at_its_beginning(text: str) -> None:
    (finding,) = check_text(text, "x.json").findings
    assert (finding.line, finding.column, finding.pointer) == (1, 1, "")


def test_an_item_that_cannot_be_read_to_its_end_is_named() -> None:
    refused = check(changed(**{"properties__dlm:runtime__model_handler": ["a", 1]}))
    assert (refused.grade.letter, refused.id, refused.dialect) == ("F", "coast-unet", "dlm/runtime")
    hostile = check(changed(**{"id": "a\u202eb", "properties__dlm:runtime__docker": {"tag": "a$(id)"}}))
    assert (hostile.outcome, hostile.id, hostile.dialect) == ("item-hostile", "ab", "dlm/runtime")
    scene = check({"type": "Feature", "id": "scene", "properties": {}, "assets": {}})
    assert (scene.outcome, scene.id, scene.dialect) == ("item-invalid", "scene", None)
    assert check({"type": "Collection", "id": "c", "links": []}).id is None


@pytest.mark.parametrize(
    ("problem", "outcome"),
    [
        (ItemHostile("bad", "mend"), "item-hostile"),
        (SourceGone("gone"), "source-gone"),
        (InfraError("no network"), "infra"),
        (UsageError("no such option"), "infra"),
    ],
)
def test_what_could_not_be_had_is_an_f_that_says_why(problem: SourceGone, outcome: str) -> None:
    checked = unread(problem, "item.json")
    (finding,) = checked.findings
    assert (checked.grade.letter, checked.outcome, finding.severity) == ("F", outcome, "error")
    assert (finding.message, finding.hint) == (problem.message, problem.hint)
    assert outcome in every_kind()


@given(
    st.text(max_size=300)
    | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(json.dumps)
)
def test_any_text_has_a_grade(text: str) -> None:
    checked = check_text(text, "item.json")
    assert checked.grade.letter in "ABCDEF"
    assert (checked.grade.letter == "F") == (checked.outcome is not None)


_TEXTS = ["https://example.org/a.zip", "main", "../a", "s3://b/k", "ghcr.io/a/b:1", "<x>", "\u202e", "\x1b[0m"]
_PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    _PLAIN | st.text(max_size=9) | st.sampled_from(_TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["href", "name", "roles", "a"]), inner),
    max_leaves=5,
)
_PLACES = [
    "id", "assets", "assets__model", "assets__model__href", "assets__model__roles", "assets__model__file:checksum",
    "properties__dlm:runtime__framework", "properties__dlm:runtime__version", "properties__dlm:runtime__docker",
    "properties__dlm:runtime__model_src_url", "properties__dlm:runtime__requirement_file", "properties__dlm:archive",
    "properties__dlm:data", "properties__created",
]  # fmt: skip


@given(st.sampled_from(_PLACES), _VALUES)
def test_any_value_in_any_field_has_a_grade(place: str, value: object) -> None:
    item = complete()
    *above, last = place.split("__")
    inner = item
    for name in above:
        inner = inner[name]
    inner[last] = value
    checked = check(item)
    assert checked.grade.letter in "ABCDEF"
    assert all(finding.message.isprintable() for finding in checked.findings)


def test_the_role_of_the_model_is_in_the_words_of_the_dialect() -> None:
    other = {"a": {"href": "https://example.org/a.zip"}, "b": {"href": "https://example.org/b.zip"}}
    dlm, mlm = changed(assets=other), {**MLM, "assets": other}
    assert '"model artefact"' in hint(dlm) and "mlm:" not in hint(dlm)
    assert '"mlm:model"' in hint(mlm)


def hint(item: dict[str, object]) -> str:
    (finding,) = [one for one in check(item).findings if one.code == "no-model-asset"]
    return finding.hint
