"""Every format: what it says, that its readers can read it, and that an item's text stays text in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dlm_build.checking.check import unread
from dlm_build.checking.formats import FORMATS, Look
from dlm_build.checking.records import Checked, CheckReport, LeftOut
from dlm_build.errors import SourceGone
from dlm_build.records import from_json
from tests.unit.checking.hostile import HOSTILE, LOOK, hostile, written
from tests.unit.checking.made import changed, check, complete

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {"list": "txt", "markdown": "md", "html": "html", "junit": "xml", "sarif": "sarif", "json": "json",
            "jsonl": "jsonl"}  # fmt: skip


@pytest.fixture
def several() -> tuple[Checked, ...]:
    """A good one, one with gaps, and one that cannot be read."""
    gaps = changed(id=7, **{"properties__dlm:runtime__model_commit_hash": None, "assets__model__file:checksum": None})
    return check(complete()), check(gaps), check(changed(properties=[]))


# --- one golden file per sink ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_hostile_item_is_written_so(name: str) -> None:
    """Made again by deleting the file; then it has to be read."""
    path = GOLDEN / f"hostile.{SUFFIXES[name]}"
    text = re.sub(
        r'("semanticVersion":|"dlm_build":|dlm-build )"?[0-9][\w.+]*"?', r"\1VERSION", written(name, hostile())
    )
    if not path.exists():
        path.write_text(text, "utf-8")
        pytest.fail(f"{path.name} was written: read it")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_lets_a_character_through_that_has_no_picture(name: str) -> None:
    for text in written(name, hostile()).split("\n"):
        assert not [c for c in text if not c.isprintable() and c != "\u200b"], name


# --- each by its own reader --------------------------------------------------------------------------------------


def test_json_is_a_report(several: tuple[Checked, ...]) -> None:
    report = from_json(CheckReport, written("json", *several).encode())
    assert report.items == several
    assert (report.summary.items, report.summary.grades["A"], report.summary.grades["F"]) == (3, 1, 1)
    assert from_json(CheckReport, written("json").encode()).items == ()


def test_jsonl_is_one_item_a_line(several: tuple[Checked, ...]) -> None:
    lines = written("jsonl", *several).splitlines()
    assert [from_json(Checked, line.encode()) for line in lines] == list(several)


def test_sarif_holds_every_finding_by_its_rule(several: tuple[Checked, ...]) -> None:
    (run,) = json.loads(written("sarif", *several))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    found = [finding for checked in several for finding in checked.findings]
    assert [result["ruleId"] for result in run["results"]] == [finding.code for finding in found]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert all(rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"])
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {"items/item.json"}
    for place, finding in zip(places, found, strict=True):
        assert place["region"] == {"startLine": finding.line, "startColumn": finding.column}


def test_a_rule_of_sarif_has_words_in_its_title() -> None:
    (run,) = json.loads(written("sarif", unread(SourceGone("nothing is there"), "a.json")))["runs"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == "source gone: …"


def test_sarif_knows_a_finding_again_when_lines_were_added_above() -> None:
    item = changed(id="a", **{"assets__model__file:checksum": None})
    later = {"note": "one more line", **item}

    def prints(one: dict[str, Any]) -> list[str]:
        (run,) = json.loads(written("sarif", check(one)))["runs"]
        return [result["partialFingerprints"]["dlmBuildFinding/v2"] for result in run["results"]]

    assert prints(item) == prints(later)
    assert len(set(prints(item))) == len(prints(item))


def test_no_two_results_of_sarif_share_a_fingerprint() -> None:
    copies = [check(changed(id="a"), origin) for origin in ("a.json", "b.json", "https://example.org/a.json")]
    none = [unread(SourceGone("nothing is there"), origin) for origin in ("c.json", "d.json")]
    (run,) = json.loads(written("sarif", *copies, *none))["runs"]
    prints = [result["partialFingerprints"]["dlmBuildFinding/v2"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    ("origin", "uri"),
    [
        ("a b/ü.json", "a%20b/%C3%BC.json"),
        ("/srv/item.json", "file:///srv/item.json"),
        ("file:///srv/a%20b.json", "file:///srv/a%20b.json"),
        ("https://example.org/a?b=c#d", "example.org/a"),
        ("http://me:secret@localhost:8000/a b/c%20d%.json", "localhost%3A8000/a%20b/c%20d%25.json"),
        ("https://example.org", "example.org"),
        ("a/https://example.org/b.json", "a/https%3A//example.org/b.json"),
        ("-", "stdin"),
        ("items/m\udcff.json", "items/m%FF.json"),
        ("items/m\ud800.json", "items/m%5Cud800.json"),
    ],
)
def test_sarif_names_files_as_uris(origin: str, uri: str) -> None:
    (run,) = json.loads(written("sarif", check(changed(id=7), origin)))["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_sarif_keeps_the_address_beside_as_it_may_be_shown() -> None:
    origins = ("https://me:secret@example.org/a.json?token=secret", "items/a.json")
    (run,) = json.loads(written("sarif", *(check(changed(id=7), origin) for origin in origins)))["runs"]
    addresses = {result["properties"].get("address") for result in run["results"]}
    assert addresses == {"https://example.org/a.json?…", None}
    assert "secret" not in json.dumps([result["locations"] for result in run["results"]])


def test_junit_has_a_case_per_item(several: tuple[Checked, ...]) -> None:
    look = Look(fail_under="A")
    (suite,) = ElementTree.fromstring(written("junit", *several, look=look))
    cases = list(suite)
    assert suite.get("tests") == "3"
    assert (suite.get("failures"), suite.get("errors")) == ("1", "1")
    assert [[child.tag for child in case if child.tag in ("failure", "error")] for case in cases] == [
        [], ["failure"], ["error"]
    ]  # fmt: skip
    assert "no-checksum" in (cases[1].findtext("system-out") or "")
    assert cases[1][0][0].get("value") == "C"


def test_junit_fails_what_blocks_the_build_whatever_the_grade() -> None:
    (suite,) = ElementTree.fromstring(written("junit", check(changed(assets={})), look=Look()))
    assert suite.get("failures") == "1"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_html_has_no_tag_and_no_attribute_of_an_item() -> None:
    page = Tags()
    page.feed(written("html", hostile()))
    assert not page.tags & {"script", "img", "a", "iframe", "testcase"}
    assert page.attributes <= {"class", "lang", "charset", "name", "content", "http-equiv", "open"}


def test_a_closed_row_of_html_names_the_file_of_an_item_that_has_no_id() -> None:
    both = [unread(SourceGone("nothing is there"), f"items/{name}.json") for name in "ab"]
    rows = re.findall("<summary>.*?</summary>", written("html", *both))
    assert ["items/a.json" in row for row in rows] == [True, False]
    assert ["items/b.json" in row for row in rows] == [False, True]


def test_html_breaks_a_word_that_is_wider_than_the_page() -> None:
    """A title or an id without a space would make the whole page as wide as itself."""
    style = written("html", check(complete())).partition("</style>")[0]
    assert re.search(r"body \{[^}]*overflow-wrap: anywhere", style)


def test_markdown_counts_the_grades_of_several(several: tuple[Checked, ...]) -> None:
    assert "\n\n3 items: **A** 1, **C** 1, **F** 1\n\n| Grade |" in written("markdown", *several)
    assert "items:" not in written("markdown", several[0])


def test_markdown_rendered_has_no_link_picture_or_tag_of_an_item() -> None:
    """By the rules that matter here: what stands in code spans, and what is escaped, is text."""
    text = written("markdown", hostile())
    outside = re.sub(r"(?<!`)(`+)(?!`)(?:.*?)(?<!`)\1(?!`)", "", text, flags=re.DOTALL)
    outside = re.sub(r"\\[\\`*_{}\[\]()#+!|~-]", "", outside)
    assert not re.search(r"\]\(|<\w|</|!\[|://|www\.|@\w", outside)
    assert re.sub(r"\|", "", outside).count("**") % 2 == 0


@pytest.mark.parametrize("name", ["list", "markdown", "html"])
def test_what_lifts_an_item_has_its_place(name: str) -> None:
    """`write "https://…"` alone says not where, and the finding that does may be hygiene."""
    page = "https://github.com/me/coast/blob/main/coast.pt"
    checked = check(changed(assets__model__href=page))
    (lift,) = (lift for lift in checked.grade.lifts if lift.part == "weights")
    assert lift.fix.startswith("write ")
    text = written(name, checked, look=Look(width=120)).lower().partition("to reach")[2]
    assert "/assets/model/href" in text.partition("github.com")[0]


@pytest.mark.parametrize("name", ["list", "html"])
def test_nobody_is_told_the_length_of_what_was_cut_before(name: str) -> None:
    long = check(changed(id="i" * 400, properties__title="t" * 400))
    head = next(line for line in written(name, long).split("\n") if "ttt" in line)
    assert "iii" in head and "characters" not in head


def test_a_section_of_markdown_names_its_file_once() -> None:
    """Two items may have one id, and a line number without a file leads nowhere."""
    for checked in (check(complete()), unread(SourceGone("nothing is there"), "item.json")):
        section = written("markdown", checked).partition("\n## ")[2]
        assert section.count(f"`{checked.origin}`") == 1


def test_a_fix_in_markdown_has_a_line_of_its_own(several: tuple[Checked, ...]) -> None:
    text = written("markdown", *several)
    assert text.count("\\\n  Fix: ") == text.count("Fix: ") > 0


def test_the_list_is_plain_without_colour_and_coloured_with_it(several: tuple[Checked, ...]) -> None:
    plain = written("list", *several, look=Look(width=80))
    assert "\x1b" not in plain
    coloured = written("list", *several, look=Look(width=80, colour=True))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert max(map(len, _without_fixes(plain))) <= 100


def _without_fixes(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if "  " in line.strip() or line.startswith(" "))


def test_hygiene_is_a_count_until_it_is_asked_for(several: tuple[Checked, ...]) -> None:
    assert "1 of hygiene; -v shows it" in written("list", *several, look=Look())
    assert "id-is-a-number" not in written("list", *several, look=Look())
    assert "id-is-a-number" in written("list", *several, look=Look(verbose=True))
    assert "id-is-a-number" not in written("markdown", *several, look=Look())
    assert "id-is-a-number" in written("jsonl", *several, look=Look())


def test_quiet_is_one_line_an_item(several: tuple[Checked, ...]) -> None:
    assert written("list", *several, look=Look(quiet=True)).splitlines() == [
        " A  coast-unet  items/item.json",
        " C  7  items/item.json",
        " F  coast-unet  items/item.json  field-invalid",
        "3 items    A  1   C  1   F  1",
    ]


def test_places_are_written_so_that_an_editor_opens_them(several: tuple[Checked, ...]) -> None:
    assert re.search(r"item\.json:\d+:\d+ ", written("list", *several, look=LOOK))


@pytest.mark.parametrize(
    ("origin", "name"),
    [("https://example.org/a/coast-07.json?v=1", "coast-07.json"), ("https://example.org/collections/m/items/7", "7"),
     ("https://example.org/a%20b <x>", "item")],
)  # fmt: skip
def test_a_document_behind_a_url_is_called_by_its_last_part(origin: str, name: str) -> None:
    assert re.search(rf" {re.escape(name)}:\d+:\d+ ", written("list", check(changed(id=7), origin), look=LOOK))


def test_the_hostile_text_is_hostile() -> None:
    assert not HOSTILE.isprintable()


# --- files that are no items -------------------------------------------------------------------------------------

ASIDE = tuple(LeftOut(origin=f"items/{name}.json", what="a JSON Schema") for name in ("a", "b", HOSTILE))


@pytest.mark.parametrize("name", ["list", "markdown", "html"])
def test_formats_for_people_count_files_that_are_no_items_and_name_them_with_v(name: str) -> None:
    said = "3 files are no STAC items, and left out"
    verbose = written(name, check(complete()), left_out=ASIDE)
    assert said in verbose and "items/b.json" in verbose and "a JSON Schema" in verbose
    assert name != "html" or "<script>" not in verbose
    short = written(name, check(complete()), left_out=ASIDE, look=Look())
    assert said in short and "items/b.json" not in short
    assert "left out" not in written(name, check(complete()))


def test_json_and_sarif_name_files_that_are_no_items() -> None:
    report = from_json(CheckReport, written("json", check(complete()), left_out=ASIDE[:2]).encode())
    assert report.summary.left_out == ASIDE[:2] and report.summary.items == 1
    log = json.loads(written("sarif", check(complete()), left_out=ASIDE))
    (invocation,) = log["runs"][0]["invocations"]
    notes = invocation["toolExecutionNotifications"]
    assert [note["level"] for note in notes] == ["note"] * 3
    assert notes[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "items/a.json"
    assert "a JSON Schema" in notes[0]["message"]["text"] and not log["runs"][0]["results"]


def test_junit_skips_files_that_are_no_items() -> None:
    suite = ElementTree.fromstring(written("junit", check(complete()), left_out=ASIDE))[0]
    assert (suite.get("tests"), suite.get("skipped"), suite.get("failures")) == ("4", "3", "0")
    skipped = [case for case in suite if case.find("skipped") is not None]
    assert [case.get("name") for case in skipped][:2] == ["items/a.json", "items/b.json"]
    (reason,) = skipped[0]
    assert reason.get("message") == "no STAC item: a JSON Schema"
