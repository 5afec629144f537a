"""A run and its plan → one verdict of the closed set. Nothing the container printed decides anything here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dlm_build.disk import temporary_folder
from dlm_build.errors import Outcome, shown
from dlm_build.judging.compare import bare, compare
from dlm_build.judging.decode import Decoded, NotDecodable, decode
from dlm_build.judging.pairing import answering
from dlm_build.own_runners import OWN_RUNNERS
from dlm_build.records import Check, ComparisonPolicy, Member, OutputFile, Plan, Run, Verdict

if TYPE_CHECKING:
    from dlm_build.proc import Programs
    from dlm_build.store import Store

ENDS = {
    "model-error": (Outcome.MODEL_ERROR, "read the model's own message above; `--verbose` shows all of it"),
    "timeout": (Outcome.TIMEOUT, "raise `[limits] seconds` in the settings if the model is only slow"),
    "resource": (Outcome.RESOURCE, "raise the limit named above in `[limits]` of the settings if it is honest need"),
    "infra": (Outcome.INFRA, "not the model's fault: mend the engine (`dlm-build doctor`) and run again"),
}
_FORM = frozenset(
    ("output file", "file type", "arrays", "shape", "dtype", "JSON content", "XML content", "table content", "classes")
)
"""Checks of what a file is, before what it says."""
_MOST_RESULTS = 8
"""Of one model, among which the one that the author shows is looked for."""
COMPARE = "the outputs folder holds what the model gave; compare it with the expected file"
OWN_FORM = (
    "dlm-build ran the weights itself, so the form of the file in the outputs folder is its own: publish the expected "
    "output in that form, or name code that writes the author's"
)
WHOLE = (
    "files of this kind are compared byte for byte, and many carry a date or depend on the release that wrote them: "
    "publish the expected output as GeoTIFF, NetCDF, npy, npz, PNG, JSON, GeoJSON, GeoPackage or csv, and let the "
    "model's code write that"
)
NO_EXPECTATION = "publish the expected output with the sample; `dlm-build check` shows how in this item's dialect"


def rules_digest() -> str:
    """sha256 over what makes a verdict besides its run and plan: the comparison of this very dlm-build."""
    room = Path(__file__).parent
    files = (*sorted(room.glob("*.py")), room.parent / "tolerances.py")
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def judge(run: Run, plan: Plan, store: Store, programs: Programs) -> Verdict:
    """`matches` only when at least one check was made and all passed; on the device the run is known to have used."""
    device = _device(run)
    if run.end != "finished":
        outcome, hint = ENDS[run.end]
        return Verdict(outcome=outcome, device=device, summary=run.detail, hint=hint)
    if not run.outputs:
        summary = "the model ended well and wrote no output file"
        return Verdict(outcome=Outcome.MODEL_ERROR, device=device, summary=summary, hint="write to {output}")
    expected = plan.sample.expected if plan.sample else None
    if expected is None or plan.comparison is None:
        summary = f"ran and wrote {_files(run)}; the item promises no output to compare with"
        hint = plan.fix_of("no-expected-output") or NO_EXPECTATION
        return Verdict(outcome=Outcome.RAN, device=device, summary=summary, hint=hint)
    checks = _checks(run, expected, plan, store, programs)
    own_form = plan.runner.kind in OWN_RUNNERS
    return _judged(checks, run, expected, plan.comparison, own_form=own_form)


def _device(run: Run) -> Literal["gpu", "cpu"] | None:
    return run.device if run.device_known else None


def _unsure(run: Run) -> str:
    return "" if run.device_known else "; it was given a GPU, and nothing tells whether it used it"


def _files(run: Run) -> str:
    return _counted(len(run.outputs), "file")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _checks(run: Run, expected: Member, plan: Plan, store: Store, programs: Programs) -> tuple[Check, ...]:
    assert plan.comparison is not None
    own_form = plan.runner.kind in OWN_RUNNERS
    answers = _answers(run, expected, own_form=own_form)
    if any(output.sha256 == expected.sha256 for output in answers[:1]):  # a later one may be in the form of the first
        same = Check(name="bytes", passed=True, measured="identical", limit="identical", detail="one sha256")
        return (same,)
    with temporary_folder() as scratch:
        theirs = _expected(expected, store, scratch, programs)
        try:
            mine = [_actual(run, output, scratch / output.sha256, programs) for output in answers]
        except NotDecodable as problem:
            return (Check(name="decodes", passed=False, measured=answers[0].path, detail=problem.message),)
        fitting = mine if len(mine) == 1 else [each for each in mine if _form(each) == _form(theirs)]
        if not fitting:
            return (_unanswered(run, expected),)
        return compare(fitting[0], theirs, plan.comparison, own_form=own_form)


def _answers(run: Run, expected: Member, *, own_form: bool) -> tuple[OutputFile, ...]:
    """The output that answers by its name; of a runner of ours, which names each result by a number, all of them."""
    output = answering(expected.path, run.outputs)
    if output is not None:
        return (output,)
    return run.outputs[:_MOST_RESULTS] if own_form else ()


def _form(decoded: Decoded) -> list[tuple[tuple[int, ...], bool]]:
    """What tells the results of one model apart, such as the labels of rows and their scores."""
    return [(bare(array.shape), array.dtype.kind == "f") for array in decoded.arrays.values()]


def _unanswered(run: Run, expected: Member) -> Check:
    names = ", ".join(shown(o.path, 40) for o in run.outputs[:6])
    return Check(name="output file", passed=False, measured=names, limit=expected.path, detail="none answers it")


def _expected(member: Member, store: Store, scratch: Path, programs: Programs) -> Decoded:
    """Raises ItemInvalid when the published expectation itself cannot be read."""
    from dlm_build.errors import ItemInvalid

    try:
        return decode(store.path(member.sha256), scratch / "expected", programs, member.path)
    except NotDecodable as problem:
        raise ItemInvalid(
            f"the expected output {problem.message}",
            "publish it as npy, npz, GeoTIFF, PNG or JSON",
        ) from problem


def _actual(run: Run, output: OutputFile, scratch: Path, programs: Programs) -> Decoded:
    return decode(Path(run.output_folder) / output.path, scratch / "actual", programs)


def _why(check: Check) -> str:
    if check.limit is None and check.detail:
        return f"{check.name}: {check.detail}"
    told = "" if check.measured is None else f": {check.measured} against {check.limit}"
    return check.name + told + (f", {check.detail}" if " at /" in check.detail else "")


def _judged(
    checks: tuple[Check, ...], run: Run, expected: Member, policy: ComparisonPolicy, *, own_form: bool
) -> Verdict:
    failed = [check for check in checks if not check.passed]
    if checks and not failed:
        count = _counted(len(checks), "check")
        return Verdict(
            outcome=Outcome.MATCHES,
            device=_device(run),
            relaxed=policy.relaxed,
            summary=f"the output repeats the author's {shown(expected.path)} ({count}){_unsure(run)}",
            checks=checks,
        )
    first = failed[0] if failed else None
    why = _why(first) if first else "no check could be made"
    return Verdict(
        outcome=Outcome.MISMATCH,
        device=_device(run),
        relaxed=policy.relaxed,
        summary=f"the output is not the author's {shown(expected.path)}: {shown(why, 200)}",
        hint=_hint(first.name if first else "", own_form=own_form),
        checks=checks,
    )


def _hint(failed: str, *, own_form: bool) -> str:
    if failed == "bytes":
        return WHOLE
    return OWN_FORM if own_form and failed in _FORM else COMPARE
