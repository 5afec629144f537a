"""Whether dlm-build itself can build for the framework that an item names."""

from __future__ import annotations

from functools import cache

from dlm_build.findings.completeness import FrameworkWithoutRecipe
from dlm_build.planning.frameworks import table_of
from dlm_build.planning.tables import Tables, load_tables
from dlm_build.records import Finding, Item


def without_recipe(item: Item) -> tuple[Finding, ...]:
    """The finding that it cannot; nothing where it can, or where no framework is named."""
    framework = item.runtime.framework
    if not framework or framework.lower() in _spellings():
        return ()
    known = tables().frameworks
    if table_of(framework, known):
        return ()
    names = ", ".join(table.name for table in known)
    return (FrameworkWithoutRecipe.at(item.pointers.framework, found=framework, known=names),)


@cache
def _spellings() -> frozenset[str]:
    """What surely is a framework that can be built for; `table_of` knows more spellings."""
    return frozenset(alias for table in tables().frameworks for alias in table.aliases if alias.isalnum())


@cache
def tables() -> Tables:
    """Files of this package, read once."""
    return load_tables()
