"""The fuzz target, run by atheris: `python -m tests.fuzz.target FOLDER… [options of libFuzzer]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["dlm_build.items", "dlm_build.hrefs", "dlm_build.checking", "dlm_build.findings"]
):
    from tests.fuzz.invariant import must_hold
from tests.fuzz.mutating import mutated


def _mutate(data: bytes, most: int, seed: int) -> bytes:
    """Half of the time a change of the item, else of its bytes."""
    changed = mutated(data, seed) if seed % 2 else None
    if changed is not None and len(changed) <= most:
        return changed
    return bytes(atheris.Mutate(data, most))


def main() -> None:
    atheris.Setup(sys.argv, must_hold, custom_mutator=_mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
