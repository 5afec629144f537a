"""The processor, in the levels that compilers and packages speak of; what was recorded at build against the host."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dlm_build.preflight.line import Line, Look

LEVELS = {
    "x86-64": ("cx8", "fxsr", "sse", "sse2"),
    "x86-64-v2": ("cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"),
    "x86-64-v3": ("abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"),
    "x86-64-v4": ("avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"),
}
"""Each level asks for its own flags and those of the levels before it; names as in /proc/cpuinfo."""
WANTED = "x86-64-v2"
"""What today's numpy and its like are built for."""


def processor_line(look: Look) -> Line:
    flags = host_flags(look.root)
    level = level_of(flags)
    if level is None:
        return Line(name="processor", state="warn", detail="/proc/cpuinfo tells no x86-64 features", fix="")
    missing = missing_for(WANTED, flags)
    if not missing:
        return Line(name="processor", state="ok", detail=level)
    fix = "run on a newer processor: many packages end with an illegal instruction here"
    return Line(name="processor", state="warn", detail=f"{level}, lacks {', '.join(missing)}", fix=fix)


def host_flags(root: Path = Path("/")) -> frozenset[str]:
    """The features of this machine's first processor."""
    try:
        rows = (root / "proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((row.partition(":")[2].split() for row in rows if row.startswith("flags")), ()))


def level_of(flags: Iterable[str]) -> str | None:
    """The highest level whose features are all there."""
    have, reached = frozenset(flags), None
    for level, needed in LEVELS.items():
        if not have.issuperset(needed):
            break
        reached = level
    return reached


def missing_for(level: str, flags: Iterable[str]) -> tuple[str, ...]:
    """What a host with `flags` lacks for code of `level`, as recorded where it was verified; sorted."""
    names = list(LEVELS)
    needed = [flag for name in names[: names.index(level) + 1] for flag in LEVELS[name]]
    return tuple(sorted(set(needed) - set(flags)))
