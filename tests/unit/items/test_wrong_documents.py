"""Documents that cannot be parsed: one file for each way, with where and what and the fix that must be said."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item
from tests.unit.items.samples_of_items import GOOD

WRONG = Path(__file__).parent / "wrong"

SAID = {
    "missing-comma.json": ("3:2:", "Expecting ',' delimiter", '"license": "MIT"', "put a comma"),
    "line-break-in-text.json": ("2:28:", "Invalid control character", '"title": "x', r"inside texts as `\n`"),
    "single-quotes.json": ("1:2:", "property name", "{'id'", "double quotes only"),
    "cut-off.json": ("1:11:", "Expecting ',' delimiter", '{"id": "a"', "close the bracket"),
    "two-objects.json": ("2:1:", "Extra data", '{"id": "b"}', "keep one JSON object"),
    "no-value.json": ("1:8:", "Expecting value", '{"id": }', "put a value here"),
    "bad-escape.json": ("1:13:", r"Invalid \escape", "models", r"write a backslash as `\\`"),
    "duplicate-key.json": ("4:4: /properties/dlm:runtime/docker/run:", 'the key "run" is given twice', "", "keep one"),
    "nan.json": ("2:2: /a/1:", "NaN is not a JSON value", "", "null, or leave the field out"),
    "infinity.json": ("1:7: /a:", "-Infinity is not a JSON value", "", "null"),
    "overflow.json": ("1:13: /a/b:", "1e999 is a number too large", "", "ordinary number"),
    "huge-integer.json": ("1:7: /a:", "18446744073709551616 is an integer beyond 64 bits", "", "ordinary number"),
    "unquoted-colon.yml": ("3:15:", "values are not allowed", "title: model: the best", '`title: "model: the best"`'),
    "unindented-block.yml": ("4:2:", "not valid YAML", "links: []", "indent this line like its neighbours"),
    "tab.yml": ("3:1:", "cannot start any token", "title: x", "spaces, not tabs"),
    "no-space.yml": ("3:1:", "could not find expected ':'", "version: 1", "last colon of `framework:PyTorch`"),
    "apostrophe.yml": ("2:15:", "not valid YAML", "title: 'Coast's", "write the apostrophe twice"),
    "backslash.yml": ("2:17:", "escape character 's'", "sample", "into single quotes"),
    "open-quote.yml": ("3:1:", "unexpected end of stream", "", "close the quote"),
    "open-bracket.yml": ("3:1:", "expected ',' or ']'", "", "quotes"),
    "reserved-character.yml": ("2:8:", "'@' that cannot start any token", "title: @here", "quote the text"),
    "duplicate-key.yml": ("3:1: /run:", 'the key "run" is given twice', "", "keep one of them"),
    "alias.yml": ("2:4:", "the alias *x is not read", "b: *x", "write the value out"),
    "tag.yml": ("1:4:", "is not read", "python/object/apply:os.system", "remove the tag"),
    "two-documents.yml": ("2:1:", "a second document begins", "---", "keep one item"),
    "list-as-key.yml": ("1:3:", "a key is a list or an object", "? [a, b]", "quote the key"),
    "nan.yml": ("1:4:", ".nan is not a value", "a: .nan", "null"),
    "overflow.yml": ("1:4:", "1e999 is a number too large", "a: 1e999", "quote it if it is text"),
    "javascript.json": ("1:1:", "JSON inside JavaScript", "export default {", "keep the object alone"),
    "jsonp.json": ("1:1:", "JSON inside a call", "callback({", "keep the object alone"),
    "code-block.json": ("1:1:", "a code block of Markdown", "```json", "between the lines of ```"),
    "curved-quotes.json": ("3:2:", "property name", "“id”", "straight quotes"),
    "lfs-pointer.json": ("", "a pointer of Git LFS", "", "git lfs pull"),
    "conflict.json": ("3:1:", "an unresolved merge conflict at line 3", "", "keep one of the two sides"),
    "conflict-of-all.json": ("1:1:", "an unresolved merge conflict at line 1", "", "keep one of the two sides"),
    "conflict.yml": ("4:1:", "an unresolved merge conflict at line 4", "", "keep one of the two sides"),
    "entry-further-left.yml": ("6:18:", "values are not allowed", "model_handler", "`version: 1.10` before it"),
    "nul.yml": ("1:5:", r"the character \x00 may not stand", r"b\x00c", "remove it"),
}  # fmt: skip


def test_every_file_is_in_the_table() -> None:
    assert {path.name for path in WRONG.iterdir()} == set(SAID)


@pytest.mark.parametrize("name", sorted(SAID))
def test_said(name: str) -> None:
    place, what, line, fix = SAID[name]
    with pytest.raises(ItemInvalid) as caught:
        read_item((WRONG / name).read_text(encoding="utf-8"), f"models/{name}")
    error = caught.value
    assert error.message.startswith(f"models/{name}:{place}"), error.message
    assert what in error.message
    assert line in error.message
    assert fix in error.hint
    assert str(error).isprintable() or str(error).count("\n") == 1


SIDES = "<<<<<<< HEAD\n{a}=======\n{b}>>>>>>> other\n"


@pytest.mark.parametrize(
    ("before", "a", "b", "line"),
    [
        ("# an item\n", "id: a\n", "id: b\n", 2),
        ("id: a\ntags:\n- b\n", "- c\n", "- d\n", 4),
        ("id: a\ntext: |\n  some\n", "  more\n", "  less\n", 4),
        ("id: a\ntext: some\n", "", "  less\n", 3),
        ("id: a\nsizes: {c: 1,\n", "  d: 1,\n", "  d: 2,\n", 3),
        ('{"id": "a"\n', ', "b": 1\n', ', "b": 2\n', 2),
        ('// an item\r\n{"id": "a",\r\n', '"b": 1,\r\n', '"b": 2,\r\n', 3),
        ("\n\n", "<a>\n", "<b>\n", 3),
    ],
)
def test_a_conflict_is_found_where_it_begins(before: str, a: str, b: str, line: int) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read_item(before + SIDES.format(a=a, b=b) + "z: 1\n", "a.yml")
    assert f"a.yml:{line}:1: an unresolved merge conflict at line {line}" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"id": "a", "text": SIDES})[:-1],
        "id: a\ntext: |\n  <<<<<<< HEAD\n  =======\n  >>>>>>> other\nb: x: y\n",
        "id: a\n=======\nb: 1\n",
        "<<<<<<<HEAD>",
    ],
)
def test_a_mistake_beside_texts_that_have_such_lines_is_no_conflict(text: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read_item(text, "a.yml")
    assert "conflict" not in caught.value.message


def test_texts_may_have_such_lines() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["description"] = SIDES
    assert read_item(json.dumps(item), "a.json").id == item["id"]
    lines = "".join(f"    {line}\n" for line in SIDES.splitlines())
    assert read_item(_in_yaml(lines), "a.yml").id == GOOD["id"]


def _in_yaml(lines: str) -> str:
    rows = (f"{name}: {json.dumps(value)}\n" for name, value in GOOD.items())
    return "".join((*rows, "note: |\n", lines))
