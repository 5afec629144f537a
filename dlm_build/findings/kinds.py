"""What a kind of finding is. The docstring is the message; `{names}` in it are filled with what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter
from typing import ClassVar, Final

from dlm_build.errors import shown
from dlm_build.records import Finding, Severity

BUILD: Final[Severity] = "error"
"""Blocks the build."""
VERIFICATION: Final[Severity] = "warning"
"""Blocks verification, or lets the result change under the same item."""
HYGIENE: Final[Severity] = "info"
"""Read all the same; worth mending."""
SHOWN = 300
"""Characters of one value in a message."""


class Kind:
    """One thing that may be found. Subclasses are never instantiated; their docstrings become sentences."""

    code: ClassVar[str]
    """kebab-case of the class's name, stable: catalogues filter by it."""
    message: ClassVar[str]
    """The docstring as one line. It is read after a pointer: `/assets: is a list; read as an object`."""
    severity: ClassVar[Severity]
    fix: ClassVar[str] = ""
    """What to do, with text to paste; may have `{names}` too."""
    has_blanks: ClassVar[bool]
    """Whether there is anything to fill in; most are whole sentences."""
    more: ClassVar[str] = ""
    """Why it matters, for `--explain`: plain paragraphs, an example last."""

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()
        cls.message = " ".join((cls.__doc__ or "").split())
        cls.has_blanks = "{" in cls.message + cls.fix or "}" in cls.message + cls.fix

    @classmethod
    def at(cls, pointer: str, **found: object) -> Finding:
        """The finding at a JSON pointer. Every value is escaped here; `found=` is kept as its evidence."""
        texts = {name: _text(value) for name, value in found.items()} if found else {}
        message, hint = cls.message, cls.fix
        if cls.has_blanks:
            message, hint = _filled(message, texts), _filled(hint, texts)
        return Finding(
            code=cls.code,
            severity=cls.severity,
            pointer=pointer,
            message=message,
            hint=hint,
            evidence=texts.get("found", ""),
        )

    @classmethod
    def template(cls) -> str:
        """The message with `…` for what was found."""
        return _blanks(cls.message)

    @classmethod
    def title(cls) -> str:
        """The template, behind the code in words where it has none of its own."""
        template = cls.template().strip()
        return template if any(map(str.isalnum, template)) else f"{cls.code.replace('-', ' ')}: {template}"

    @classmethod
    def fix_template(cls) -> str:
        """Empty where the whole of it is found with the item."""
        template = _blanks(cls.fix)
        return template if any(map(str.isalnum, template)) else ""

    @classmethod
    def paragraphs(cls) -> tuple[str, ...]:
        """Of `more`, each one line."""
        return tuple(" ".join(part.split()) for part in cls.more.split("\n\n") if part.strip())


def _text(value: object) -> str:
    return shown(value if isinstance(value, str) else str(value), SHOWN)


def _filled(template: str, texts: dict[str, str]) -> str:
    return template.format_map(texts) if "{" in template or "}" in template else template


def _blanks(template: str) -> str:
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    return template.format_map(dict.fromkeys(names, "…"))


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
