"""Values as the loaders give them: limits, raw numbers, certain repairs, no surprising types."""

from __future__ import annotations

import contextlib
import time

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items.document import Number, Position, child, digest
from dlm_build.items.loading.json_text import starts_like_json
from dlm_build.items.reading import load, read_item


@pytest.mark.parametrize("raw", ["1.10", "-0", "1e5", "1E-400", "0.10000000000000000000000001", "18446744073709551615"])
def test_json_numbers_keep_their_text(raw: str) -> None:
    assert load(f'{{"a": {raw}}}', "x").value == {"a": Number(raw)}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"), ("yes", "yes"), ("off", "off"), ("y", "y"), ("1:30", "1:30"), ("2020-12-12", "2020-12-12"),
        ("2020-12-12T00:00:01Z", "2020-12-12T00:00:01Z"), ("0x1F", "0x1F"), ("0o17", "0o17"), ("1_000", "1_000"),
        ("<<", "<<"), ("=", "="), ("1.2.3", "1.2.3"), ("'5'", "5"), ('"true"', "true"), ("null", None), ("~", None),
        ("", None), ("true", True), ("FALSE", False), ("1.10", Number("1.10")), ("007", Number("007")),
        ("+5", Number("+5")), (".5", Number(".5")), ("1e3", Number("1e3")), ("[1, a]", [Number("1"), "a"]),
        ("{b: c}", {"b": "c"}), ("|\n  x\n  y\n", "x\ny\n"), (">-\n  x\n  y\n", "x y"),
    ],
)  # fmt: skip
def test_yaml_has_no_surprises(written: str, read: object) -> None:
    assert load(f"a: {written}", "x").value == {"a": read}


@pytest.mark.parametrize(
    "text", ['"type": Feature\n"id": a\n', '# a note\n"type" : Feature\n"id": a\n', '\n  "ty\\"pe": Feature\n  id: a\n']
)
def test_yaml_may_begin_with_a_quoted_key(text: str) -> None:
    value = load(text, "item.yml").value
    assert isinstance(value, dict) and value["id"] == "a"


@pytest.mark.parametrize("text", ['"a text"', '"type" "Feature"', '"type'])
def test_a_quoted_text_alone_is_no_yaml(text: str) -> None:
    assert starts_like_json(text)


def test_yaml_keys_are_texts() -> None:
    assert load("0: a\nno: b\n1.10: c\n~: d", "x").value == {"0": "a", "no": "b", "1.10": "c", "~": "d"}


def test_a_yaml_version_directive_changes_nothing() -> None:
    assert load("%YAML 1.1\n---\na: no", "x").value == {"a": "no"}


def test_leading_comment_lines() -> None:
    document = load('// one\n  // two {"\n{"a": "// kept"}', "x")
    assert document.value == {"a": "// kept"}
    assert [f.code for f in document.findings] == ["leading-comment-lines"]


@pytest.mark.parametrize("before", ["/* one */ ", "/* one\n * two { */\n// three\n", "// /* one\n"])
def test_leading_comments_of_any_kind(before: str) -> None:
    document = load(before + '{"a": "/* kept */"}', "x")
    assert document.value == {"a": "/* kept */"}
    assert [f.code for f in document.findings] == ["leading-comment-lines"]


def test_comments_between_values() -> None:
    document = load('{"a": 1, // it\'s "one"\n /* two\n lines */ "b": "// kept",\n "c": 2 /**/,\n}', "x")
    assert document.value == {"a": Number("1"), "b": "// kept", "c": Number("2")}
    first, comma = document.findings
    assert (first.code, first.line, first.column) == ("comment-in-json", 1, 10)
    assert "line 1, column 10 and in 2 more places" in first.message
    assert (comma.code, comma.line) == ("trailing-comma", 4)
    assert document.places()["/c"] == Position(line=4, column=2)


@pytest.mark.parametrize("unit", ["/*", "/**", "//", '"//', '/*"', "*/"])
def test_comments_without_an_end_take_no_time(unit: str) -> None:
    started = time.process_time()
    for text in ('{"a": 1, ' + unit * 100_000, unit * 100_000 + "{}"):
        with contextlib.suppress(ItemInvalid):
            load(text, "x")
    assert time.process_time() - started < 5


