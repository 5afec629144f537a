"""Rebuilds both examples from nothing: scenes, training, export, archives, items, and a check of the result.

`python examples/segmentation/make.py` takes about two minutes on two cores; `--keep-weights` starts from the weights
of an earlier run. Packages: requirements.txt.
"""

from __future__ import annotations

import argparse

import archive
import export
import make_data
import make_item
import make_sample
import train
import verify


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-weights", action="store_true", help="do not train again")
    if not parser.parse_args().keep_weights:
        make_data.main()
        train.main()
    for step in (make_sample, export, archive, make_item, verify):
        print(f"== {step.__name__}", flush=True)
        step.main()


if __name__ == "__main__":
    main()
