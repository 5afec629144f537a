"""Files that run a SIF where people run models: a batch script and a module file, around one small program.

No text of the item gets into them: only a name of letters, digits and dashes, digests, numbers, and quoted paths.
"""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path
from typing import Literal

from dlm_build.building.dockerfile import templates
from dlm_build.building.layout import GENERATED
from dlm_build.container_layout import INPUT, OUTPUT
from dlm_build.errors import UsageError, shown
from dlm_build.records import Limits, Plan, Record, Sif
from dlm_build.workfolder import slug

Kind = Literal["slurm", "lmod"]
KINDS: tuple[Kind, ...] = ("slurm", "lmod")
PROCESSORS = 4
SHORTEST_JOB = 60
"""Minutes: a job may have more scenes than the one sample that the limits are for."""
DEFAULT_LIMITS = Limits()
_WORKING_DIR = re.compile(r"(?:/[A-Za-z0-9._-]+){1,20}")


class HandoffFile(Record, frozen=True, kw_only=True):
    path: str
    """Relative to the hand-off folder."""
    text: str
    mode: int = 0o644


def write_handoff(
    sif: Sif,
    plan: Plan,
    folder: Path,
    kinds: tuple[Kind, ...] = KINDS,
    gpu: bool | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Path, ...]:
    """Write the files of `kinds` below `folder`, which must stay where it is: they name each other by path.

    `gpu` as given on the command line; None asks for one where the model wants it. `limits` are the site's: a job asks
    for as much. Raises UsageError for a path that cannot be named in a script.
    """
    written = []
    for file in handoff_files(sif, plan, folder.resolve(), kinds, plan.gpu if gpu is None else gpu, limits):
        path = folder.resolve() / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(file.text, "utf-8")
        fresh.chmod(file.mode)
        fresh.replace(path)
        written.append(path)
    _forget_outdated(folder.resolve() / "modules", sif)
    return tuple(written)


def _forget_outdated(modules: Path, sif: Sif) -> None:
    """A module's version names the SIF's bytes: one of earlier bytes would load what is there now in their name."""
    for module in modules.glob("*/*.lua"):
        if module.stem != _version(sif):
            module.unlink(missing_ok=True)


def _version(sif: Sif) -> str:
    return sif.sha256[:12]


def handoff_files(
    sif: Sif, plan: Plan, folder: Path, kinds: tuple[Kind, ...], gpu: bool, limits: Limits
) -> tuple[HandoffFile, ...]:
    """The program that runs the model, and what calls it: pure."""
    name = f"dlm-{slug(plan.item_id)}"
    image = _usable(Path(sif.path).resolve())
    files = [HandoffFile(path=f"bin/{name}", text=_program(image, plan, gpu), mode=0o755)]
    if "slurm" in kinds:
        model = shlex.quote(str(_usable(folder / "bin" / name)))
        files.append(HandoffFile(path=f"{name}.sbatch", text=_batch(model, name, gpu, limits), mode=0o755))
    if "lmod" in kinds:
        version = _version(sif)
        text = _module(image, _usable(folder / "bin"), name, version)
        files.append(HandoffFile(path=f"modules/{name}/{version}.lua", text=text))
    return tuple(files)


def _program(image: Path, plan: Plan, gpu: bool) -> str:
    if not _WORKING_DIR.fullmatch(plan.runner.working_dir):
        raise AssertionError(f"not a working folder: {plan.runner.working_dir!a}")
    return templates().get_template("model.sh.j2").render(
        generated=GENERATED,
        sif=shlex.quote(str(image)),
        gpu=int(gpu),
        working_dir=plan.runner.working_dir,
        input=INPUT,
        output=OUTPUT,
    )  # fmt: skip


def _batch(model: str, name: str, gpu: bool, limits: Limits) -> str:
    return templates().get_template("model.sbatch.j2").render(
        generated=GENERATED,
        job=name,
        processors=PROCESSORS,
        megabytes=-(-limits.memory >> 20),
        minutes=max(SHORTEST_JOB, math.ceil(limits.seconds / 60)),
        gpu=int(gpu),
        model=model,
    )  # fmt: skip


def _module(image: Path, programs: Path, name: str, version: str) -> str:
    return templates().get_template("module.lua.j2").render(
        generated=GENERATED.removeprefix("# "),
        name=name,
        version=version,
        variable=name.upper().replace("-", "_") + "_SIF",
        sif=lua_text(str(image)),
        programs=lua_text(str(programs)),
    )  # fmt: skip


def lua_text(text: str) -> str:
    """`text` as a Lua string: every byte that is not plain as its number."""
    plain = re.compile(rb"[A-Za-z0-9_./@+=-]")
    parts = (chr(byte) if plain.match(bytes([byte])) else f"\\{byte:03d}" for byte in text.encode())
    return '"' + "".join(parts) + '"'


def refuse_unusable(folder: Path) -> None:
    """Raises UsageError for a work folder that no script could name: to be asked before anything long begins."""
    _usable(folder.resolve())


def _usable(path: Path) -> Path:
    if not str(path).isprintable() or ":" in str(path):
        raise UsageError(
            f"a script cannot name {shown(str(path))}", "use --output with a path without colons and control characters"
        )
    return path
