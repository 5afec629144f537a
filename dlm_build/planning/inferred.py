"""The environment of a model that declares none: its framework at its version, and what its runner reads files with."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from dlm_build.config import Settings
from dlm_build.planning.tables import Framework
from dlm_build.planning.versions import Picked, numbers
from dlm_build.records import Pointers, Record, Runner
from dlm_build.words import DLM, Words

EXTRAS_SINCE = (1, 21)
"""onnxruntime-gpu has the extras `cuda` and `cudnn` from here on."""
LAST_WITHOUT_IMAGE = (10, 2)
"""Base images of this CUDA and older were deleted from the registry in 2023."""


class Facts(Record, frozen=True, kw_only=True):
    """What was decided before the environment."""

    table: Framework
    picked: Picked
    version_declared: bool
    gpu: bool
    cuda: str | None
    python: str
    runner: Runner
    sample: str | None
    """Member path of the sample's input."""
    pointers: Pointers = Pointers()
    words: Words = DLM


class Parts(Record, frozen=True, kw_only=True):
    """What goes into an EnvironmentSpec."""

    channels: tuple[str, ...] = ("conda-forge",)
    conda: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()


def inferred_parts(facts: Facts, settings: Settings) -> Parts:
    python = f"python={facts.python}"
    if facts.table.name == "pytorch" and (own := _own_channel(facts, settings)):
        return Parts(channels=own.channels, conda=(python, *own.conda, *needed(facts)))
    extra = conda_cuda(facts) if lacks_libraries(facts) else ()
    pip = (framework_requirement(facts), *_companions(facts), *needed(facts))
    return Parts(conda=(python, *extra), pip=pip)


def needed(facts: Facts, reader: str = "rasterio") -> tuple[str, ...]:
    """Packages the runner itself imports, and `reader` where it must read pictures."""
    suffix = PurePosixPath(facts.sample or "").suffix.lower()
    arrays_only = suffix in (".npy", ".npz")
    return ("numpy",) if arrays_only or facts.runner.kind == "command" else ("numpy", reader)


def framework_requirement(facts: Facts) -> str:
    """As pip installs it, e.g. `tensorflow[and-cuda]==2.15.*`."""
    row, version = facts.picked.row, facts.picked.version
    exact = f"=={version}" if version.count(".") >= 2 else f"=={version}.*"
    match facts.table.name:
        case "pytorch":
            return f"torch{exact}"
        case "tensorflow":
            gpu_name = (row.pip or "tensorflow").partition("==")[0]
            extra = "[and-cuda]" if row.pip_cuda_extra else ""
            return f"{gpu_name}{extra}{exact}" if facts.gpu else f"tensorflow{exact}"
        case "mxnet":
            build = f"mxnet-cu{(facts.cuda or '').replace('.', '')}" if facts.gpu else "mxnet"
            return f"{build}=={(row.pip or '').partition('==')[2] or version}"
        case "onnxruntime":
            extra = "[cuda,cudnn]" if numbers(version) >= EXTRAS_SINCE else ""
            return f"onnxruntime-gpu{extra}{exact}" if facts.gpu else f"onnxruntime{exact}"
        case _:
            return f"{facts.table.distributions[0]}{exact}"


def _companions(facts: Facts) -> tuple[str, ...]:
    vision = facts.picked.row.torchvision
    wanted = facts.table.name == "pytorch" and vision and facts.runner.kind in ("handler", "command")
    return (f"torchvision=={vision}",) if wanted else ()


def _own_channel(facts: Facts, settings: Settings) -> Parts | None:
    """PyTorch's conda channel, which ended with 2.5.1; None where it has no such build or this site bars it."""
    row = facts.picked.row
    channels = (*row.conda_channels, "conda-forge")
    usable = {*settings.channels.allowed, *settings.channels.mirrors}
    if row.conda_style is None or not usable.issuperset(channels):
        return None
    device = f"{row.conda_style}={facts.cuda}" if facts.gpu else "cpuonly"
    companions = tuple(one.replace("==", "=") for one in _companions(facts))
    return Parts(channels=channels, conda=(f"pytorch={row.version}", *companions, device))


def lacks_libraries(facts: Facts) -> bool:
    """Whether the wheels of the framework need CUDA from somewhere else, and no image has it."""
    if not facts.gpu or facts.cuda is None or facts.table.name == "pytorch":
        return False
    return numbers(facts.cuda)[:2] <= LAST_WITHOUT_IMAGE


def conda_cuda(facts: Facts) -> tuple[str, ...]:
    """The CUDA libraries as conda packages."""
    assert facts.cuda is not None
    cudnn = cudnn_of(facts)
    return (f"cudatoolkit={facts.cuda}", *([f"cudnn={cudnn}"] if cudnn and facts.table.name != "pytorch" else []))


def cudnn_of(facts: Facts) -> str | None:
    """`X.Y` or `X` where the table knows it for this CUDA."""
    row = facts.picked.row
    text = row.cudnn.get(facts.cuda or "") or row.cudnn_note
    found = re.match(r"\d+(\.\d+)?", text)
    return found.group() if found else None
