"""What the Docker engine says while it pushes an image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dlm_build.oci import DIGEST
from dlm_build.progress import Event, Notify
from dlm_build.records import Record

_TOLD = re.compile(rf"digest: ({DIGEST})\b")
"""In the last row, of either image store."""


class EnginePush(Record, frozen=True, kw_only=True):
    """How a push ended."""

    digest: str | None
    """Of the manifest that the tag leads to now."""
    sent: int
    """Blobs that were sent."""
    present: int
    """Blobs that the registry had."""
    problem: str = ""
    """In the engine's words, where it failed."""


class PushTalk:
    """Listens to the rows of the engine's answer, and tells of their progress."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._blobs: dict[str, str] = {}
        self._progress: dict[str, tuple[int, int]] = {}
        self._digest: str | None = None
        self._problem = ""

    def hear(self, row: Mapping[str, Any]) -> None:
        if "error" in row or "errorDetail" in row:
            self._problem = str((row.get("errorDetail") or {}).get("message") or row.get("error"))
        if told := _TOLD.search(str(row.get("status", ""))):
            self._digest = told[1]
        if isinstance(name := row.get("id"), str):
            self._blobs[name] = str(row.get("status", ""))
            self._tell(name, row.get("progressDetail") or {})

    def ended(self) -> EnginePush:
        states = list(self._blobs.values())
        sent = states.count("Pushed")
        present = sum(state == "Layer already exists" or state.startswith("Mounted from") for state in states)
        return EnginePush(digest=self._digest, sent=sent, present=present, problem=self._problem)

    def _tell(self, name: str, detail: Mapping[str, Any]) -> None:
        done, total = detail.get("current"), detail.get("total")
        if isinstance(done, int) and isinstance(total, int):
            self._progress[name] = (done, total)
            sums = [sum(column) for column in zip(*self._progress.values(), strict=True)]
            self._notify(Event(step="push", text="pushing the image", done=sums[0], total=sums[1]))
