"""Variables of NetCDF and HDF5: what is read of them, and that each is compared by what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dlm_build.judging.compare import compare
from dlm_build.judging.decode import Decoded
from dlm_build.judging.hdf5 import read_hdf5
from dlm_build.judging.netcdf import read_netcdf
from dlm_build.judging.values import coordinate_checks
from dlm_build.judging.variables import Variable, described, plain
from dlm_build.records import ComparisonPolicy

GIB = 1 << 30
LAT, LON = np.linspace(50, 45, 20), np.linspace(5, 12, 30)
NOISE = np.random.default_rng(0).normal(0, 1, (20, 30))
RAIN = (np.abs(NOISE) + 0.1).astype(np.float32)
WARMTH = (280 + LAT[:, None] / 5 + np.sin(LON) + NOISE).astype(np.float32)
COVER = np.kron(np.arange(6).reshape(2, 3) % 4, np.ones((10, 10), int)).astype(np.uint8)
CF: dict[str, dict[str, Any]] = {
    "warmth": {"units": "K", "grid_mapping": "crs"}, "rain": {"_FillValue": np.float32(-9999)},
    "cover": {"_FillValue": np.uint8(255), "coordinates": "step"}, "lat": {"units": "degrees_north"},
    "lon": {"units": "degrees_east"}, "step": {"units": "hours"}, "crs": {"crs_wkt": 'GEOGCRS["WGS 84"]'},
    "names": {},
}  # fmt: skip


def forecast(**changes: Any) -> dict[str, Any]:
    rain = np.where(NOISE > 2, np.float32(-9999), RAIN)
    made = {"warmth": WARMTH, "rain": rain, "cover": COVER, "lat": LAT, "lon": LON, "step": np.int32(24),
            "crs": np.int32(0), "names": np.array([b"forest", "gewässer".encode()], object)}  # fmt: skip
    return {name: values for name, values in {**made, **changes}.items() if values is not None}


def written(path: Path, values: dict[str, Any], said: dict[str, dict[str, Any]] | None = None, **options: Any) -> Path:
    """As the NetCDF-4 library writes it: compressed, with scales for the axes, and a note of when it was."""
    with h5py.File(path, "w") as file:
        file.attrs["history"] = f"written to {path}"
        for name, value in values.items():
            chunked = {"compression": "gzip", "shuffle": True} if np.ndim(value) == 2 else {}
            dataset = file.create_dataset(name, data=value, **{**chunked, **options})
            dataset.attrs.update((said or CF).get(name, {}))
        for name in ("lat", "lon"):
            if name in file:
                file[name].make_scale(name)
        file.create_dataset("band", (4,), ">f4").make_scale(
            "This is a netCDF dimension but not a netCDF variable     4"
        )
    return path


def read(path: Path, kind: str = "HDF5") -> Decoded:
    variables = (read_hdf5 if kind == "HDF5" else read_netcdf)(path, GIB)
    assert variables is not None
    told = described(kind, variables)
    coordinates = frozenset(told["coordinates"])
    return Decoded(kind, told["arrays"], value=told["value"], coordinates=coordinates, voids=told["voids"])


def failing(actual: Path, expected: Path, task: Any = "float", **policy: Any) -> list[str]:
    checks = compare(read(actual), read(expected), ComparisonPolicy(task=task, **policy))
    assert checks
    return [f"{check.name} {check.detail}".strip() for check in checks if not check.passed]


def near(values: Any) -> Any:
    return values + values.dtype.type(1e-5) * NOISE.astype(values.dtype)


@pytest.mark.parametrize("task", ["float", "labels", "probabilities"])
def test_what_another_machine_gives_matches_whatever_the_task(tmp_path: Path, task: Any) -> None:
    """24 hours are no class, nor is what stands for none."""
    cover = np.where(COVER == 3, np.uint8(255), COVER)
    expected = written(tmp_path / "expected.nc", forecast(cover=cover))
    output = written(tmp_path / "out.nc", forecast(warmth=near(WARMTH), rain=near(forecast()["rain"]), cover=cover))
    assert expected.read_bytes() != output.read_bytes()
    assert failing(output, expected, task, number_of_classes=4) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"warmth": np.roll(WARMTH, 3, axis=0)}, "warmth: error of what varies relative L2, without the mean"),
        ({"rain": RAIN}, "rain: NaN mask elements differ"),
        ({"cover": (COVER + 1) % 4}, "cover: differing elements of 600"),
        ({"warmth": WARMTH[:10]}, "warmth: shape"),
        ({"warmth": WARMTH.astype(np.float64)}, "warmth: dtype"),
        ({"lat": LAT + 0.05}, "lat: coordinates near of 0.005 allowed"),
        ({"step": np.int32(25)}, "step: differing elements of 1"),
        ({"rain": None}, "HDF5 content first difference at /"),
        ({"names": np.array([b"forest", b"urban"], object)}, "HDF5 content first difference at /names/text/1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_variable(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    expected = written(tmp_path / "expected.nc", forecast())
    assert told in failing(written(tmp_path / "out.nc", forecast(**changes)), expected)


@pytest.mark.parametrize(("name", "key"), [("warmth", "units"), ("crs", "crs_wkt")])
def test_what_the_numbers_mean_has_to_be_equal(tmp_path: Path, name: str, key: str) -> None:
    expected = written(tmp_path / "expected.nc", forecast())
    output = written(tmp_path / "out.nc", forecast(), {**CF, name: {**CF[name], key: "other"}})
    assert failing(output, expected) == [f"HDF5 content first difference at /{name}/{key}"]


def test_packed_numbers_are_compared_unpacked(tmp_path: Path) -> None:
    """A model that packs by its smallest and largest number packs others otherwise."""

    def packed(path: Path, values: Any) -> Path:
        scale, offset = (values.max() - values.min()) / 60000, values.mean()
        told = {"scale_factor": scale, "add_offset": [offset], "_FillValue": np.int16(-32768)}
        numbers = np.rint((values - offset) / scale).astype(np.int16)
        numbers[0, 0] = -32768
        return written(path, forecast(warmth=numbers), {**CF, "warmth": told})

    expected = packed(tmp_path / "expected.nc", WARMTH)
    assert failing(packed(tmp_path / "out.nc", near(WARMTH)), expected) == []
    assert "warmth: relative L2 error" in failing(packed(tmp_path / "out.nc", WARMTH + 1), expected)


def test_a_grid_that_is_turned_lies_where_it_lies(tmp_path: Path) -> None:
    rows, columns = np.meshgrid(LAT, LON, indexing="ij")
    turned = {"xc": columns + rows / 9, "yc": rows - columns / 9}
    said = {**CF, "rain": {"coordinates": "xc yc"}}
    expected = written(tmp_path / "expected.nc", forecast(**turned), said)
    for shift, told in ((1e-4, []), (0.02, ["yc: coordinates near of 0.00526316 allowed"])):
        output = written(tmp_path / "out.nc", forecast(xc=turned["xc"], yc=turned["yc"] + shift), said)
        assert failing(output, expected) == told


def test_things_found_anywhere_lie_where_they_lie(tmp_path: Path) -> None:
    """From one to the next it is a third of the way across the country."""
    found = {"lat": 48 + NOISE[0], "lon": 11 + NOISE[1], "score": np.abs(NOISE[2])}

    def listed(path: Path, **changes: Any) -> Path:
        with h5py.File(path, "w") as file:
            file.update({**found, **changes})
        return path

    expected = listed(tmp_path / "expected.h5")
    for shift, told in ((1e-4, []), (0.02, [f"lat: coordinates near of {np.ptp(found['lat']) / 1000:g} allowed"])):
        assert failing(listed(tmp_path / "out.h5", lat=found["lat"] + shift), expected) == told


@pytest.mark.parametrize(
    ("lat", "near"), [([48.5], True), ([48.5, np.nan], True), ([48.501], False), ([np.nan], False)]
)
def test_one_place_alone_lies_where_it_lies(lat: list[float], near: bool) -> None:
    expected = np.array([48.5, np.nan][: len(lat)])
    assert all(check.passed for check in coordinate_checks(np.array(lat) + 1e-7, expected)) is near


@pytest.mark.parametrize(("step", "by", "near"), [(0.1, 0.04, True), (0.1, 0.4, False), (10.0, 0.4, True)])
def test_no_place_is_its_neighbour_however_large_its_number(step: float, by: float, near: bool) -> None:
    """A northing in metres is so large that what single precision rounds off are several pixels of a drone's map."""
    expected = 5_400_000 + step * np.arange(500)
    assert all(check.passed for check in coordinate_checks(expected + by, expected)) is near


