"""Makes one SIF in a process of its own, to be varied, starved and killed: `python -m tests.engines.sif.driver`.

    image FOLDER TARGET      from layers that lie in FOLDER, named by number
    packages FOLDER TARGET   with no Docker, from FOLDER/store and the registry of FOLDER/config.toml

Both read FOLDER/lock.json and FOLDER/context.json. Says `ready` when it begins and the SIF's record when it ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dlm_build.config import load_settings
from dlm_build.errors import DlmBuildError
from dlm_build.fetch import HttpFetcher
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import Context, Lock, Sif, from_json, to_json
from dlm_build.registry import Registry
from dlm_build.sif import Request, Sources, sif_from_packages
from dlm_build.sif.layers import ImageLayer
from dlm_build.sif.make import Parts, Progress, make_sif
from dlm_build.store import Store


def main(way: str, folder: Path, target: Path) -> Sif:
    lock = from_json(Lock, (folder / "lock.json").read_bytes())
    request = Request(lock, from_json(Context, (folder / "context.json").read_bytes()), target)
    settings = load_settings(folder / "config.toml")
    programs = RealPrograms(settings.environment)
    print("ready", flush=True)
    if way == "packages":
        registry = Registry(HttpFetcher(settings), settings)
        return sif_from_packages(request, Sources(registry, Store(folder / "store"), programs, silent))
    progress = Progress(silent)
    layers = [ImageLayer(path, progress.read) for path in sorted((folder / "layers").iterdir())]
    return make_sif(Parts(layers, {}, "image"), request, programs, progress)


if __name__ == "__main__":
    try:
        made = main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    except DlmBuildError as problem:
        sys.exit(str(problem))
    print(to_json(made).decode())
