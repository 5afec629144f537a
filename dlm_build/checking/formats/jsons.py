"""JSON: one document with all items and the summary, or one item a line. Both are written as items come."""

from __future__ import annotations

from dlm_build import __version__
from dlm_build.checking.formats.encoding import json_text
from dlm_build.checking.formats.table import Format, Look
from dlm_build.checking.records import Checked, Summary


def make(name: str, _look: Look) -> Format:
    return Lines() if name == "jsonl" else Whole()


class Lines:
    """One `Checked` a line; no summary, so that lines of several checks can be put together."""

    def begin(self) -> str:
        return ""

    def item(self, checked: Checked) -> str:
        return json_text(checked) + "\n"

    def end(self, _summary: Summary) -> str:
        return ""


class Whole:
    """A `CheckReport`."""

    def __init__(self) -> None:
        self._between = ""

    def begin(self) -> str:
        return f'{{"schema_version":"1","dlm_build":{json_text(__version__)},"items":['

    def item(self, checked: Checked) -> str:
        between, self._between = self._between, ","
        return f"{between}\n{json_text(checked)}"

    def end(self, summary: Summary) -> str:
        return f'\n],"summary":{json_text(summary)}}}\n'
