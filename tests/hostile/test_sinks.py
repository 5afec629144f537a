"""Whatever an item says, each format of `check` stays what it is: read back by a reader of that format."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dlm_build.checking.records import CheckReport
from dlm_build.records import from_json
from tests.hostile.running import Program
from tests.hostile.table import read_table

CASES = read_table()
_DOCUMENT = {"html", "head", "meta", "title", "style", "body"}
_TAGS = _DOCUMENT | {"h1", "h3", "ul", "ol", "li", "details", "summary", "span", "b", "p", "code", "br"}
_ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "open"}
_EMPTY = {"meta", "br"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case in one folder; besides, what lies beside items is no item."""
    scratch = tmp_path_factory.mktemp("sinks")
    for name in ("folder", "home", "tmp"):
        (scratch / name).mkdir()
    for case in CASES.values():
        (scratch / "folder" / case.file).write_bytes(case.document)
    return scratch


def written(program: Program, folder: Path, form: str) -> str:
    ran = program(folder, "check", "--verbose", "--format", form, *sorted(case.file for case in CASES.values()))
    assert ran.status in (6, 7), ran.err
    text = ran.out.decode()
    odd = {character for line in text.split("\n") for character in line if not character.isprintable()}
    assert not odd, f"{form} has {odd}"
    return text


def test_list(program: Program, folder: Path) -> None:
    text = written(program, folder, "list")
    for case in CASES.values():
        assert f"    {case.file}\n" in text
    assert f"{len(CASES)} items" in text


def test_json(program: Program, folder: Path) -> None:
    text = written(program, folder, "json")
    assert len(from_json(CheckReport, text.encode()).items) == len(CASES)
    assert len(written(program, folder, "jsonl").splitlines()) == len(CASES)


def test_sarif(program: Program, folder: Path) -> None:
    (run,) = json.loads(written(program, folder, "sarif"))["runs"]
    files = {case.file for case in CASES.values()}
    assert run["results"]
    for result in run["results"]:
        assert not re.search(r"\[[^\]]*\]\(", result["message"]["text"]), result
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] in files


def test_junit(program: Program, folder: Path) -> None:
    root = ElementTree.fromstring(written(program, folder, "junit"))
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "testcase", "properties", "property", "failure", "error", "system-out",
    }  # fmt: skip
    (suite,) = root
    assert [case.get("file") for case in suite] == sorted(case.file for case in CASES.values())


class Page(HTMLParser):
    """Fails where a tag, an attribute or their order is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.items = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS
        assert {name for name, _ in attrs} <= _ATTRIBUTES
        self.items += tag == "details"
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def test_html(program: Program, folder: Path) -> None:
    text = written(program, folder, "html")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.items == len(CASES)
    assert "default-src 'none'" in text


def test_markdown(program: Program, folder: Path) -> None:
    """As GitHub reads it: no link, picture or tag, and outside of code nothing that it would link by itself."""
    text = written(program, folder, "markdown")
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = [token for block in reader.parse(text) for token in (block, *(block.children or ()))]
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "fence", "code_block", "s_open", "em_open"}
    plain = "\n".join(map(_plain, tokens))
    assert not re.search(r"\w://|\bwww\.|\w@\w|(?<!\w)@\w", plain), plain
    assert sum(token.type == "heading_open" and token.tag == "h2" for token in tokens) == len(CASES)
    assert sum(token.type == "tr_open" for token in tokens) == len(CASES) + 1


def _plain(token: Token) -> str:
    return token.content if token.type == "text" else ""
