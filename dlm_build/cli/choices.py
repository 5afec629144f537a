"""Values of options that several commands take."""

from __future__ import annotations

from collections.abc import Callable

import click

ENGINES = ("docker", "sif")


def some_of(names: tuple[str, ...]) -> Callable[[click.Context, click.Parameter, str | None], tuple[str, ...]]:
    """Reads names with commas between, in any order, each once; none where the option is not given."""

    def read(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...]:
        if value is None:
            return ()
        asked = [name.strip() for name in value.split(",")]
        if not set(asked) <= set(names):
            fix = f"write {' or '.join(names)}, or both with a comma between"
            raise click.BadParameter(f"{value!r} is not known: {fix}")
        return tuple(name for name in names if name in asked)

    return read


def compression(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """As given, once it is known to be one. Raises UsageError."""
    if value is not None:
        from dlm_build.sif.squashfs import parse_compression

        parse_compression(value)
    return value