def test_trailing_commas() -> None:
    document = load('{"a": [1, 2 , ],\n "b": ",]",\n}', "x")
    assert document.value == {"a": [Number("1"), Number("2")], "b": ",]"}
    (finding,) = document.findings
    assert (finding.code, finding.severity) == ("trailing-comma", "info")
    assert "line 1, column 13 and in 1 more place;" in finding.message


@pytest.mark.parametrize("text", ['{"a": [,]}', '{"a": { ,}}', '{"a": [/* b */ ,]}', '{"a": [1,,]}'])
def test_a_comma_behind_nothing_is_no_trailing_comma(text: str) -> None:
    with pytest.raises(ItemInvalid, match="not valid JSON: Expecting"):
        load(text, "x")


def test_a_repair_does_not_hide_the_real_fault() -> None:
    with pytest.raises(ItemInvalid, match=r"^x:4:8: not valid JSON: Expecting value; the line is `\"b\": }"):
        load('// c\n{"a": [1,],\n"c": 1,\n  "b": }', "x")


def test_positions_count_the_repaired_lines() -> None:
    document = load('// c\n{"a": [1,\n  {"b~/": 2}],}', "x")
    places = document.places()
    assert places["/a"] == Position(line=2, column=2)
    assert places["/a/0"] == Position(line=2, column=8)
    assert places["/a/1/b~0~1"] == Position(line=3, column=4)


def test_yaml_positions() -> None:
    places = load("a:\n  - 1\n  - b: 2\n", "x").places()
    assert places["/a"] == Position(line=1, column=1)
    assert places["/a/1"] == Position(line=3, column=5)
    assert places["/a/1/b"] == Position(line=3, column=5)


def test_an_error_about_a_missing_field_points_at_its_parent() -> None:
    document = load('{"a":\n {"b": 1}}', "x")
    assert document.invalid("/a/c", "is missing").message == "x:1:2: /a/c: is missing"
    assert document.invalid("", "is empty").message == "x: is empty"


def test_size_limit() -> None:
    with pytest.raises(ItemInvalid, match="more than 4,194,304 bytes"):
        load('{"a": "' + "x" * (4 << 20) + '"}', "x")
    with pytest.raises(ItemInvalid, match="more than 4,194,304 bytes"):
        load('{"a": "' + "é" * (2 << 20) + '"}', "x")
    with pytest.raises(ItemInvalid, match="more than 262,144 bytes") as caught:
        load("a: " + "x" * (256 << 10), "x")
    assert "convert the item to JSON" in caught.value.hint
    assert load('{"a": "' + "x" * (4 << 19) + '"}', "x").value


def test_depth_limit() -> None:
    assert load("[" * 64 + "]" * 64, "x").value
    for text in (
        "[" * 65 + "]" * 65,
        "[" * 1_000_000,
        '{"a":' * 65,
        "- " * 65 + "a",
        "\n".join(" " * i + "a:" for i in range(70)),
    ):
        with pytest.raises(ItemInvalid, match="nested more than 64 deep"):
            load(text, "x")


def test_brackets_in_texts_do_not_count() -> None:
    assert load('{"a": "' + "[" * 100 + '\\"' + "{" * 100 + '"}', "x").value
    assert load("a: '" + "[" * 100 + "'", "x").value


def test_many_values() -> None:
    with pytest.raises(ItemInvalid, match="more than 300,000 values"):
        load("[" + "1," * 300_001 + "1]", "x")
    with pytest.raises(ItemInvalid, match="more than 100,000 values"):
        load("[" + '"",' * 100_001 + "1]", "x")
    assert load('{"geometry": [' + "[1,2]," * 60_000 + "[1,2]]}", "x").value
    with pytest.raises(ItemInvalid, match="more than 12,000 values"):
        load("a: [" + "1," * 50_000 + "1]", "x")


def test_long_numbers() -> None:
    with pytest.raises(ItemInvalid, match="a number of 5000 characters"):
        load('{"a": ' + "9" * 5000 + "}", "x")
    with pytest.raises(ItemInvalid, match="a number of 5000 characters"):
        load("a: " + "9" * 5000, "x")


