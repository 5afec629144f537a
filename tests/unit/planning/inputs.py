"""Items, archives and environment files in a line each."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from dlm_build.config import Settings
from dlm_build.planning import Tables, load_tables
from dlm_build.planning.plan import Choices, make_plan
from dlm_build.records import (
    Archive,
    ArchiveEntry,
    Decision,
    DeclaredDocker,
    DeclaredSample,
    EnvironmentFile,
    Finding,
    Item,
    Materials,
    Member,
    Outputs,
    Plan,
    Runtime,
)

SAMPLE = "/properties/dlm:data/test_file"


@lru_cache(maxsize=1)
def tables() -> Tables:
    return load_tables()


def member(path: str) -> Member:
    return Member(path=path, size=1, sha256="a" * 64)


def archive(*paths: str, kind: Any = "zip") -> Archive:
    members = tuple(sorted(map(member, paths), key=lambda one: one.path))
    return Archive(href="https://example.org/m.mar", sha256="b" * 64, size=9, kind=kind, members=members)


def item(**given: Any) -> Item:
    """`framework`, `version`, `handler`, `gpu`, `run`, `working_dir`, `image_name` are the runtime's."""
    docker = DeclaredDocker(
        **{key: given.pop(key) for key in ("gpu", "run", "working_dir", "image_name") if key in given}
    )
    runtime = {key: given.pop(key) for key in ("framework", "version", "handler") if key in given}
    task = given.pop("task", "semantic segmentation")
    fields: dict[str, Any] = {
        "id": "a-model", "origin": "item.json", "sha256": "c" * 64, "dialect": "dlm/runtime",
        "date": "2020-12-12T00:00:01Z", "date_pointer": "/properties/created",
        "runtime": Runtime(docker=docker, **runtime), "outputs": Outputs(task=task),
        "sample": DeclaredSample(input="in.tif", expected="out.tif", pointer=SAMPLE),
    }  # fmt: skip
    return Item(**(fields | given))


def conda(text: str, name: str = "archive:environment.yml") -> EnvironmentFile:
    return EnvironmentFile(name=name, kind="conda", text=text)


def pip(text: str, name: str = "archive:requirements.txt") -> EnvironmentFile:
    return EnvironmentFile(name=name, kind="pip", text=text)


def plan(
    made: Item, *files: EnvironmentFile, paths: tuple[str, ...] = ("ckpt.pth", "in.tif", "out.tif"), **choices: Any
) -> Plan:
    settings = choices.pop("settings", Settings())
    manifest = choices.pop("manifest", {})
    given = choices.pop("archive", None) or archive(*paths)
    materials = Materials(archive=given, manifest=manifest, environment_files=files)
    return make_plan(made, materials, Choices(**choices), tables(), settings)


def decision(made: Plan, name: str) -> Decision:
    found = [one for one in made.decisions if one.name == name]
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def findings(made: Plan) -> dict[str, Finding]:
    return {one.code: one for one in made.findings}


def weights(name: str, *roles: str) -> tuple[ArchiveEntry, ...]:
    return (ArchiveEntry(name=name, roles=roles or ("model weight",)),)
