"""Telling a dialect by the names of fields."""

from __future__ import annotations

from dlm_build.items.document import Value


def marks_found(marks: tuple[str, ...], fields: Value, enough: int = 1) -> list[str]:
    """The names among these fields that a mark stands for, as they are spelled there; none where they are too few.

    A mark is a name, a beginning of names (`mlm:`), or a member of a field (`engine/docker`). What begins with `dlm:`
    may also begin with `dml:`, as the report on DLM spells it.
    """
    names = fields if isinstance(fields, dict) else {}
    found = [name for mark in marks for name in _named(mark, names)]
    return found if len(found) >= enough else []


def _named(mark: str, names: dict[str, Value]) -> list[str]:
    field, _, member = mark.partition("/")
    if member:
        inner = names.get(field)
        return [field] if isinstance(inner, dict) and member in inner else []
    if mark.endswith(":"):
        return [name for name in names if name.startswith(mark)]
    return [name for name in spellings(mark) if name in names]


def spellings(field: str) -> tuple[str, ...]:
    """The name, and the one with the prefix of the report."""
    return (field, f"dml:{field.removeprefix('dlm:')}") if field.startswith("dlm:") else (field,)
