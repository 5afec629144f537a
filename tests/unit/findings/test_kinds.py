"""What every kind of finding has, and that there are no findings but those of a kind."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from string import Formatter

import pytest

from dlm_build.errors import Outcome
from dlm_build.findings.kinds import HYGIENE, Kind, every_kind
from dlm_build.records import Finding

from .page import HEAD, PAGE, page

PACKAGE = Path(__file__).parents[3] / "dlm_build"
KINDS = every_kind()
OF_AN_ERROR = {"item-invalid", "item-hostile", "source-gone", "infra", "resource"}
"""Their message and their fix are those of the error."""
NOTHING_TO_MEND = {
    "entrypoint-not-called", "gpu-from-training", "image-from-link", "several-images",
    "several-outputs", "several-tasks", *OF_AN_ERROR,
}  # fmt: skip
"""A sound way to publish, of which only a part is used."""


def names_in(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def every_class(root: type[Kind]) -> list[type[Kind]]:
    return [deeper for child in root.__subclasses__() for deeper in (child, *every_class(child))]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_it_says_what_why_and_how_to_mend_it(kind: type[Kind]) -> None:
    assert kind.message, "a docstring"
    assert not kind.message.endswith("."), "it is followed by nothing, like a headline"
    assert kind.severity in ("error", "warning", "info")
    assert bool(kind.fix) != (kind.code in NOTHING_TO_MEND)
    assert sum(map(len, kind.paragraphs())) > 80, "`more` says why it matters"
    assert "{{" not in kind.more, "nothing is filled in there, so a brace stands for itself"
    assert all(text.isprintable() for text in (kind.message, kind.fix, *kind.paragraphs()))


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_it_formats_with_its_evidence(kind: type[Kind]) -> None:
    wanted = names_in(kind.message) | names_in(kind.fix)
    values = {name: f"<{name}\x1b>" for name in wanted | {"found"}}
    finding = kind.at("/a", **values)
    assert isinstance(finding, Finding)
    assert (finding.code, finding.severity, finding.pointer) == (kind.code, kind.severity, "/a")
    shown = f"{finding.message} {finding.hint}"
    assert shown.isprintable() and all(f"<{name}\\x1b>" in shown for name in wanted)
    assert finding.evidence == "<found\\x1b>"


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_its_title_has_words(kind: type[Kind]) -> None:
    assert re.search("[A-Za-z]{2}", kind.title())
    assert kind.title().endswith(kind.template().strip())


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_its_template_has_blanks_and_no_braces_of_ours(kind: type[Kind]) -> None:
    for template, blanked in ((kind.message, kind.template()), (kind.fix, kind.fix_template())):
        assert not any(f"{{{name}}}" in blanked for name in names_in(template))
        assert not blanked or blanked.count("…") >= len(names_in(template))
        assert "{{" not in blanked
    assert kind.fix_template() != "…"


def test_codes_are_unique_and_made_of_the_names() -> None:
    classes = [kind for kind in every_class(Kind) if "severity" in vars(kind)]
    assert [code for code, count in Counter(kind.code for kind in classes).items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in KINDS)
    assert len(KINDS) == len(classes)


@pytest.mark.parametrize(
    ("name", "code"),
    [("IdIsANumber", "id-is-a-number"), ("SampleIsAUrl", "sample-is-a-url"), ("NoId", "no-id"), ("Infra", "infra")],
)
def test_the_code_of_a_name(name: str, code: str) -> None:
    made = next(kind for kind in every_class(Kind) if kind.__name__ == name)
    assert made.code == code


def test_values_are_escaped_and_cut() -> None:
    kind = KINDS["other-spelling"]
    finding = kind.at("", wanted="a\x1b[2J\u202e{found}" + "x" * 1000)
    assert "\\x1b[2J\\u202e{found}xxx" in finding.message
    assert finding.message.isprintable() and len(finding.message) < 500


def test_no_finding_is_made_without_a_kind() -> None:
    """Nor is a kind defined where `every_kind` would not find it."""
    made = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    }
    assert made == {"findings/kinds.py", "items/positions.py"}
    elsewhere = {kind.__module__ for kind in every_class(Kind) if not kind.__module__.startswith("dlm_build.findings.")}
    assert elsewhere == set()


@pytest.mark.parametrize(
    "outcome", [Outcome.ITEM_INVALID, Outcome.ITEM_HOSTILE, Outcome.SOURCE_GONE, Outcome.INFRA, Outcome.RESOURCE]
)
def test_an_item_that_cannot_be_had_is_a_kind_too(outcome: Outcome) -> None:
    assert str(outcome) in KINDS


def test_hygiene_never_speaks_of_a_contradiction() -> None:
    assert [code for code, kind in KINDS.items() if "contradiction" in code and kind.severity == HYGIENE] == []


def test_the_page_is_what_the_kinds_say() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written.startswith(HEAD)
    assert written == page(), "write it anew: python -m tests.unit.findings.page"
