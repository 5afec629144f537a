"""Synthetic five-band scenes with their label maps: parcels, towns, a river, a lake. numpy only.

Nothing here was observed by a satellite. The class spectra are round numbers near what an optical sensor reports as
surface reflectance; structure, mixing and noise are random but follow from the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BANDS = ("blue", "green", "red", "nir", "swir16")
CLASSES = ("dontcare", "water", "vegetation", "bare soil", "built-up")
DONTCARE, WATER, VEGETATION, SOIL, BUILT = range(5)
NODATA = 0
REFLECTANCE_TO_DN = 10_000
SIZE = 128

WATER_SPECTRUM = np.array([0.055, 0.050, 0.035, 0.016, 0.006])
VEGETATION_SPECTRUM = np.array([0.035, 0.065, 0.045, 0.340, 0.170])
SOIL_SPECTRUM = np.array([0.090, 0.125, 0.165, 0.240, 0.300])
# What a town is made of: bright roof, asphalt, tiles (close to soil), gardens (close to vegetation).
TOWN_SPECTRA = np.array(
    [
        [0.210, 0.220, 0.230, 0.260, 0.250],
        [0.080, 0.085, 0.090, 0.110, 0.125],
        [0.095, 0.125, 0.190, 0.255, 0.290],
        [0.045, 0.075, 0.060, 0.280, 0.170],
    ]
)
TOWN_SHARES = (0.30, 0.30, 0.22, 0.18)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One scene: `image` is uint16 (bands, H, W), `labels` is uint8 (H, W), 0 where the image has no data."""

    image: NDArray[np.uint16]
    labels: NDArray[np.uint8]


def make_scene(seed: int, size: int = SIZE) -> Scene:
    """The scene of `seed`, `size` pixels square."""
    rng = np.random.default_rng(seed)
    labels, parcels = _land_cover(rng, size)
    reflectance = _reflectance(rng, labels, parcels)
    image = _observe(rng, reflectance)
    hole = _nodata_mask(rng, size)
    image[:, hole] = NODATA
    labels[hole] = DONTCARE
    return Scene(image=image, labels=labels)


def stack(seeds: range) -> Scene:
    """The scenes of `seeds` as one record with a leading scene axis."""
    scenes = [make_scene(seed) for seed in seeds]
    return Scene(image=np.stack([s.image for s in scenes]), labels=np.stack([s.labels for s in scenes]))


def _smooth(rng: np.random.Generator, size: int, cells: int) -> FloatArray:
    """Random field with features about `size / cells` pixels wide, mean 0, standard deviation 1."""
    coarse = rng.standard_normal((cells + 1, cells + 1))
    at = np.linspace(0, cells, size)
    rows = np.stack([np.interp(at, np.arange(cells + 1), column) for column in coarse.T], axis=1)
    field = np.stack([np.interp(at, np.arange(cells + 1), row) for row in rows])
    result: FloatArray = (field - field.mean()) / field.std()
    return result


