"""What a check says: the nouns of `dlm-build check`, and the JSON Schema of its JSON."""

from __future__ import annotations

from typing import Literal

from dlm_build.records import Finding, Record

Letter = Literal["A", "B", "C", "D", "E", "F"]
LETTERS: tuple[Letter, ...] = ("A", "B", "C", "D", "E", "F")
MEANINGS: dict[Letter, str] = {
    "A": "reproducible: weights and their digest, code at a commit, a locked environment, a sample and its output",
    "B": "rebuildable: everything of A but the digest of the weights or the expected output",
    "C": "buildable with guesses",
    "D": "only a ready container image: no weights to be had, or none that the item's code runs",
    "E": "descriptive only: no weights to be had, or nothing that runs them",
    "F": "no model item, or one that cannot be read",
}
PartName = Literal["weights", "digest", "code", "environment", "sample", "expected"]
State = Literal["given", "guessed", "missing"]


class Part(Record, frozen=True, kw_only=True):
    """One of the things that make a model reproducible, as far as the item gives it."""

    name: PartName
    state: State
    gap: Finding | None = None
    """What is guessed or missing, where anything is; its hint is how to mend it."""
    more: tuple[Finding, ...] = ()
    """What else stands against its being given: each of these has to be mended besides."""
    others: tuple[Finding, ...] = ()
    """What was noticed about it, and that does not change its state."""


class Lift(Record, frozen=True, kw_only=True):
    """One thing to do on the way to the next grade."""

    part: PartName
    pointer: str
    why: str
    """What is guessed or missing now; escaped."""
    fix: str
    """What to do, with text to paste; escaped."""


class Guess(Record, frozen=True, kw_only=True):
    """One thing that the item leaves open, and that a build would decide."""

    what: str
    """In two or three words, e.g. `the commit of the code`."""
    pointer: str
    why: str
    """What is said in its place, or that nothing is; escaped."""


class Grade(Record, frozen=True, kw_only=True):
    """How far an item leads, by what it declares; nothing was fetched to find out."""

    letter: Letter
    meaning: str
    guesses: tuple[Guess, ...] = ()
    """Of C: every guess the build would rest on."""
    next: Letter | None = None
    """The best grade that `lifts`, all done, lead to."""
    lifts: tuple[Lift, ...] = ()

    @property
    def in_words(self) -> str:
        """Its meaning, and what the build would guess."""
        return ": ".join(filter(None, (self.meaning, ", ".join(guess.what for guess in self.guesses))))


class Checked(Record, frozen=True, kw_only=True):
    """One item, checked. `schema_version` changes when a field changes meaning."""

    schema_version: Literal["1"] = "1"
    origin: str
    """The path or URL it was read from, or `-`."""
    id: str | None = None
    """With the dialect also where the item could be recognised, and not be read to its end."""
    title: str | None = None
    sha256: str | None = None
    """Of the canonical JSON of the document; None where it cannot be read."""
    dialect: str | None = None
    dialect_version: str | None = None
    dialect_reason: str = ""
    grade: Grade
    findings: tuple[Finding, ...] = ()
    """What blocks the build first, then what blocks verification, then hygiene; in each in the order of the item."""
    outcome: str | None = None
    """Why it could not be read, one of `errors.Outcome`; None where it could."""


class LeftOut(Record, frozen=True, kw_only=True):
    """A file of a folder that is no STAC item, so that it has no grade."""

    origin: str
    what: str
    """What it is instead, e.g. `a JSON Schema`; escaped."""


class Summary(Record, frozen=True, kw_only=True):
    """Of all items of one check."""

    items: int
    grades: dict[str, int]
    """By letter; all six are there."""
    build: int
    """Findings that block the build."""
    verification: int
    hygiene: int
    left_out: tuple[LeftOut, ...] = ()
    """Files of folders that are no STAC items; no grade counts them."""


class CheckReport(Record, frozen=True, kw_only=True):
    """What `dlm-build check --format json` prints; `--format jsonl` prints its items alone, one a line."""

    schema_version: Literal["1"] = "1"
    dlm_build: str
    items: tuple[Checked, ...]
    summary: Summary
