"""The new document held against the schemas: what others wrote into it and breaks them, goes; what we wrote may not."""

from __future__ import annotations

from typing import Any

from dlm_build.migrating.records import Notes
from dlm_build.schemas import ITEM, MLM, Problem, problems_of_item

Document = dict[str, Any]
_OURS = (ITEM, MLM)
_ROUNDS = 300
"""One fault each: what stands at two places goes from both at once."""


class NotValid(RuntimeError):
    """A bug of the migration: what it made does not satisfy the schemas, so nothing was written."""


def without_faults(document: Document, notes: Notes) -> None:
    """Takes out, with a note each, what the old item had and no schema allows."""
    for _ in range(_ROUNDS):
        if not any(_mended(document, problem, notes) for problem in problems_of_item(document)):
            return


def demand_valid(document: Document) -> None:
    """Raises NotValid."""
    if found := problems_of_item(document):
        lines = "; ".join(f"{one.pointer or '/'}: {one.message} ({one.schema})" for one in found[:3])
        raise NotValid(f"the migrated item breaks its schemas, which is a fault of dlm-build, not of the item: {lines}")


def _mended(document: Document, problem: Problem, notes: Notes) -> bool:
    """Whether something was taken out for it."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in problem.pointer.split("/")[1:]]
    match steps:
        case ["properties", name, *rest] if name in document["properties"] and not _is_ours(name):
            _take_out(document["properties"], [name, *rest])
        case ["assets", key, name, *rest] if name in document["assets"].get(key, {}) and not _of_asset(name):
            _take_out(document["assets"][key], [name, *rest])
        case ["links", index, *rest] if index.isdigit() and int(index) < len(document["links"]):
            _take_out(document["links"], [index] if rest[:1] in ([], ["rel"], ["href"]) else [index, *rest])
            return True  # which row of the old item it was, the account knows
        case ["collection"] if "collection" in document:
            del document["collection"]
        case ["stac_extensions", *_] if problem.schema == ITEM:
            document["stac_extensions"] = [MLM]
        case _ if problem.schema not in _OURS and problem.schema in document["stac_extensions"]:
            document["stac_extensions"].remove(problem.schema)
            notes.dropped("/stac_extensions", f"{problem.schema}: the item does not keep to it at {problem.pointer}")
            return True
        case _:
            return False
    notes.dropped(problem.pointer, problem.message)
    return True


def _take_out(value: Any, steps: list[str]) -> None:
    """The member or row at the end of the steps."""
    for step in steps[:-1]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    if isinstance(value, list):
        del value[int(steps[-1])]
    else:
        del value[steps[-1]]


def _is_ours(name: str) -> bool:
    return name.startswith("mlm:") or name in ("datetime", "start_datetime", "end_datetime")


def _of_asset(name: str) -> bool:
    return name.startswith(("mlm:", "file:")) or name in ("href", "roles")
