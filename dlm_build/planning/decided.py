"""What a decider gives back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from dlm_build.errors import ItemInvalid
from dlm_build.records import Decision, Finding

T = TypeVar("T")


class Decided(NamedTuple, Generic[T]):
    """A value, why it was chosen, and what was noticed on the way."""

    value: T
    decision: Decision
    findings: tuple[Finding, ...] = ()


def decided(name: str, value: T, text: str, reason: str, source: str = "") -> Decided[T]:
    return Decided(value, Decision(name=name, value=text, reason=reason, source=source))


def noticed(outcome: Decided[T], *findings: Finding | None) -> Decided[T]:
    """`outcome` with further findings; None is none."""
    return outcome._replace(findings=outcome.findings + present(findings))


def present(findings: Iterable[Finding | None]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding is not None)


def invalid(pointer: str, message: str, hint: str) -> ItemInvalid:
    """The item cannot be used because of what stands at `pointer`."""
    return ItemInvalid(f"{pointer}: {message}", hint)
