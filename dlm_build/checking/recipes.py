"""Whether dlm-build itself can build for the framework that an item names."""

from __future__ import annotations

from functools import cache

from dlm_build.findings.completeness import FrameworkWithoutRecipe
from dlm_build.locks import found_unnamed
from dlm_build.own_runners import OWN_RUNNERS, runner_by_suffix
from dlm_build.planning.frameworks import table_of
from dlm_build.planning.runner import is_own_handler
from dlm_build.planning.tables import Tables, load_tables
from dlm_build.records import Asset, Finding, Item
from dlm_build.weight_files import suffix_of
from dlm_build.words import words_of


def without_recipe(item: Item, model: Asset | None, *, alone: bool) -> tuple[Finding, ...]:
    """The finding that it cannot; nothing where it can, or where no framework is named.

    Without a table, the item has to name an environment and code of its own. `alone`: its weights need neither.
    """
    framework = item.runtime.framework
    if not framework or alone or framework.lower() in _spellings() or _is_alone(item, model):
        return ()
    known = tables().frameworks
    if table_of(framework, known):
        return ()
    lacks, how = _lacking(item, model)
    if not lacks:
        return ()
    said = {"found": framework, "lacks": lacks, "how": how, "known": ", ".join(table.name for table in known)}
    return (FrameworkWithoutRecipe.at(item.pointers.framework, **said),)


def _lacking(item: Item, model: Asset | None) -> tuple[str, str]:
    """What a build would stop for, and what to do about it; empty where it would not."""
    words, environment, code = words_of(item), _has_environment(item), names_code(item, model)
    if environment:
        return ("", "") if code else ("no code runs the weights", words.handler)
    if code:
        return "no environment is named that says what to install", words.packages
    return "neither an environment nor code of its own is named", f"{words.packages}, and {words.handler}"


def _is_alone(item: Item, model: Asset | None) -> bool:
    if model is None or names_code(item, model):
        return False
    return model.declared in OWN_RUNNERS or runner_by_suffix(suffix_of(model.href)) is not None


def names_code(item: Item, model: Asset | None) -> bool:
    """Whether a command or a handler is named; the manifest of an archive of TorchServe's always names one."""
    runtime = item.runtime
    own = is_own_handler((runtime.handler or "").strip())
    return bool(runtime.docker.run or own or (model and suffix_of(model.href) == ".mar"))


def _has_environment(item: Item) -> bool:
    """Whether one is named, the list of the archive has a file that a build takes for one, or the source may have."""
    if item.runtime.requirement_file or item.runtime.source_url:
        return True
    return found_unnamed(entry.name for entry in item.archive) is not None


@cache
def _spellings() -> frozenset[str]:
    """What surely is a framework that can be built for; `table_of` knows more spellings."""
    return frozenset(alias for table in tables().frameworks for alias in table.aliases if alias.isalnum())


@cache
def tables() -> Tables:
    """Files of this package, read once."""
    return load_tables()
