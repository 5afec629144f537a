"""Step 1: training and held-out scenes, and the numbers that normalise them."""

from __future__ import annotations

import numpy as np
from recipe import BUILD, TEST_SEEDS, TRAIN_SEEDS, measure, save_normalisation
from scenes import CLASSES, stack


def main() -> None:
    BUILD.mkdir(exist_ok=True)
    for name, seeds in (("train", TRAIN_SEEDS), ("test", TEST_SEEDS)):
        scenes = stack(seeds)
        np.savez_compressed(BUILD / f"{name}.npz", image=scenes.image, labels=scenes.labels)
        shares = np.bincount(scenes.labels.ravel(), minlength=len(CLASSES)) / scenes.labels.size
        listed = ", ".join(f"{c} {s:.1%}" for c, s in zip(CLASSES, shares, strict=True))
        print(f"{name}: {len(seeds)} scenes of {scenes.labels.shape[1]} pixels square: {listed}")
        if name == "train":
            save_normalisation(measure(scenes))


if __name__ == "__main__":
    main()
