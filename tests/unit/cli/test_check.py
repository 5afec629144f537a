"""`dlm-build check` as a program: what it prints where, and how it ends."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dlm_build.checking.records import Checked, CheckReport
from dlm_build.cli.main import main
from dlm_build.records import from_json
from tests.unit.checking.made import changed, complete

NO_SAMPLE = {"properties__dlm:data__test_file": None}


class Run:
    """Runs the program in a folder of its own, with no settings of this machine's user."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "none"))

    def write(self, name: str, item: dict[str, Any] | str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item if isinstance(item, str) else json.dumps(item, indent=2), "utf-8")
        return name

    def __call__(self, *argv: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.argv", ["dlm-build", "check", *argv])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    before = signal.getsignal(signal.SIGTERM)
    yield Run(tmp_path, monkeypatch, capsys)
    signal.signal(signal.SIGTERM, before)


def test_a_good_item_is_0_and_three_lines(run: Run) -> None:
    status, out, err = run(run.write("items/item.json", complete()))
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == " A  coast-unet  Coast lines"
    assert out.splitlines()[1].strip() == "items/item.json"
    assert "reproducible" in out


@pytest.mark.parametrize(
    ("limit", "status"), [(None, 0), ("A", 16), ("B", 16), ("b", 16), ("C", 0), ("D", 0), ("E", 0)]
)
def test_fail_under(run: Run, limit: str | None, status: int) -> None:
    item = run.write("item.json", changed(**NO_SAMPLE))
    assert run(item, *(["--fail-under", limit] if limit else []))[0] == status


@pytest.mark.parametrize(
    ("texts", "plain", "limited"),
    [
        (["{", "{}"], 6, 16),
        (["none"], 9, 16),
        (["none", "{"], 9, 16),
        (["hostile"], 7, 16),
        (["good"], 0, 0),
        (["good", "{"], 6, 16),
    ],
)
def test_what_cannot_be_read_decides_the_status(run: Run, texts: list[str], plain: int, limited: int) -> None:
    made = {
        "good": json.dumps(complete()),
        "hostile": json.dumps(changed(**{"properties__dlm:runtime__model_handler": "../../etc/passwd"})),
    }
    names = [
        f"{n}.json" if text == "none" else run.write(f"{n}.json", made.get(text, text)) for n, text in enumerate(texts)
    ]
    assert run(*names)[0] == plain
    assert run(*names, "--fail-under", "C")[0] == limited


def test_a_grade_that_is_none_is_told_which_there_are(run: Run) -> None:
    status, _, err = run("a", "--fail-under", "x")
    assert status == 2 and "'A', 'B', 'C', 'D', 'E'" in err


@pytest.mark.parametrize("argv", [[], ["--fail-under", "F", "a"], ["--format", "pdf", "a"], ["--jobs", "0", "a"]])
def test_wrong_options_are_2(run: Run, argv: list[str]) -> None:
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert "Error" in err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_json_is_one_report(run: Run, jobs: str) -> None:
    names = [run.write("a.json", complete()), run.write("b.json", changed(**NO_SAMPLE)), run.write("c.json", "[]")]
    status, out, _ = run(*names, "--json", "--jobs", jobs)
    report = from_json(CheckReport, out.encode())
    assert status == 6
    assert [(item.origin, item.grade.letter) for item in report.items] == [
        ("a.json", "A"), ("b.json", "C"), ("c.json", "F")
    ]  # fmt: skip
    assert report.summary.items == 3


def test_jsonl_comes_from_stdin_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(complete()).encode())))
    status, out, _ = run("-", "--format", "jsonl")
    assert (status, from_json(Checked, out.encode()).origin) == (0, "-")


def test_a_folder_and_a_list(run: Run) -> None:
    run.write("items/a.json", complete())
    run.write("items/deep/b.json", changed(id="b"))
    run.write("list.txt", "items/a.json\nitems\n")
    _, out, _ = run("@list.txt", "-q")
    assert [line.split()[:2] for line in out.splitlines()[:3]] == [["A", "coast-unet"], ["A", "coast-unet"], ["A", "b"]]


