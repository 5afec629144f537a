"""expected.toml, read: every case with its document and what must come of it."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import msgspec

from tests.hostile.generated import ITEMS, made

_REFUSED = {"item-invalid": 6, "item-hostile": 7, None: 0}


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """See the head of expected.toml for what each field means."""

    row: str
    findings: tuple[str, ...]
    outcome: str | None = None
    says: tuple[str, ...] = ()
    at: str | None = None
    plan: int | None = None
    plan_says: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    made: str | None = None
    name: str = ""

    @property
    def document(self) -> bytes:
        return made(Path(self.made).stem) if self.made else (ITEMS / self.file).read_bytes()

    @property
    def file(self) -> str:
        return f"{self.name}{Path(self.made).suffix}" if self.made else _files()[self.name]

    @property
    def status(self) -> int:
        """Of `check`."""
        return _REFUSED[self.outcome]

    @property
    def plan_status(self) -> int:
        return self.status if self.plan is None else self.plan

    @property
    def all_findings(self) -> list[str]:
        """Sorted, ranges written out."""
        return sorted(one for finding in self.findings for one in _each(finding))


def read_table() -> dict[str, Case]:
    with (ITEMS.parent / "expected.toml").open("rb") as stream:
        table = tomllib.load(stream)
    return {name: msgspec.convert({**row, "name": name}, Case) for name, row in table.items()}


@cache
def _files() -> dict[str, str]:
    return {path.stem: path.name for path in ITEMS.iterdir()}


def _each(finding: str) -> list[str]:
    found = re.search(r"\{(\d+)\.\.(\d+)\}", finding)
    if not found:
        return [finding]
    return [finding.replace(found[0], str(n)) for n in range(int(found[1]), int(found[2]) + 1)]
