"""Other programs' explanations, made fit to print."""

from __future__ import annotations


def trimmed(text: str, lines: int = 24, width: int = 240) -> str:
    """`text` without control characters, at most `lines` lines of `width` characters, indented by two."""
    kept = ["".join(c for c in line if c.isprintable())[:width].rstrip() for line in text.strip().splitlines()]
    kept = [line for line in kept if line]
    if len(kept) > lines:
        kept = [*kept[:lines], f"… ({len(kept) - lines} more lines)"]
    return "\n".join(f"  {line}" for line in kept)
