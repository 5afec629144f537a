"""A check whose every text tries to be more than text in some sink."""

from __future__ import annotations

from dlm_build.checking.formats import FORMATS, Look, open_format
from dlm_build.checking.formats.table import Tally
from dlm_build.checking.records import MEANINGS, Checked, Grade, Guess, LeftOut, Lift
from dlm_build.records import Finding, Severity

HOSTILE = (
    "\x1b[31mred\x1b]0;owned\x07 \u202eevil\u2028 <script>alert(1)</script> <img src=x onerror=alert(1)> "
    "[link](javascript:alert(1)) ![p](https://evil.example/p.png) `code` |cell| @everyone www.evil.example "
    "https://evil.example ]]> </testcase> &amp; \"quoted\" 'single' {0} --> #1 \x00 \ud800 \\"
)
LOOK = Look(width=100, verbose=True)


def hostile() -> Checked:
    def finding(rank: Severity) -> Finding:
        pointer = f"/assets/{HOSTILE}"
        return Finding(
            code="no-checksum", severity=rank, pointer=pointer, message=HOSTILE, hint=HOSTILE, line=3, column=5
        )

    return Checked(
        origin=f"items/{HOSTILE}.json",
        id=HOSTILE,
        title=HOSTILE,
        dialect="mlm",
        dialect_version=HOSTILE,
        dialect_reason=HOSTILE,
        grade=Grade(
            letter="C",
            meaning=MEANINGS["C"],
            guesses=(Guess(what=HOSTILE, pointer="/x", why=HOSTILE),),
            next="B",
            lifts=(Lift(part="code", pointer="/x", why=HOSTILE, fix=HOSTILE),),
        ),
        findings=(finding("error"), finding("warning"), finding("info")),
    )


def written(name: str, *all_checked: Checked, look: Look = LOOK, left_out: tuple[LeftOut, ...] = ()) -> str:
    assert name in FORMATS
    form, tally = open_format(name, look), Tally()
    for one in left_out:
        tally.leave_out(one)
    text = form.begin()
    for checked in all_checked:
        tally.add(checked)
        text += form.item(checked)
    return text + form.end(tally.summary)
