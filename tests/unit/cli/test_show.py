"""Records as tables: everything that matters is in them, and no byte of a stranger's drives the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlm_build.cli import show
from dlm_build.doctor import Diagnosis, Line
from dlm_build.planning.bases import BaseCheck, BaseChecks, list_bases
from dlm_build.records import (
    Check,
    Context,
    ContextFile,
    Decision,
    EngineEnd,
    Finding,
    Image,
    OutputFile,
    Report,
    Run,
    Step,
    Verdict,
)
from tests.unit.building.locks import tiny_lock
from tests.unit.planning.inputs import tables
from tests.unit.plans import DIGEST, tiny_plan

EVIL = "a\x1b]0;owned\x07b\u202ec\x9b2Jd"
SEEN = "a\\x1b]0;owned\\x07b\\u202ec\\x9b2Jd"
Capsys = pytest.CaptureFixture[str]


def said(capsys: Capsys) -> str:
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


def finding(severity: Any, text: str = "m") -> Finding:
    return Finding(code="c", severity=severity, pointer=f"/{text}", message=text, hint=text)


def run(**changes: Any) -> Run:
    whole: dict[str, Any] = {
        "end": "finished", "exit_status": 0, "detail": "ended", "device": "cpu", "device_reason": "no GPU",
        "seconds": 1.25, "peak_memory": 2_500_000_000,
    }  # fmt: skip
    return Run(**{**whole, **changes})


def report(outcome: str, **changes: Any) -> Report:
    verdict = Verdict(outcome=outcome, summary="the summary", hint="the hint", **changes.pop("verdict", {}))
    ends = (EngineEnd(engine="docker", run=changes.get("run"), verdict=verdict),)
    return Report(dlm_build="0", verdict=verdict, engines=ends, **changes)


def image() -> Image:
    return Image(reference="dlm/m:1", digest=DIGEST, size=3_000_000, base_digest=DIGEST, context_digest="c" * 64)


# --- hostile text --------------------------------------------------------------------------------------------------

HOSTILE: dict[str, Callable[[], None]] = {
    "plan": lambda: show.print_plan(
        tiny_plan(
            item_id=EVIL, title=EVIL, findings=(finding("error", EVIL),),
            decisions=(Decision(name="runner", value=EVIL, reason=EVIL, source=EVIL),),
        )
    ),
    "findings": lambda: show.print_findings([finding("warning", EVIL)]),
    "lock": lambda: show.print_lock(tiny_lock(item_id=EVIL), Path("out")),
    "failed": lambda: show.print_report(
        report(
            "model-error",
            run=run(end="model-error", device_reason=EVIL, log_tail=EVIL),
            verdict={"checks": (Check(name=EVIL, passed=False, measured=EVIL, limit="x", detail=EVIL),)},
        )
    ),
    "verdict": lambda: show.print_report(
        Report(dlm_build="0", verdict=Verdict(outcome="infra", summary=EVIL, hint=EVIL))
    ),
    "doctor": lambda: show.print_diagnosis(
        Diagnosis(ready=False, lines=(Line(name="GPU", state="warn", detail=EVIL, fix=EVIL),))
    ),
    "bases": lambda: show.print_base_checks(
        BaseChecks(rows=(BaseCheck(repository="r", tag="t", digest=DIGEST, trust="x", state="dead", detail=EVIL),))
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", sorted(HOSTILE))
def test_nothing_shown_drives_the_terminal(capsys: Capsys, place: str) -> None:
    HOSTILE[place]()
    told = said(capsys)
    assert not any(c in told for c in ("\x1b", "\x07", "\u202e", "\x9b"))
    assert SEEN in told


# --- what is in them -----------------------------------------------------------------------------------------------


def test_findings_are_ordered_and_hygiene_is_counted(capsys: Capsys) -> None:
    every = [finding("info", "i"), finding("warning", "w"), finding("error", "e"), finding("info", "j")]
    show.print_findings(every)
    told = said(capsys)
    assert told.index("/e: e") < told.index("/w: w") and "/i" not in told and "2 more" in told
    show.print_findings(every, verbose=True)
    assert "/j: j" in said(capsys)


def test_a_match_is_said_with_its_device_and_checks(capsys: Capsys) -> None:
    check = Check(name="pixel agreement", passed=True, measured=0.9999, limit=0.999, detail="4096 pixels")
    show.print_report(
        report(
            "matches", image=image(), run=run(),
            verdict={"device": "cpu", "relaxed": True, "checks": (check,)},
            steps=(Step(name="run", seconds=1.2), Step(name="lock", seconds=0.0, reused=True)),
        )
    )  # fmt: skip
    told = said(capsys)
    assert "matches on CPU (limits relaxed by the item)  the summary\n" in told
    assert "pass  pixel agreement  0.9999 (limit 0.999)  4096 pixels" in told
    assert "finished in 1.2 s on CPU (no GPU), peak memory 2.50 GB" in told
    assert "dlm/m:1  3.0 MB" in told and DIGEST in told and "run 1.2 s; already done: lock" in told


@pytest.mark.parametrize(("outcome", "code"), [("mismatch", 4), ("infra", 14), ("ran", 3)])
def test_what_is_no_success_shows_its_exit_code_and_fix(capsys: Capsys, outcome: str, code: int) -> None:
    show.print_report(report(outcome))
    told = said(capsys)
    assert f"{outcome}  the summary  [exit {code}]\n  fix: the hint\n" in told


@pytest.mark.parametrize(("outcome", "told"), [("mismatch", True), ("ran", True), ("matches", False)])
def test_where_the_outputs_are_is_said_where_the_fix_needs_them(capsys: Capsys, outcome: str, told: bool) -> None:
    made = (OutputFile(path="scene.tif", size=1, sha256="a" * 64),)
    show.print_report(report(outcome, run=run(outputs=made, output_folder=f"out/{EVIL}")))
    assert (f"\noutputs  out/{SEEN}" in said(capsys)) is told


def test_a_failed_run_shows_the_end_of_the_models_words(capsys: Capsys) -> None:
    show.print_report(report("model-error", run=run(end="model-error", log_tail="\n".join(map(str, range(40))))))
    told = said(capsys)
    assert "    | 39\n" in told and "    | 25\n" in told and "    | 24\n" not in told


def test_a_lock_counts_packages_by_kind(capsys: Capsys) -> None:
    show.print_lock(tiny_lock(), Path("out"))
    told = said(capsys)
    assert "2 conda packages, 1 wheel, " in told and tiny_lock().digest in told and "4" * 40 in told


def test_a_context_says_how_to_build_it_alone(capsys: Capsys) -> None:
    rows = (ContextFile(path="Dockerfile", mode=0o644, sha256="a" * 64, size=10, text="x"),)
    context = Context(lock_digest="l", files=rows)
    show.print_context(context, Path("out/context"))
    assert "docker build out/context" in said(capsys)
    show.print_context(context, Path("my models/\x1b[2J/context"))
    told = said(capsys)
    assert "\x1b" not in told and shlex.split(told.splitlines()[-1]) == [
        "docker",
        "build",
        "my models/\\x1b[2J/context",
    ]


def test_the_diagnosis_ends_with_one_word(capsys: Capsys) -> None:
    show.print_diagnosis(Diagnosis(ready=True, lines=(Line(name="disk", state="ok", detail="9 GB"),)))
    assert said(capsys).endswith("ready to build and verify\n")
    show.print_diagnosis(Diagnosis(ready=True, only_sif=True, lines=(Line(name="disk", state="ok", detail="9 GB"),)))
    assert said(capsys).endswith("ready to build and verify with --to sif\n")
    show.print_diagnosis(Diagnosis(ready=False, lines=(Line(name="buildx", state="missing", detail="d", fix="f"),)))
    told = said(capsys)
    assert "missing" in told and "fix: f" in told and "not ready" in told


def test_sizes_in_words() -> None:
    assert (show.megabytes(1_500_000), show.megabytes(2_000_000_000)) == ("1.5 MB", "2.00 GB")


def test_every_pin_is_one_line(capsys: Capsys) -> None:
    rows = list_bases(tables())
    show.print_bases(rows)
    told = said(capsys).splitlines()
    assert len(told) == len(rows.rows)
    assert all(row.digest in line and row.tag in line for row, line in zip(rows.rows, told, strict=True))
    assert len({line.index("sha256:") for line in told}) == 1


def test_no_line_of_a_plan_ends_with_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    show.print_plan(tiny_plan(decisions=(Decision(name="runner", value="onnx", reason="no command"),)))
    lines = capsys.readouterr().out.splitlines()
    assert any("no command" in line for line in lines)
    assert [line for line in lines if line != line.rstrip()] == []