def _land_cover(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Label map and parcel numbers."""
    count = int(rng.integers(28, 48))
    corners = rng.uniform(0, size, (count, 2))
    rows, columns = np.mgrid[0:size, 0:size]
    distance = (rows[..., None] - corners[:, 0]) ** 2 + (columns[..., None] - corners[:, 1]) ** 2
    parcels = distance.argmin(axis=2)
    urban = _smooth(rng, size, 3)[corners[:, 0].astype(int), corners[:, 1].astype(int)]
    cover = np.where(rng.random(count) < 0.58, VEGETATION, SOIL)
    cover[urban > np.quantile(urban, rng.uniform(0.6, 0.8))] = BUILT
    labels = cover[parcels].astype(np.uint8)
    labels[_water_mask(rng, size)] = WATER
    return labels, parcels


def _water_mask(rng: np.random.Generator, size: int) -> NDArray[np.bool_]:
    lake = _smooth(rng, size, 4)
    mask: NDArray[np.bool_] = lake > np.quantile(lake, rng.uniform(0.88, 0.97))
    if rng.random() < 0.7:
        along = np.arange(size)
        centre = size * rng.uniform(0.2, 0.8) + size * rng.uniform(0.03, 0.12) * np.sin(
            2 * np.pi * along / (size * rng.uniform(0.6, 1.4)) + rng.uniform(0, 6.28)
        )
        river = np.abs(along[:, None] - centre[None, :]) < rng.uniform(1.2, 4.0)
        mask |= river.T if rng.random() < 0.5 else river
    return mask


def _reflectance(rng: np.random.Generator, labels: NDArray[np.uint8], parcels: NDArray[np.int64]) -> FloatArray:
    """Surface reflectance (H, W, bands) before the sensor sees it."""
    size, count = labels.shape[0], int(parcels.max()) + 1
    # A field is a mixture of plants and soil: thin crops and weedy fallow overlap on purpose.
    plants = np.where(labels == VEGETATION, rng.uniform(0.5, 1.0, count)[parcels], 0.0)
    plants = np.where(labels == SOIL, rng.uniform(0.0, 0.42, count)[parcels], plants)
    plants = np.clip(plants + 0.05 * _smooth(rng, size, 24), 0, 1)[..., None]
    wetness = rng.uniform(0.55, 1.15, count)[parcels][..., None]
    field = plants * VEGETATION_SPECTRUM + (1 - plants) * SOIL_SPECTRUM * wetness
    depth = (1 + 0.25 * _smooth(rng, size, 6))[..., None]
    result = np.where((labels == BUILT)[..., None], _town(rng, size), field)
    result = np.where((labels == WATER)[..., None], WATER_SPECTRUM * depth, result)
    return result.astype(np.float64)


def _town(rng: np.random.Generator, size: int) -> FloatArray:
    """Blocks of two to three pixels, each of one material: texture is what tells a town from a field."""
    block = int(rng.integers(2, 4))
    cells = size // block + 1
    material = rng.choice(len(TOWN_SPECTRA), size=(cells, cells), p=TOWN_SHARES)
    shade = rng.uniform(0.8, 1.2, (cells, cells))
    mosaic = TOWN_SPECTRA[material] * shade[..., None]
    return np.kron(mosaic, np.ones((block, block, 1)))[:size, :size].astype(np.float64)


def _observe(rng: np.random.Generator, reflectance: FloatArray) -> NDArray[np.uint16]:
    """What the sensor records: point spread, uneven light, haze, noise, whole numbers. (bands, H, W)."""
    size = reflectance.shape[0]
    padded = np.pad(reflectance, ((1, 1), (1, 1), (0, 0)), mode="edge")
    weights = {(0, 0): 0.4, (0, 1): 0.1, (0, -1): 0.1, (1, 0): 0.1, (-1, 0): 0.1}
    weights |= {(r, c): 0.05 for r in (-1, 1) for c in (-1, 1)}
    blurred = sum(
        (w * padded[1 + r : size + 1 + r, 1 + c : size + 1 + c] for (r, c), w in weights.items()),
        start=np.zeros_like(reflectance),
    )
    light = (rng.uniform(0.85, 1.15) * (1 + 0.04 * _smooth(rng, size, 2)))[..., None]
    haze = rng.uniform(0, 0.02) * np.array([1.0, 0.7, 0.45, 0.15, 0.02])
    seen = blurred * light + haze
    seen = seen * (1 + 0.03 * rng.standard_normal(seen.shape)) + 0.004 * rng.standard_normal(seen.shape)
    numbers = np.clip(np.rint(seen * REFLECTANCE_TO_DN), 0, 65_535).astype(np.uint16)
    return np.ascontiguousarray(numbers.transpose(2, 0, 1))


def _nodata_mask(rng: np.random.Generator, size: int) -> NDArray[np.bool_]:
    """The slanted edge of a swath in one corner and one dropped block."""
    rows, columns = np.mgrid[0:size, 0:size]
    edge = rows + rng.uniform(0.8, 2.5) * columns < size * rng.uniform(0.12, 0.3)
    top, left = rng.integers(size // 4, 3 * size // 4, 2)
    block = (abs(rows - top) < size // 25) & (abs(columns - left) < size // 18)
    mask: NDArray[np.bool_] = edge | block
    return mask
