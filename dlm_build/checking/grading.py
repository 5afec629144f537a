"""The grade of an item, and what would lift it to the next.

    A   weights and their digest, code at a commit, a locked environment, a sample, its expected output
    B   A without the digest or the expected output
    C   weights and something that runs them, and guesses in place of the rest, each listed
    D   neither or only one of these, but a container image that can be run as it is
    E   no such image either
    F   no model item (given where it cannot be read: see `check`)

A grade is about what the item declares. Code is no part of it where the weights hold their own, as ONNX does.
"""

from __future__ import annotations

import re

from dlm_build.checking.parts import Offer, offer_of
from dlm_build.checking.records import LETTERS, MEANINGS, Grade, Guess, Letter, Lift, Part
from dlm_build.model_asset import models
from dlm_build.records import Finding, Item

_NEEDED: dict[Letter, tuple[str, ...]] = {
    "A": ("weights", "digest", "code", "environment", "sample", "expected"),
    "B": ("weights", "code", "environment", "sample"),
    "C": ("weights", "code"),
}
_ADDRESS = "the address of the weights"
_NOUNS = {
    "version-is-a-number": "the framework's version",
    "no-framework-version": "the framework's version",
    "version-in-words": "the framework's version",
    "version-is-open": "the framework's version",
    "version-of-package": "the framework's version",
    "version-unreadable": "the framework's version",
    "unknown-version": "the framework's version",
    "no-framework": "the framework",
    "framework-from-module": "the framework",
    "framework-from-artifact": "the framework",
    "framework-of-artifact": "the framework's version",
    "contradiction-framework": "the framework",
    "no-date": "the date",
    "date-too-early": "the date",
    "date-from-datetime": "the date",
    "date-before-framework": "the date",
    "date-in-the-future": "the date",
    "several-models": "which asset is the model",
    "raw-url-inferred": _ADDRESS,
    "share-url-inferred": _ADDRESS,
    "weights-are-a-page": _ADDRESS,
    "weights-over-http": _ADDRESS,
    "archive-not-read": "how the archive is packed",
    "address-not-allowed": _ADDRESS,
    "href-moves": "which version of the weights",
    "href-ends": "that the weights are still there",
    "source-not-pinned": "the commit of the code",
    "source-refused": "where the code is",
    "run-not-plain": "how the command is run",
    "handler-refused": "the function to call",
    "working-dir-refused": "the folder that the model runs in",
    "code-not-found": "where the code is",
    "entry-point-unknown": "the function to call",
    "entrypoint-trains": "the function to call",
    "entrypoint-is-architecture": "the function to call",
    "entrypoint-unreadable": "the function to call",
    "nothing-runs-the-weights": "the code that runs the weights",
    "weights-need-code": "the code that runs the weights",
    "torchscript-assumed": "that the weights are TorchScript",
    "no-environment": "the environment",
    "environment-not-locked": "the versions of most packages",
    "lock-not-read": "the environment",
    "named-file-is-none": "where the files beside the model are",
    "not-in-one-file": "where the files beside the model are",
}
"""What a build has to decide, by the finding that says so."""
_LEFT_TO_A_LOCK = frozenset(("the framework", "the framework's version", "the date"))
_WITHOUT_SAMPLE = "buildable, and without a sample nobody can tell whether it was built right"
"""Of C, where nothing has to be guessed."""
_PLACEHOLDER = re.compile(r"<(?!image\b)[\w. -]{1,60}>", re.IGNORECASE)
"""Something to be filled in, other than the name of the image itself."""


def grade(item: Item) -> Grade:
    """Pure: by declaration alone."""
    return grade_of(item, offer_of(item))


def grade_of(item: Item, offer: Offer) -> Grade:
    letter = _letter(item, offer)
    target = _next(letter)
    guesses = _guesses(item, offer) if letter == "C" else ()
    return Grade(
        letter=letter,
        meaning=_WITHOUT_SAMPLE if letter == "C" and not guesses else MEANINGS[letter],
        guesses=guesses,
        next=target,
        lifts=_lifts(offer, target) if target else (),
    )


def _letter(item: Item, offer: Offer) -> Letter:
    if "missing" in (offer.weights.state, offer.code.state):
        return "D" if has_ready_image(item) else "E"
    given = {part.name for part in offer.parts if part.state == "given"}
    if any(_is_refused(part) for part in offer.parts):
        return "C"
    return "A" if given.issuperset(_NEEDED["A"]) else "B" if given.issuperset(_NEEDED["B"]) else "C"


def _is_refused(part: Part) -> bool:
    """Whether it is given, and a build stops for it: what is missing at least stops none."""
    return part.state == "guessed" and part.gap is not None and part.gap.severity == "error"


def _next(letter: Letter) -> Letter | None:
    """Weights lift D and E alike to C."""
    return "C" if letter in ("D", "E") else LETTERS[LETTERS.index(letter) - 1] if letter != "A" else None


def _guesses(item: Item, offer: Offer) -> tuple[Guess, ...]:
    """Of what the reader and the parts found, the first for each thing to decide."""
    locked = offer.environment.state == "given"
    gaps = [gap for part in offer.parts if part.state != "given" for gap in (part.gap, *part.more, *part.others) if gap]
    guesses: dict[str, Guess] = {}
    for finding in (*item.findings, *gaps, *offer.doubts):
        noun = _noun(finding, item)
        if noun and not (locked and noun in _LEFT_TO_A_LOCK):
            guesses.setdefault(noun, Guess(what=noun, pointer=finding.pointer, why=finding.message))
    return tuple(guesses.values())


def _noun(finding: Finding, item: Item) -> str | None:
    noun = _NOUNS.get(finding.code)
    if noun == _ADDRESS and not any(finding.pointer.startswith(f"{asset.pointer}/") for asset in models(item.assets)):
        return "the address of another file"
    return noun


def _lifts(offer: Offer, target: Letter) -> tuple[Lift, ...]:
    return tuple([
        Lift(part=part.name, pointer=gap.pointer, why=gap.message, fix=gap.hint)
        for part in offer.parts
        if part.gap and part.name in _NEEDED[target] and _falls_short(part, target)
        for gap in (part.gap, *part.more)
    ])  # fmt: skip


def _falls_short(part: Part, target: Letter) -> bool:
    return part.state == "missing" if target == "C" else part.state != "given"


def has_ready_image(item: Item) -> bool:
    """Whether an image is named that holds the model: its command waits for no file of an archive."""
    if not item.runtime.docker.image_name:
        return False
    run = _command(item)
    names = {entry.name.rpartition("/")[2] for entry in item.archive}
    words = {word.rpartition("/")[2] for word in run.split()}
    return not _PLACEHOLDER.search(run) and names.isdisjoint(words)


def _command(item: Item) -> str:
    """As published, whether or not it can be used: a reader's finding quotes one that it left out."""
    left_out = (finding.message for finding in item.findings if finding.code.startswith("command-"))
    return item.runtime.docker.run or next(left_out, "")
