"""From a Lock to a Context: which files the folder holds. Pure, and equal locks give equal bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from dlm_build.building.describe import dlm_json
from dlm_build.building.dockerfile import definition_text, dockerfile_text, readme_text, template_folders
from dlm_build.building.labels import labels
from dlm_build.building.layout import EPOCH
from dlm_build.building.rows import member_row, text_row, tree
from dlm_build.container_layout import LAUNCHER, PREFIX, ROOT
from dlm_build.context_layout import (
    BUILD_ARGS,
    CONTEXT,
    DEFINITION,
    DOCKERFILE,
    ENVIRONMENT_LOCK,
    INSTALLER,
    LABELS,
)
from dlm_build.records import Context, ContextFile, Lock, Member, Package, Plan

HARNESS = Path(__file__).resolve().parent.parent / "harness"
_INSTALLER = INSTALLER.rpartition("/")[2]
"""Alone of the harness, it is no part of the image."""
_INSIDE = ROOT.strip("/")
_OUTPUT = "type=image,oci-mediatypes=true,compression=zstd,compression-level=3"
"""Into the engine's own store. zstd halves the time of writing and unpacking; base layers stay as they were pulled."""
_LAUNCHER_TEXT = f"""\
#!{PREFIX}/bin/python -IBu
import runpy; runpy.run_path("{ROOT}/harness/__main__.py", run_name="__main__")
"""


def render(lock: Lock) -> Context:
    """Every file of the folder that builds `lock`'s image. The expected output of the sample is none of them."""
    from dlm_build.locking import conda_lock_yaml, explicit_text

    return assemble(lock, conda_lock_yaml(lock), explicit_text(lock))


def assemble(lock: Lock, conda_lock: str, explicit: str) -> Context:
    """`render` with the two lock files that other tools read handed in."""
    trees = [tree(kind, rows) for kind, rows in _trees(lock) if rows]
    names = [name for name, _ in trees]
    files = [
        text_row(DOCKERFILE, dockerfile_text(lock.base, lock.installer_base, names)),
        text_row(DEFINITION, definition_text(lock.base, lock.installer_base, names)),
        text_row(LABELS, json.dumps(labels(lock), sort_keys=True, indent=1) + "\n"),
        text_row("README.md", readme_text(names)),
        text_row("conda-lock.yml", conda_lock),
        text_row("explicit.txt", explicit),
        text_row(INSTALLER, (HARNESS / _INSTALLER).read_text("utf-8")),
        text_row(ENVIRONMENT_LOCK, environment_json(lock)),
        *(row for _, rows in trees for row in rows),
    ]
    return _with_arguments(lock, files)


def recipe_digest() -> str:
    """sha256 over what makes a context besides its lock: the harness and the templates of this very dlm-build."""
    folders = [folder for folder in (HARNESS, *template_folders()) if folder.is_dir()]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py")) + sorted(folder.rglob("*.j2"))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def environment_json(lock: Lock) -> str:
    """What the installer reads: the environment and nothing of the item, so that models share the layer."""

    def row(package: Package) -> dict[str, object]:
        return {
            "manager": package.manager, "name": package.name, "version": package.version, "build": package.build,
            "subdir": package.subdir, "channel": package.channel, "filename": package.filename, "url": package.url,
            "sha256": package.sha256, "depends": list(package.depends),
        }  # fmt: skip

    made = {
        "epoch": EPOCH,
        "installer": [row(package) for package in lock.installer],
        "packages": [row(package) for package in lock.packages],
    }
    return json.dumps(made, sort_keys=True, indent=1) + "\n"


def source_date_epoch(plan: Plan) -> int:
    """Seconds for the image's `created`: the instant its environment is of, else the fixed time of its files."""
    return EPOCH if plan.instant is None else max(EPOCH, int(plan.instant.timestamp()))


def _trees(lock: Lock) -> list[tuple[str, list[ContextFile]]]:
    """In the order of their layers: what changes least comes first."""
    plan = lock.plan
    source = plan.source.members if plan.source else ()
    archive = (member for member in plan.archive.members if not _of_sample(member, plan))
    return [
        ("source", _placed("source", source, plan)),
        ("model", _placed("model", archive, plan)),
        ("dlm", _own_rows(lock)),
    ]


def _placed(folder: str, members: Iterable[Member], plan: Plan) -> list[ContextFile]:
    return [
        member_row(f"{_INSIDE}/{folder}/{member.path}", member) for member in members if not _gives_away(member, plan)
    ]


def _of_sample(member: Member, plan: Plan) -> bool:
    sample = plan.sample
    return sample is not None and member.path in (sample.input.path, sample.expected.path if sample.expected else None)


def _gives_away(member: Member, plan: Plan) -> bool:
    """A copy of the expected output under another name; an empty file gives nothing away."""
    expected = plan.sample.expected if plan.sample else None
    return expected is not None and expected.size > 0 and member.sha256 == expected.sha256


def _own_rows(lock: Lock) -> list[ContextFile]:
    rows = [
        text_row(f"{_INSIDE}/harness/{path.relative_to(HARNESS).as_posix()}", path.read_text("utf-8"), 0o444)
        for path in sorted(HARNESS.rglob("*.py"))
        if path.name != _INSTALLER
    ]
    rows.append(text_row(LAUNCHER.strip("/"), _LAUNCHER_TEXT, 0o555))
    rows.append(text_row(f"{_INSIDE}/dlm.json", dlm_json(lock), 0o444))
    if sample := lock.plan.sample:
        rows.append(member_row(f"{_INSIDE}/sample/{sample.input.path}", sample.input))
    return rows


def _with_arguments(lock: Lock, files: list[ContextFile]) -> Context:
    unfinished = Context(lock_digest=lock.digest, files=_sorted(files))
    told = {**labels(lock), CONTEXT: unfinished.digest}
    lines = [
        f"--platform={lock.plan.platform}",
        "--provenance=false",
        "--sbom=false",
        f"--output={_OUTPUT}",
        f"--build-arg=SOURCE_DATE_EPOCH={source_date_epoch(lock.plan)}",
        *(f"--label={name}={value}" for name, value in sorted(told.items())),
    ]
    finished = [*files, text_row(BUILD_ARGS, "\n".join(lines) + "\n")]
    return Context(lock_digest=lock.digest, files=_sorted(finished))


def _sorted(files: list[ContextFile]) -> tuple[ContextFile, ...]:
    kept = sorted(files, key=lambda row: row.path)
    paths = [row.path for row in kept]
    assert len(set(paths)) == len(paths), "two files of a context have one path"
    return tuple(kept)
