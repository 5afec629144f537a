"""What a generation of the DLM fields is: under which names it keeps the parts of a model."""

from __future__ import annotations

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
    marks: tuple[str, ...]
    """Field names that tell it; `a/b` stands for the member `b` of the field `a`."""
    enough: int = 1
    """How many of its marks tell it, where one alone might be anything."""
    names: Names
    loose: tuple[str, ...] = ()
    """Members of the runtime that stand beside the parts; one that ends with `:` stands for all that begin so."""
