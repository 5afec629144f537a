"""What a kind of finding is. The docstring is the message; `{names}` in it are filled with what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from dlm_build.errors import shown
from dlm_build.records import Finding, Severity

BUILD: Final[Severity] = "error"
"""Blocks the build."""
VERIFICATION: Final[Severity] = "warning"
"""Blocks or weakens verification, or lets the result change under the same item."""
HYGIENE: Final[Severity] = "info"
"""Read all the same; worth mending."""
SHOWN = 300
"""Characters of one value in a message."""


class Kind:
    """One thing that may be found. Subclasses are never instantiated; their docstrings become sentences."""

    code: ClassVar[str]
    """kebab-case of the class's name, stable: catalogues filter by it."""
    severity: ClassVar[Severity]
    fix: ClassVar[str] = ""
    """What to do, with text to paste; may have `{names}` too."""
    more: ClassVar[str] = ""
    """Why it matters, for `--explain`; plain paragraphs."""

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def at(cls, pointer: str, **found: object) -> Finding:
        """The finding at a JSON pointer. Every value is escaped here; `found=` is kept as its evidence."""
        texts = {name: _text(value) for name, value in found.items()}
        assert cls.__doc__ is not None, f"{cls.__name__} has no message"
        return Finding(
            code=cls.code,
            severity=cls.severity,
            pointer=pointer,
            message=" ".join(cls.__doc__.split()).format_map(texts),
            hint=cls.fix.format_map(texts) if texts else cls.fix.replace("{{", "{").replace("}}", "}"),
            evidence=texts.get("found", ""),
        )


def _text(value: object) -> str:
    return shown(value, SHOWN) if isinstance(value, str) else shown(str(value), SHOWN)


def every_kind() -> dict[str, type[Kind]]:
    """By code, sorted. Imports the modules that hold them."""
    import importlib
    import pkgutil

    import dlm_build.findings as room

    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{room.__name__}.{module.name}")
    return {kind.code: kind for kind in sorted(_below(Kind), key=lambda kind: kind.code)}


def _below(kind: type[Kind]) -> Iterator[type[Kind]]:
    for child in kind.__subclasses__():
        if "severity" in vars(child):
            yield child
        yield from _below(child)
