"""Every way dlm-build ends, with its exit code, and the one tree of errors a user can meet.

    DlmBuildError                 verdict          exit
    ├── ItemInvalid               item-invalid     6    the item or its archive lacks or garbles something
    │   └── EnvironmentUnsolvable item-invalid     6    its environment cannot be solved
    │       └── PythonUnfit       item-invalid     6    … with the Python that was chosen
    ├── ItemHostile               item-hostile     7    refused for safety
    ├── Unpinned                  unpinned         8    needs consent to pin what the item left floating
    ├── SourceGone                source-gone      9    what an href names is not there
    │   ├── BaseGone              source-gone      9    a pinned base that its registry no longer has
    │   └── AccessRefused         source-gone      9    its server wants to know who asks
    ├── HashMismatch              hash-mismatch    10   the bytes are not the promised ones
    │   └── SignatureRefused      hash-mismatch    10   nobody known has signed them, or not all of them
    ├── GpuIncompatible           gpu-incompatible 11   the framework build cannot run on this GPU or driver
    ├── ResourceExceeded          resource         12   memory, processes, output or disk of the run
    └── InfraError                infra            14   engine, network, registry, disk: never the model's fault
        └── UsageError            (usage)          2    the operator's settings or options

`matches`, `built`, `ran`, `mismatch`, `model-error` and `timeout` are outcomes, not errors. A bug is not in this tree
and shows its traceback.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Self


class Outcome(StrEnum):
    """The closed set of verdicts."""

    MATCHES = "matches"
    BUILT = "built"
    RAN = "ran"
    MISMATCH = "mismatch"
    MODEL_ERROR = "model-error"
    ITEM_INVALID = "item-invalid"
    ITEM_HOSTILE = "item-hostile"
    UNPINNED = "unpinned"
    SOURCE_GONE = "source-gone"
    HASH_MISMATCH = "hash-mismatch"
    GPU_INCOMPATIBLE = "gpu-incompatible"
    RESOURCE = "resource"
    TIMEOUT = "timeout"
    INFRA = "infra"


EXIT_CODES: dict[Outcome, int] = {
    Outcome.MATCHES: 0,
    Outcome.BUILT: 15,  # but 0 with --no-verify, where it is all that was asked for
    Outcome.RAN: 3,
    Outcome.MISMATCH: 4,
    Outcome.MODEL_ERROR: 5,
    Outcome.ITEM_INVALID: 6,
    Outcome.ITEM_HOSTILE: 7,
    Outcome.UNPINNED: 8,
    Outcome.SOURCE_GONE: 9,
    Outcome.HASH_MISMATCH: 10,
    Outcome.GPU_INCOMPATIBLE: 11,
    Outcome.RESOURCE: 12,
    Outcome.TIMEOUT: 13,
    Outcome.INFRA: 14,
}
EXIT_USAGE = 2
EXIT_BELOW_GRADE = 16
"""Of `check --fail-under`: an item's grade is worse than the one asked for."""
EXIT_INTERRUPTED = 130


class Place(NamedTuple):
    """Where in a document an error stands, and its kind, as data: for who makes a finding of it."""

    code: str
    """Of a kind of finding."""
    what: str
    """The message without its place."""
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    """Both counted from 1."""


class DlmBuildError(Exception):
    """Root of all. `message` says what is wrong and where; `hint` says what to do next."""

    outcome: Outcome = Outcome.INFRA
    place: Place | None = None
    """Set where the error is about a place in an item that was being read."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def at(self, place: Place) -> Self:
        """Itself, its place told."""
        self.place = place
        return self

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.hint}" if self.hint else self.message


class ItemInvalid(DlmBuildError):
    """The item, or an archive it names, cannot be used as published."""

    outcome = Outcome.ITEM_INVALID


class EnvironmentUnsolvable(ItemInvalid):
    """No set of packages satisfies the declared environment; the message names the conflict."""


class PythonUnfit(EnvironmentUnsolvable):
    """No set of packages satisfies it with the Python that was chosen; with another one there may be one."""


class ItemHostile(DlmBuildError):
    """Something that no honest item contains; nothing of it was used."""

    outcome = Outcome.ITEM_HOSTILE


class Unpinned(DlmBuildError):
    """The item names something that moves; the message shows what it is today."""

    outcome = Outcome.UNPINNED


class SourceGone(DlmBuildError):
    """The server or disk answered, and what the href names is not there or is something else."""

    outcome = Outcome.SOURCE_GONE


class BaseGone(SourceGone):
    """Its registry no longer has a base image at the pinned digest."""

    def __init__(self, message: str, hint: str = "", digest: str = "") -> None:
        super().__init__(message, hint)
        self.digest = digest


class AccessRefused(SourceGone):
    """The server wants to know who asks (401), or no longer takes the token it was shown."""


class HashMismatch(DlmBuildError):
    """Bytes differ from the declared or locked digest."""

    outcome = Outcome.HASH_MISMATCH


class SignatureRefused(HashMismatch):
    """A file is unsigned, signed by a key that is not the one wanted or not known, or signed only in part."""


class GpuIncompatible(DlmBuildError):
    """The framework build cannot run on this GPU or driver."""

    outcome = Outcome.GPU_INCOMPATIBLE


class ResourceExceeded(DlmBuildError):
    """A run, a decoder or an archive passed its limit of memory, processes, output or size."""

    outcome = Outcome.RESOURCE


class InfraError(DlmBuildError):
    """Engine, network, registry, channel, disk or settings: retryable, never counted against the model."""

    outcome = Outcome.INFRA


class UsageError(InfraError):
    """The operator's options or settings file cannot be followed."""

    @property
    def exit_code(self) -> int:
        return EXIT_USAGE


def shown(value: object, limit: int = 120) -> str:
    """`value` as it may be printed: control, bidi and other invisible characters escaped, cut at `limit` characters."""
    text = value if isinstance(value, str) else ascii(value)
    if len(text) <= limit and text.isprintable():
        return text
    text = _printable(text[: limit + 1])
    return text if len(text) <= limit else f"{text[:limit]}… ({len(str(value))} characters)"


def spellable(text: str) -> bool:
    """Whether a record can hold it: not so the name of a file in bytes that are no UTF-8."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def spelled(text: str) -> str:
    """As a record can hold it: bytes that are no UTF-8 are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def shown_lines(text: str) -> str:
    """A whole message as it may be printed: every line escaped as by `shown`, nothing cut."""
    return "\n".join(map(_printable, text.split("\n")))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
