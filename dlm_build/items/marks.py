"""Telling a dialect by the names of fields."""

from __future__ import annotations

from collections.abc import Collection

from dlm_build.items.document import Value
from dlm_build.records import Record


class Marks(Record, frozen=True, kw_only=True):
    """Field names that tell a dialect, taken apart once: most items have none of most dialects'."""

    names: tuple[str, ...]
    enough: int
    """How many of them tell it, where one alone might be anything."""
    fields: frozenset[str]
    """Every name that a field has, by which one of them may be there."""
    beginnings: tuple[str, ...]

    def are_in(self, fields: dict[str, Value]) -> bool:
        """Whether enough of them are names of these fields."""
        if self.beginnings and self.enough == 1 and any(map(self._begins, fields)):
            return True
        return bool(self.found(fields))

    def _begins(self, name: str) -> bool:
        return name.startswith(self.beginnings)

    def found(self, fields: Value) -> list[str]:
        """The names among these fields that a mark stands for, as they are spelled there; none where too few."""
        if not isinstance(fields, dict) or not self.may_be_in(fields, " ".join(fields) if self.beginnings else ""):
            return []
        found = [name for mark in self.names for name in _names_of(mark, fields)]
        return found if len(found) >= self.enough else []

    def may_be_in(self, names: Collection[str], together: str) -> bool:
        """Whether one of the marks may be among the names of fields, which `together` has all as one text.

        Told fast, and never wrongly denied.
        """
        if not self.fields.isdisjoint(names):
            return True
        return any(beginning in together for beginning in self.beginnings) if self.beginnings else False


def marks(*names: str, enough: int = 1) -> Marks:
    """A mark is a name, a beginning of names (`mlm:`), or a member of a field (`engine/docker`).

    What begins with `dlm:` may also begin with `dml:`, as the report on DLM spells it.
    """
    whole = [name.partition("/")[0] for name in names if not name.endswith(":")]
    return Marks(
        names=names,
        enough=enough,
        fields=frozenset(spelling for name in whole for spelling in spellings(name)),
        beginnings=tuple(name for name in names if name.endswith(":")),
    )


def _names_of(mark: str, fields: dict[str, Value]) -> list[str]:
    if mark in fields:
        return [mark]
    if mark.endswith(":"):
        return [name for name in fields if name.startswith(mark)]
    if "/" in mark:
        field, _, member = mark.partition("/")
        inner = fields.get(field)
        return [field] if isinstance(inner, dict) and member in inner else []
    return [name for name in spellings(mark)[1:] if name in fields]


def spellings(field: str) -> tuple[str, ...]:
    """The name, and the one with the prefix of the report."""
    return (field, f"dml:{field.removeprefix('dlm:')}") if field.startswith("dlm:") else (field,)