def test_a_duplicate_in_a_long_document_is_refused_without_a_line() -> None:
    with pytest.raises(ItemInvalid, match=r'^x: the key "b" is given twice'):
        load('{"a": "' + "x" * (300 << 10) + '", "b": 1, "b": 2}', "x")


def test_lone_surrogates_and_nul_are_loaded_as_they_are() -> None:
    document = load(r'{"a": "\ud800", "b": "\u0000"}', "x")
    assert document.value == {"a": "\ud800", "b": "\0"}
    assert len(digest(document.value)) == 64


def test_pointers_escape_what_a_terminal_must_not_get() -> None:
    assert child("/a", "b/c~d") == "/a/b~1c~0d"
    assert child("", "\x1b[31m") == "/\\x1b[31m"
    assert child("", "é") == "/é"
    assert len(child("", "x" * 9999)) < 250


# --- a number in another kind of document

BIOIMAGE = "format_version: 0.4.9\ncite: []\nweights: {onnx: {source: a.onnx}}\n"


@pytest.mark.parametrize("number", ["-.inf", ".nan", "1e999"])
def test_another_kind_of_document_is_called_by_its_name_whatever_number_it_has(number: str) -> None:
    text = f"{BIOIMAGE}inputs: [{{data_range: [{number}, .inf]}}]\n"
    with pytest.raises(ItemInvalid, match=r"this is a bioimage\.io description, not a model item"):
        read_item(text, "x")


@pytest.mark.parametrize("more", ["", "properties: {}\n", "features: []\n"])
def test_the_number_of_what_may_be_an_item_is_refused(more: str) -> None:
    text = (BIOIMAGE if more else "type: Feature\n") + more + "a: [-.inf, .nan]\n"
    with pytest.raises(ItemInvalid, match=r"x:\d+:5: /a/0:? .*-\.inf"):
        read_item(text, "x")


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a:\n  description: >-\n  some words here\n  and more of them\n  next: 1\n", ">-"),
        ("description: |\nsome words\nnext: 1\n", "|"),
        ("a:\n  - b: >2\n\n  some words\n  next: 1\n", ">2"),
        ("a:\n  - b: >-\n    some words,\n    and more of them\n    next: 1\n", ">-"),
    ],
)
def test_a_block_of_text_that_is_not_indented(text: str, mark: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        load(text, "x")
    assert caught.value.hint == f"indent the lines of the text below `{mark}` by two spaces more than its key"


@pytest.mark.parametrize("text", ["Vega (2017): data", "Tárraga MÁ: MERRAclim, “global”"])
def test_a_text_with_a_colon_is_shown_quoted_as_it_can_be_pasted(text: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        load(f"a: 1\ncitation: {text}\n", "x")
    line = caught.value.hint.partition("`")[2].rpartition("`")[0]
    assert load(line, "x").value == {"citation": text}


def test_a_long_text_with_a_colon_is_not_cut_in_a_fix() -> None:
    with pytest.raises(ItemInvalid) as caught:
        load(f"a: 1\ncitation: {'long ' * 200}: data\n", "x")
    assert caught.value.hint == 'it has a colon: put `"` before and after the text that follows `citation:`'


@pytest.mark.parametrize("text", ['{"$comment": "a", "id": "b", "$comment": "c"}', "$comment: a\nid: b\n$comment: c\n"])
def test_comments_may_be_there_twice(text: str) -> None:
    value = load(text, "x").value
    assert isinstance(value, dict) and value["id"] == "b"


def test_another_key_twice_beside_comments_is_named() -> None:
    with pytest.raises(ItemInvalid, match=r'x:1:51: /id: the key "id" is given twice'):
        load('{"$comment": "a", "id": "b", "$comment": "c",     "id": "d"}', "x")


def test_a_block_that_is_indented_is_not_blamed() -> None:
    with pytest.raises(ItemInvalid) as caught:
        load("a: >-\n  words\nb: 1\nno colon\nc: 2\n", "x")
    assert "like its neighbours" in caught.value.hint
