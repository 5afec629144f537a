"""Where a finding stands in the text, in JSON and in YAML, and errors as findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid, SourceGone
from dlm_build.findings.kinds import every_kind
from dlm_build.items import as_finding, read_item, read_with_positions
from dlm_build.records import Item

from .samples_of_items import DOCKER, GOOD, RUNTIME, found, spoiled
from .test_wrong_documents import SAID, WRONG

PUBLISHED = Path(__file__).parent / "published"


def stands_at(text: str, line: int | None, column: int | None) -> str:
    """What is written there."""
    assert line is not None and column is not None
    return text.split("\n")[line - 1][column - 1 :]


def test_json() -> None:
    text = json.dumps(spoiled(f"{RUNTIME}version", 1.5), indent=2)
    finding = found(read_with_positions(text, "x"), "version-is-a-number")
    assert stands_at(text, finding.line, finding.column) == '"version": 1.5,'


def test_a_row_of_a_list() -> None:
    text = json.dumps(spoiled("properties/dlm:archive/1", "in.tif"), indent=2)
    finding = found(read_with_positions(text, "x"), "archive-row-not-an-object")
    assert stands_at(text, finding.line, finding.column) == '"in.tif",'


def test_a_missing_field_stands_where_its_parent_does() -> None:
    text = json.dumps(spoiled(f"{RUNTIME}model_commit_hash"), indent=2)
    finding = found(read_with_positions(text, "x"), "source-not-pinned")
    assert finding.pointer == f"/{RUNTIME}model_commit_hash"
    assert stands_at(text, finding.line, finding.column) == '"dlm:runtime": {'


def test_what_is_about_the_whole_stands_at_its_beginning() -> None:
    text = "\n  " + json.dumps(spoiled("id"))
    assert [(f.code, f.line, f.column) for f in read_with_positions(text, "x").findings] == [("no-id", 2, 3)]


@pytest.mark.parametrize("name", ["coast.json", "coast.yml"])
def test_every_finding_of_an_item_in_json_and_in_yaml(name: str) -> None:
    text = (PUBLISHED / name).read_text(encoding="utf-8")
    item = read_with_positions(text, name)
    assert item.findings
    for finding in item.findings:
        written = stands_at(text, finding.line, finding.column)
        key = next(part for part in reversed(finding.pointer.split("/")) if not part.isdigit()).replace("~1", "/")
        parents = [part for part in finding.pointer.split("/") if part and not part.isdigit()]
        assert key in written or any(parent in written for parent in parents) or written[0] in "{-", (finding, written)


def test_positions_change_nothing_else() -> None:
    text = (PUBLISHED / "coast.json").read_text(encoding="utf-8")
    plain, placed = read_item(text, "x"), read_with_positions(text, "x")
    assert all(f.line is None for f in plain.findings) and all(f.line for f in placed.findings)
    assert [(f.code, f.pointer, f.message) for f in plain.findings] == [
        (f.code, f.pointer, f.message) for f in placed.findings
    ]


def test_a_repaired_text_keeps_its_lines() -> None:
    text = "// a remark\n" + json.dumps(spoiled(f"{RUNTIME}version", 1.5), indent=2).replace('"id":', '"id" :')
    finding = found(read_with_positions(text, "x"), "version-is-a-number")
    assert stands_at(text, finding.line, finding.column) == '"version": 1.5,'


# --- errors -----------------------------------------------------------------------------------------------------------


def error_of(text: str) -> DlmBuildError:
    with pytest.raises(DlmBuildError) as caught:
        read_with_positions(text, "x.json")
    return caught.value


@pytest.mark.parametrize(
    ("path", "value", "kind", "code"),
    [
        (f"{DOCKER}tag", "a b", ItemInvalid, "field-invalid"),
        (f"{DOCKER}tag", "1.0\nx", ItemHostile, "field-hostile"),
    ],
)
def test_a_field_that_is_refused(path: str, value: str, kind: type[DlmBuildError], code: str) -> None:
    text = json.dumps(spoiled(path, value), indent=2)
    error = error_of(text)
    finding = as_finding(error)
    assert isinstance(error, kind) and (finding.code, finding.pointer) == (code, f"/{path}")
    assert stands_at(text, finding.line, finding.column).startswith('"tag": "')
    assert error.message == f"x.json:{finding.line}:{finding.column}: {finding.pointer}: {finding.message}"
    assert finding.hint == error.hint and finding.severity == "error"


CODES = {
    "duplicate-key": "duplicate-key", "nan": "number-refused", "infinity": "number-refused",
    "overflow": "number-refused", "huge-integer": "number-refused", "alias": "yaml-alias", "tag": "yaml-tag",
    "two-documents": "second-document", "list-as-key": "key-not-text", "nul": "character-refused",
    "lfs-pointer": "document-is-a-pointer", "conflict": "document-has-a-conflict",
    "conflict-of-all": "document-has-a-conflict",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SAID))
def test_a_document_that_cannot_be_parsed(name: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read_item((WRONG / name).read_text(encoding="utf-8"), name)
    finding = as_finding(caught.value)
    stem, _, suffix = name.partition(".")
    assert finding.code == CODES.get(stem, "not-json" if suffix == "json" else "not-yaml")
    assert finding.code in every_kind()
    position = f":{finding.line}:{finding.column}:" + (f" {finding.pointer}:" if finding.pointer else "")
    assert caught.value.message == f"{name}{position} {finding.message}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "document-empty"),
        ("<html>", "document-is-a-page"),
        ("[" * 65 + "]" * 65, "document-too-deep"),
        ("[" + "1," * 300_001 + "1]", "document-too-large"),
        ('"' + "x" * (4 << 20) + '"', "document-too-large"),
        ('// "\n' + "[" * 3000 + "]" * 3000, "document-too-deep"),
    ],
)
def test_a_document_beyond_the_limits(text: str, code: str) -> None:
    assert as_finding(error_of(text)).code == code


def test_an_error_that_has_no_place() -> None:
    finding = as_finding(SourceGone("no such file: x", "give another"))
    assert (finding.code, finding.pointer, finding.line) == ("source-gone", "", None)
    assert (finding.message, finding.hint) == ("no such file: x", "give another")


def test_a_good_item_has_no_findings() -> None:
    item: Item = read_with_positions(json.dumps(GOOD), "x")
    assert item.findings == ()
