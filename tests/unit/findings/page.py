"""docs/findings.md, from the kinds themselves. `python -m tests.unit.findings.page` writes it anew."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from dlm_build.checking.explaining import RANKS
from dlm_build.findings.kinds import Kind, every_kind

PAGE = Path(__file__).parents[3] / "docs" / "findings.md"
HEAD = "<!-- Made by `python -m tests.unit.findings.page` from dlm_build/findings; do not edit. -->"
INTRO = """
# Findings

What `dlm-build` may say about an item, the files behind it and the plan it makes of them. Each finding has a code
that stays, a rank, the place in the item, what was found there, and a fix. `…` stands for an item's own values.
`dlm-build check --explain CODE` shows one of them on a terminal, and `--explain all` lists them.
"""


def page() -> str:
    """The whole of it."""
    rooms = sorted(every_kind().values(), key=lambda kind: (kind.__module__, kind.code))
    lines = [HEAD, INTRO.strip(), "", *(f"- **{rank}** {what}" for rank, what in RANKS.items())]
    for module, kinds in groupby(rooms, key=lambda kind: kind.__module__):
        title = (importlib.import_module(module).__doc__ or "").strip().split("\n")[0]
        lines += ["", f"## {title.rstrip('.')}"]
        for kind in kinds:
            lines += ["", *_section(kind)]
    return "\n".join(lines) + "\n"


def _section(kind: type[Kind]) -> Iterator[str]:
    yield f"### {kind.code}"
    yield ""
    yield f"**{kind.severity}:** {_prose(kind.title())}"
    if fix := kind.fix_template():
        yield ""
        yield f"Fix: {_prose(fix)}"
    for paragraph in kind.paragraphs():
        yield ""
        yield _prose(paragraph)


def _prose(text: str) -> str:
    """What stands between backticks is as it is; elsewhere nothing is taken for a tag."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


if __name__ == "__main__":
    if PAGE.exists() and not PAGE.read_text(encoding="utf-8").startswith(HEAD):
        raise SystemExit(f"{PAGE} was not made by this program; move it away first")
    PAGE.write_text(page(), encoding="utf-8")
