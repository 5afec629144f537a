"""What is no URL: paths of some machine, names in a program, words for people."""

from __future__ import annotations

import re

from dlm_build.hrefs.record import Href

_PUBLISH = "publish the file and give its URL, or a path beside the item"
_URL = re.compile(r"https?://[^\s,;|<>\"']+")
_DIVIDED = re.compile(r"[\s,;|]")
_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
_SYMBOL = re.compile(rf"{_NAME}(?:\.{_NAME})*+(?::{_NAME}(?:\.{_NAME})*+)?(?:\([^()/]*\))?")
_SUFFIX = re.compile(
    r"\.(?:[a-z0-9]{1,5}|safetensors?|parquet|torchscript|checkpoint|weights|geojson|tflite|pickle|joblib|params|pdmodel)",
    re.IGNORECASE,
)
_SAID_NOTHING = frozenset({
    "tbd", "todo", "tba", "n/a", "na", "none", "null", "nil", "unknown", "private", "internal", "local", "-", "?",
    "upon request", "on request", "not available", "unavailable", "see readme", "coming soon", "placeholder",
})  # fmt: skip
_TO_FILL_IN = re.compile(
    r"\$\{|\{[^{}]{1,80}\}|<[\w. -]{1,80}>|…|(?:^|/)(?:\.\.\.|\$[A-Z][A-Z0-9_]*)(?:/|$)|%(?![0-9A-F]{2})[A-Z_]{2,40}%"
)
"""A part of an address that somebody was to put something in place of. A `$` and square brackets may be in a name."""
_MARKS = frozenset("${<…%[")
"""One of them is in every such part but `...`."""
_TO_DO = frozenset({"todo", "tbd", "tba", "fixme", "placeholder"})
_BRACKETED = re.compile(r"\[[^\[\]]{1,80}\]")
_LINK = re.compile(r"!?\[[^\[\]]{0,300}\]\((https?://[^\s()<>]+)\)|<(https?://[^\s<>]+)>", re.IGNORECASE)
_HOME = re.compile(r"(/|~[\w.-]*/|[A-Za-z]:[/\\]|\\\\)")
_NO_SUFFIXES = frozenset(("hub", "nn", "jit", "load"))
"""Short enough for one, and parts of the frameworks' own names."""
_RUNS = re.compile(r"(runs|models|dbfs|mlflow-artifacts|wandb-artifact|file|ssh|sftp|ftp|ftps|rsync|globus|data|ipfs):",
                   re.IGNORECASE)  # fmt: skip


def several(text: str) -> tuple[str, ...]:
    """The addresses in a text that holds more than one; empty where it does not."""
    found = tuple(_URL.findall(text)) if _DIVIDED.search(text) else ()
    return found if len(found) > 1 else ()


def placeholder(text: str) -> Href | None:
    """An address or a path that was never filled in."""
    if _MARKS.isdisjoint(text) and "..." not in text:
        above, _, last = text.rpartition("/")
        is_one = bool(above) and last.lower() in _TO_DO
    else:
        is_one = _TO_FILL_IN.search(text) is not None or _BRACKETED.fullmatch(text) is not None
    return Href(kind="text", reason="a text with a placeholder in it", instead=_PUBLISH) if is_one else None


def linked(text: str) -> str | None:
    """The URL in a link as Markdown has it, `[words](URL)` or `<URL>`, where that is all."""
    found = _LINK.fullmatch(text)
    return found[1] or found[2] if found else None


def spoken(text: str) -> Href | None:
    """Free text or a symbol; None for what may be a path beside the item."""
    if text.strip(" .").lower() in _SAID_NOTHING:
        return Href(kind="text", reason="a text that names no file", instead=_PUBLISH)
    if re.search(r"\s", text) and not re.search(r"[\w)]\.\w{1,11}$", text) and "/" not in text:
        return Href(kind="text", reason="a text for people", instead=_PUBLISH)
    return _symbol(text)


def _symbol(text: str) -> Href | None:
    """`package.module.function` or `module:function`; a single suffix is a file's."""
    if len(text) > 300 or not _SYMBOL.fullmatch(text) or not re.search(r"[.:(]", text):
        return None
    _, dot, last = text.rpartition(".")
    if ":" not in text and "(" not in text and dot and last not in _NO_SUFFIXES and _SUFFIX.fullmatch(f".{last}"):
        return None
    return Href(kind="symbol", reason="a name in a program, not a file", instead=_PUBLISH)


def local(text: str) -> Href | None:
    """A path of the machine it was written on; None for a relative one."""
    if _HOME.match(text):
        return Href(kind="local", reason="a path of one machine", instead=_PUBLISH)
    return None


def other_scheme(text: str) -> Href | None:
    """Schemes of programs and of one machine, none of which a plain GET opens."""
    found = _RUNS.match(text)
    if found is None:
        return None
    if found[1].lower() == "file":
        return Href(kind="local", reason="a path of one machine", instead=_PUBLISH)
    instead = "publish the file at an https address"
    return Href(kind="store", reason=f"an address of {found[1].lower()}, which no plain GET opens", instead=instead)
