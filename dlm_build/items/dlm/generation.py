"""What a generation of the DLM fields is: under which names it keeps the parts of a model."""

from __future__ import annotations

from dlm_build.items.marks import Marks
from dlm_build.records import Record


class Names(Record, frozen=True, kw_only=True):
    """Of the fields that hold each part; the usual one first, which may be missing where a generation has no own."""

    runtime: tuple[str, ...] = ()
    archive: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Generation(Record, frozen=True, kw_only=True):
    """One way the DLM fields were called, for some weeks or years."""

    name: str
    """e.g. `dlm/engine`."""
    title: str
    marks: Marks
    names: Names
    loose: tuple[str, ...] = ()
    """Members of the runtime that stand beside the parts; one that ends with `:` stands for all that begin so."""

    def is_loose(self, name: str) -> bool:
        return any(name.startswith(one) if one.endswith(":") else name == one for one in self.loose)
