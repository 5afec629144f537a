from __future__ import annotations

from pathlib import Path

from dlm_build import errors
from dlm_build.errors import EXIT_CODES, DlmBuildError, Outcome, UsageError, shown, shown_lines


def every_error(root: type[DlmBuildError] = DlmBuildError) -> list[type[DlmBuildError]]:
    return [root, *(deeper for child in root.__subclasses__() for deeper in every_error(child))]


def test_exit_codes_are_unique_and_complete() -> None:
    assert set(EXIT_CODES) == set(Outcome)
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert not {1, errors.EXIT_USAGE, errors.EXIT_INTERRUPTED} & set(EXIT_CODES.values())


def test_every_error_has_an_outcome_that_is_no_success() -> None:
    for kind in every_error():
        assert kind.outcome not in (Outcome.MATCHES, Outcome.BUILT, Outcome.RAN)
        assert kind.__new__(kind).exit_code == (2 if issubclass(kind, UsageError) else EXIT_CODES[kind.outcome])


def test_the_readme_lists_every_verdict_with_its_code() -> None:
    table = (Path(__file__).parents[2] / "README.md").read_text()
    for outcome, code in EXIT_CODES.items():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{outcome}` |"))
        assert str(code) in row.split("|")[2]


def test_what_is_shown_holds_no_control_characters() -> None:
    assert shown("a\x1b]0;title\x07\u202eb\n") == "a\\x1b]0;title\\x07\\u202eb\\n"
    assert shown("x" * 500).endswith("(500 characters)")
    assert shown("é → \ud800") == "é → \\ud800"
    assert shown({"k": "é"}) == "{'k': '\\xe9'}"


def test_whole_messages_keep_their_lines_and_nothing_else() -> None:
    assert shown_lines("one\n  two\x1b[2J\r\n" + "x" * 500) == "one\n  two\\x1b[2J\\r\n" + "x" * 500