def test_groups_and_their_members_are_named_by_their_paths(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["scores/softmax"] = np.array([0.9, 0.1], np.float32)
        file["label"] = h5py.SoftLink("/scores/softmax")
        file["done"] = np.array([True])
    found = read(tmp_path / "out.h5")
    assert set(found.arrays) == {"scores/softmax", "done"} and found.arrays["done"].dtype == np.int8


def external_link(file: h5py.File) -> None:
    file["a"] = h5py.ExternalLink("/etc/hostname", "/a")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("a", (8,), "u1", external=[("/etc/hostname", 0, 8)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", (3,))
    file.create_virtual_dataset("a", layout, fillvalue=-1)


def plugin(file: h5py.File) -> None:
    file.create_dataset("a", data=np.zeros(10_000), chunks=(10_000,), compression="lzf")


def compound(file: h5py.File) -> None:
    file["a"] = np.zeros(3, [("x", "f4"), ("y", "i4")])


def reference(file: h5py.File) -> None:
    file["b"] = np.zeros(3)
    file.create_dataset("a", data=file["b"].ref, dtype=h5py.ref_dtype)


def nowhere(file: h5py.File) -> None:
    file["a"] = h5py.SoftLink("/nowhere")


def never_written(file: h5py.File) -> None:
    file.create_dataset("a", (3,), "f4")


def empty(file: h5py.File) -> None:
    file["a"] = h5py.Empty("f4")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the reader's file, left open
@pytest.mark.parametrize(
    "make", [external_link, external_storage, virtual, plugin, compound, reference, nowhere, never_written, empty]
)
def test_what_does_not_lie_in_the_file_or_is_no_number_is_compared_as_a_whole(tmp_path: Path, make: Any) -> None:
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["first"] = np.zeros(3)
        make(file)
    assert read_hdf5(tmp_path / "out.h5", GIB) is None


def in_itself(file: h5py.File) -> None:
    file["g/a"] = np.zeros(3)
    file["g/again"] = file["g"]


def large(file: h5py.File) -> None:
    file.create_dataset("a", (1 << 40,), "f4", chunks=(1 << 16,), compression="gzip")


def often(file: h5py.File) -> None:
    file["g/a"] = np.zeros(3)
    for number in range(40):
        file[f"g/{number}"] = file["g/a"]
        file[f"{number}"] = file["g"]


@pytest.mark.parametrize(("make", "told"), [(in_itself, "nested deeper"), (large, "decodes to"), (often, "holds more")])
def test_a_file_that_claims_more_than_it_holds_is_told(
    tmp_path: Path, make: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlm_build.judging.hdf5.MOST", 1000)
    with h5py.File(tmp_path / "out.h5", "w") as file:
        make(file)
    with pytest.raises(ValueError, match=told):
        read_hdf5(tmp_path / "out.h5", GIB)


def test_only_texts_and_numbers_are_plain() -> None:
    assert plain((b"\xff", np.float32(0.5), [1])) == ["\\xff", 0.5, [1]]
    with pytest.raises(NotImplementedError, match="dict is neither"):
        plain({})


def test_a_number_that_stands_for_none_is_a_number() -> None:
    values = np.arange(4, dtype=np.uint8)
    told = described(
        "HDF5", [Variable("a", values, {"_FillValue": "none"}), Variable("b", values, {"missing_value": 3})]
    )
    assert told["voids"] == {"b": 3.0}
