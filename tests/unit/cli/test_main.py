"""What the words on the command line come to: which command, with what, and which exit code for wrong ones."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build import __version__
from dlm_build.cli import commands
from dlm_build.cli.main import main

CALLS = ("build", "plan", "lock", "render", "verify", "doctor", "bases_list", "bases_check", "bases_resolve")


class Said:
    """The calls that came through; every command is replaced, so that nothing is built."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.calls: list[tuple[str, dict[str, Any]]] = []
        for name in CALLS:
            monkeypatch.setattr(commands, name, self._recorder(name))

    def _recorder(self, name: str) -> Any:
        return lambda **given: self.calls.append((name, given))

    def __call__(self, *argv: str) -> tuple[int, str]:
        """Exit code and what was said, both streams in one."""
        self._monkeypatch.setattr("sys.argv", ["dlm-build", *argv])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    def one(self, *argv: str) -> tuple[str, dict[str, Any]]:
        status, told = self(*argv)
        assert status == 0, told
        (call,) = self.calls
        return call


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    before = signal.getsignal(signal.SIGTERM)
    yield Said(monkeypatch, capsys)
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("argv", "item"),
    [
        (["item.json"], "item.json"),
        (["-"], "-"),
        (["--json", "-"], "-"),
        (["https://example.org/item.json", "--json"], "https://example.org/item.json"),
        (["-o", "out", "item.json"], "item.json"),
        (["-o", "build", "item.json"], "item.json"),
        (["--output", "plan", "--tag", "lock", "item.json"], "item.json"),
        (["--gpu", "-q", "./plan"], "./plan"),
        (["build", "plan"], "plan"),
        (["--", "plan"], "plan"),
        (["--", "-odd-.json"], "-odd-.json"),
        (["--json", "--", "-odd-.json"], "-odd-.json"),
        (["build", "--", "-odd-.json"], "-odd-.json"),
    ],
)
def test_an_item_alone_is_built(said: Said, argv: list[str], item: str) -> None:
    name, given = said.one(*argv)
    assert name == "build" and given["item"] == item


def test_options_reach_the_command(said: Said) -> None:
    name, given = said.one("item.json", "--no-gpu", "--as-of", "2021-01-01", "--no-verify", "-v", "-t", "me/m:1")
    assert name == "build"
    assert given == {
        "item": "item.json", "item_id": None, "collection": None,
        "output": None, "base": None, "as_of": "2021-01-01", "gpu": False, "allow_shell": False,
        "allow_unpinned": False, "lock": None, "update": False, "tag": "me/m:1", "to": ("docker",),
        "compression": None, "handoff": (),
        "force": False,
        "no_verify": True, "config": None, "as_json": False, "verbose": True, "quiet": False,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["plan", "lock", "render", "verify"])
def test_every_step_is_a_command(said: Said, name: str) -> None:
    called, given = said.one(name, "item.json", "--json")
    assert called == name and given["item"] == "item.json" and given["as_json"]


@pytest.mark.parametrize(
    ("words", "to"), [("sif", ("sif",)), ("sif,docker", ("docker", "sif")), ("docker, sif", ("docker", "sif"))]
)
def test_engines_are_asked_for_by_name(said: Said, words: str, to: tuple[str, ...]) -> None:
    assert said.one("item.json", "--to", words)[1]["to"] == to


@pytest.mark.parametrize(
    "words",
    [
        ("--to", ""),
        ("--to", ","),
        ("--to", "podman"),
        ("--handoff", ""),
        ("--compression", ""),
        ("--compression", "zstd:99"),
    ],
)
def test_what_is_no_choice_is_refused_before_anything_begins(said: Said, words: tuple[str, str]) -> None:
    status, told = said("item.json", *words)
    assert status == 2 and words[0] in told and not said.calls


def test_verify_takes_what_is_there_and_no_option_of_a_build(said: Said) -> None:
    assert said.one("verify", "item.json", "--no-gpu")[1]["to"] == ()
    for option in ("--compression=gzip", "--tag=a:b", "--as-of=now", "--base=x"):
        assert said("verify", "item.json", option)[0] == 2


def test_dry_run_plans(said: Said) -> None:
    name, given = said.one("item.json", "--dry-run")
    assert name == "plan" and given["item"] == "item.json" and "dry_run" not in given


def test_commands_without_an_item(said: Said) -> None:
    assert said.one("doctor", "--json")[0] == "doctor"
    said.calls.clear()
    assert said.one("doctor", "--for", "out")[1]["made"] == "out"
    said.calls.clear()
    assert said.one("bases", "check", "--all")[1]["everything"] is True
    said.calls.clear()
    assert said.one("bases", "resolve", "python:3.11")[1]["reference"] == "python:3.11"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--json"], "ITEM"),
        (["item.json", "other.json"], "other.json"),
        (["item.json", "--engine", "vmware"], "vmware"),
        (["--colour", "item.json"], "--colour"),
        (["plan"], "ITEM"),
        (["plan", "item.json", "--force"], "--force"),
        (["--json", "doctor"], "--json"),
        (["bases", "forget"], "forget"),
        (["chekc", "item.json"], "did you mean 'check'?"),
        (["docter"], "did you mean 'doctor'?"),
        (["-q", "run", "item.json"], "'run' is neither a command nor a file: there are bases, build, check"),
        (["item.json", "--output"], "--output"),
    ],
)
def test_wrong_words_are_usage_errors_that_name_them(said: Said, argv: list[str], told: str) -> None:
    status, text = said(*argv)
    assert status == 2 and told in text and not said.calls


def test_a_file_called_nearly_like_a_command_is_an_item(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plans").touch()
    assert said.one("plans")[1]["item"] == "plans"


@pytest.mark.parametrize("name", ["build", "plan", "lock", "render", "verify", "doctor", "check", "migrate", "push"])
def test_examples_stand_behind_the_options(said: Said, name: str) -> None:
    text, _, examples = said(name, "--help")[1].partition("  Examples:\n")
    assert "Options:" in text and "  dlm-build" not in text and examples.startswith("    dlm-build ")


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["item.json", "--help"], ["plan", "-h"], ["bases", "--help"]])
def test_help_asks_for_nothing_else(said: Said, argv: list[str]) -> None:
    status, text = said(*argv)
    assert status == 0 and text.startswith("Usage: dlm-build") and not said.calls


def test_version(said: Said) -> None:
    assert said("--version") == (0, f"dlm-build, version {__version__}\n")


def test_the_help_says_every_command_to_its_end(said: Said) -> None:
    _, told = said("--help")
    rows = told.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(rows) > 10
    assert [row for row in rows if not row.endswith(".") or row.endswith("...")] == []


def test_the_help_lists_every_exit_code(said: Said) -> None:
    from dlm_build.errors import EXIT_CODES, EXIT_INTERRUPTED, EXIT_USAGE

    words = said("--help")[1].partition("Exit codes:")[2].split()
    for outcome, code in EXIT_CODES.items():
        assert str(code) in words and any(word.strip(",(") == outcome for word in words), outcome
    assert {str(EXIT_USAGE), str(EXIT_INTERRUPTED)} <= set(words)
