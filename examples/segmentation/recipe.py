"""What all steps share: choices, file names, and the arithmetic from a file's bands to the tensor."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scenes import NODATA, Scene

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent
BUILD = HERE / "build"

# SWIR, NIR, green, red: an order in which no band keeps its place, so that sorting or ignoring it is noticed.
SELECTED_BANDS = (4, 3, 1, 2)
SCALING_FACTOR = 0.0001
INPUT_NAME = "data"
OUTPUT_NAME = "logits"

TRAIN_SEEDS = range(1_000, 1_064)
TEST_SEEDS = range(5_000, 5_032)
SAMPLE_SEEDS = range(9_000, 9_064)
TORCH_SEED = 20_250_115
THREADS = 2


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of the scaled values, one per selected band, in their order."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def measure(scenes: Scene) -> Normalisation:
    """From the valid pixels of a stack of scenes; four decimals, so that the item can say them in full."""
    bands = scenes.image[:, SELECTED_BANDS].transpose(0, 2, 3, 1)
    values = bands[scenes.labels > 0].astype(np.float64) * SCALING_FACTOR
    return Normalisation(
        mean=tuple(round(float(v), 4) for v in values.mean(axis=0)),
        std=tuple(round(float(v), 4) for v in values.std(axis=0)),
    )


def tensor_of(image: NDArray[np.uint16], normalisation: Normalisation) -> NDArray[np.float32]:
    """(..., bands, H, W) as read from the file to the model's float32 input: select, scale, normalise."""
    selected = image[..., SELECTED_BANDS, :, :].astype(np.float32) * np.float32(SCALING_FACTOR)
    mean = np.asarray(normalisation.mean, np.float32)[:, None, None]
    std = np.asarray(normalisation.std, np.float32)[:, None, None]
    result: NDArray[np.float32] = (selected - mean) / std
    return result


def label_map(logits: NDArray[np.float32], image: NDArray[np.uint16], dont_care: int) -> NDArray[np.uint8]:
    """(classes, H, W) logits to class numbers; `dont_care` where all bands of the file hold no data."""
    labels: NDArray[np.uint8] = logits.argmax(axis=0).astype(np.uint8)
    labels[(image == NODATA).all(axis=0)] = dont_care
    return labels


def write_json(path: Path, value: Any) -> None:
    """Two-space indent, final newline, keys in the order given."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def save_normalisation(normalisation: Normalisation) -> None:
    write_json(BUILD / "normalisation.json", asdict(normalisation))


def load_normalisation() -> Normalisation:
    raw = read_json(BUILD / "normalisation.json")
    return Normalisation(mean=tuple(raw["mean"]), std=tuple(raw["std"]))


def load_stack(name: str) -> Scene:
    """`train` or `test`, as make_data.py wrote it."""
    with np.load(BUILD / f"{name}.npz") as arrays:
        return Scene(image=arrays["image"], labels=arrays["labels"])
