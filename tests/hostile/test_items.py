"""Every case through the program itself, watched: what it says, what it costs, and that it touches nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dlm_build.checking.records import Checked, CheckReport
from dlm_build.records import from_json
from tests.hostile.generated import DOCUMENTS, ITEMS
from tests.hostile.running import Program, listing
from tests.hostile.table import Case, read_table
from tests.hostile.worker import Ran

CASES = read_table()
MOST_SECONDS = 2.0
"""Of processor time."""
MOST_MEMORY = 256 << 20
CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@CASE
def test_check(case: Case, program: Program, scratch: Path) -> None:
    (scratch / "folder" / case.file).write_bytes(case.document)
    before = listing(scratch / "folder")
    ran = program(scratch, "check", "--format", "json", case.file)
    sober(ran, case)
    assert not ran.seen.asked
    assert not ran.seen.read
    assert listing(scratch / "folder") == before
    assert listing(scratch / "home") == listing(scratch / "tmp") == {}
    assert (ran.status, ran.err) == (case.status, b"")
    (checked,) = from_json(CheckReport, ran.out).items
    assert checked.outcome == case.outcome
    found = [f"{finding.severity} {finding.code} {finding.pointer}".rstrip() for finding in checked.findings]
    assert sorted(found) == case.all_findings
    said = "\n".join(finding.message for finding in checked.findings)
    assert all(part in said for part in case.says), said
    stands_where_it_says(checked, case)


@CASE
def test_plan(case: Case, program: Program, scratch: Path) -> None:
    (scratch / "folder" / case.file).write_bytes(case.document)
    before = listing(scratch / "folder")
    ran = program(scratch, "plan", case.file)
    sober(ran, case)
    hosts = {question.rpartition(" ")[2] for question in ran.seen.asked}
    assert len(hosts) == len(case.asks)
    assert all(any(part in host for host in hosts) for part in case.asks), hosts
    assert sorted(set(ran.seen.read)) == sorted(case.reads)
    assert listing(scratch / "folder") == before
    assert listing(scratch / "tmp") == {}
    said = ran.err.decode()
    assert ran.status == case.plan_status, said
    for part in (*case.plan_says, *(case.says[:1] if case.outcome else ())):
        assert part in said
    assert bool(ran.out) == (ran.status == 0) or case.outcome is None


def sober(ran: Ran, case: Case) -> None:
    """What holds for any command and any case."""
    said = (ran.out + ran.err).decode()
    assert "Traceback" not in said, said
    assert all(line.isprintable() for line in said.split("\n")), said
    assert not ran.seen.wrote
    assert not ran.seen.started
    assert ran.seconds <= MOST_SECONDS
    assert 0 < ran.peak <= MOST_MEMORY


def stands_where_it_says(checked: Checked, case: Case) -> None:
    """By the text alone: at a finding's line and column is the key that its pointer ends with, where there is one."""
    if case.at:
        assert f"{checked.findings[0].line}:{checked.findings[0].column}" == case.at
        return
    lines = case.document.decode("utf-8", "replace").split("\n")
    for finding in checked.findings:
        key = finding.pointer.rpartition("/")[2]
        if finding.line is None or not key.isascii() or not key.replace(":", "").replace("_", "").isalpha():
            continue
        here = lines[finding.line - 1][(finding.column or 1) - 1 :]
        written = json.dumps(key) if case.file.endswith(".json") else key
        assert here.startswith(written) or f"{written}:" not in case.document.decode("utf-8", "replace"), finding


def test_the_table_and_the_files_are_one() -> None:
    kept = {name for name, case in CASES.items() if case.made is None}
    assert kept == {path.stem for path in ITEMS.iterdir()}
    assert {Path(case.made).stem for case in CASES.values() if case.made} == set(DOCUMENTS)


def test_every_danger_of_an_items_fields_has_cases() -> None:
    counts = Counter(case.row for case in CASES.values())
    assert {f"A{n}" for n in range(1, 29)} <= set(counts)
    assert counts.total() - counts["control"] >= 120
