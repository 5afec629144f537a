"""Telling a dialect by the names of fields."""

from __future__ import annotations

from dlm_build.items.document import Value


def marks_found(marks: tuple[str, ...], fields: Value, enough: int = 1) -> list[str]:
    """The names among these fields that a mark stands for, as they are spelled there; none where they are too few.

    A mark is a name, a beginning of names (`mlm:`), or a member of a field (`engine/docker`). What begins with `dlm:`
    may also begin with `dml:`, as the report on DLM spells it.
    """
    if not isinstance(fields, dict):
        return []
    found: list[str] = []
    for mark in marks:
        if mark in fields:
            found.append(mark)
        elif mark.endswith(":"):
            found.extend(name for name in fields if name.startswith(mark))
        elif "/" in mark:
            field, _, member = mark.partition("/")
            inner = fields.get(field)
            found.extend([field] if isinstance(inner, dict) and member in inner else [])
        else:
            found.extend(name for name in spellings(mark)[1:] if name in fields)
    return found if len(found) >= enough else []


def spellings(field: str) -> tuple[str, ...]:
    """The name, and the one with the prefix of the report."""
    return (field, f"dml:{field.removeprefix('dlm:')}") if field.startswith("dlm:") else (field,)