def test_junit_goes_to_a_file_that_is_whole_or_not_there(run: Run) -> None:
    name = run.write("a.json", changed(**NO_SAMPLE))
    assert run(name, "--format", "junit", "-o", "check.xml", "--fail-under", "B")[:2] == (16, "")
    assert ElementTree.parse(run.folder / "check.xml").getroot().get("failures") == "1"
    assert sorted(path.name for path in run.folder.iterdir()) == ["a.json", "check.xml"]


def test_a_dash_is_stdout_and_no_file(run: Run) -> None:
    name = run.write("a.json", complete())
    assert run(name, "-o", "-") == run(name)
    assert [path.name for path in run.folder.iterdir()] == ["a.json"]


def test_a_file_that_cannot_be_written_is_one_line(run: Run) -> None:
    status, out, err = run(run.write("a.json", complete()), "-o", "none/check.txt")
    assert (status, out) == (2, "")
    assert "--output" in err
    assert "Traceback" not in err


def test_every_format_can_be_had(run: Run) -> None:
    name = run.write("a.json", changed(**NO_SAMPLE))
    for form in ("list", "json", "jsonl", "sarif", "junit", "markdown", "html"):
        status, out, err = run(name, "--format", form)
        assert (status, err) == (0, ""), form
        assert "coast-unet" in out


def test_hygiene_is_counted_or_listed(run: Run) -> None:
    name = run.write("a.json", changed(id=7))
    assert "1 of hygiene; -v shows it" in run(name)[1]
    assert "id-is-a-number" in run(name, "-v")[1]


def test_explain(run: Run) -> None:
    status, out, _ = run("--explain", "no-checksum")
    assert status == 0
    assert out.startswith("no-checksum   blocks verification, or lets the result change under the same item\n")
    assert "fix: " in out
    assert json.loads(run("--explain", "no-checksum", "--json")[1])["code"] == "no-checksum"
    listed = run("--explain", "all")[1]
    assert "no-checksum" in listed
    codes = [one["code"] for one in json.loads(run("--explain", "all", "--format", "json")[1])["findings"]]
    assert codes == [line.split()[0] for line in listed.splitlines()]


def test_explaining_a_wrong_code_leads_to_the_nearest(run: Run) -> None:
    status, out, err = run("--explain", "no-chekcsum")
    assert (status, out) == (2, "")
    assert "no-checksum" in err


def test_a_name_that_is_no_utf8_is_spelled_out(run: Run) -> None:
    name = "bad-\udcff\x1b[31m.json"
    run.write(name, complete())
    for form in ("list", "json", "sarif", "junit", "markdown", "html"):
        status, out, err = run(name, "--format", form)
        assert (status, err) == (0, ""), form
        assert "\x1b" not in out


# --- files of a folder that are no items -------------------------------------------------------------------------

PACKAGE = '{"name": "viewer", "version": "1.0.0"}'


def test_files_of_a_folder_that_are_no_items_have_no_grade_and_are_counted(run: Run) -> None:
    run.write("items/a.json", complete())
    run.write("items/package.json", PACKAGE)
    status, out, err = run("items", "--fail-under", "A")
    assert (status, err) == (0, "") and "1 file is no STAC item, and left out; -v names it" in out
    assert "items/package.json (an object with name, version)" in run("items", "-v")[1]
    for form in ("json", "jsonl", "sarif", "junit", "markdown", "html"):
        status, out, err = run("items", "--fail-under", "A", "--format", form)
        assert status == 0
        assert err == "1 file is no STAC item, and left out: items/package.json (an object with name, version)\n", form
    assert run("items", "--format", "jsonl", "-q")[2] == ""


def test_such_a_file_named_itself_is_an_f(run: Run) -> None:
    status, out, _ = run(run.write("items/package.json", PACKAGE), "--fail-under", "E")
    assert status == 16 and out.startswith(" F ")


def test_a_folder_of_nothing_else_is_an_f(run: Run) -> None:
    run.write("items/package.json", PACKAGE)
    status, out, _ = run("items", "--fail-under", "E")
    assert status == 16 and "no file that was given is a STAC item; 1 left out" in out
    assert run("items")[0] == 6
