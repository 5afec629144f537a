"""A docker-archive to a SIF, as `apptainer build` is asked for it: `sif_driver PREPARED ARCHIVE SCRATCH TARGET`.

PREPARED holds the image's lock and its context, which was rendered when the image was built. Prints the seconds between
the layers' lying there and the SIF's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dlm_build.building.export import take_in
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import Context, Lock, from_json
from dlm_build.sif.layers import ImageLayer
from dlm_build.sif.make import Parts, Progress, Request, make_sif

LOCK, CONTEXT = "lock.json", "context.json"
"""Files of PREPARED."""


def main(prepared: Path, archive: Path, scratch: Path, target: Path) -> float:
    lock = from_json(Lock, (prepared / LOCK).read_bytes())
    context = from_json(Context, (prepared / CONTEXT).read_bytes())
    with archive.open("rb") as stream:
        handed = take_in(iter(lambda: stream.read(1 << 20), b""), scratch, silent)
    progress = Progress(silent)
    layers = [ImageLayer(Path(path), progress.read) for path in handed.layers]
    request = Request(lock, context, target)
    return make_sif(Parts(layers, handed.environment, "image"), request, RealPrograms(os.environ), progress).seconds


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:5])))
