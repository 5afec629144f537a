"""Real files through the real decoder child, to each outcome."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from msgspec.structs import replace

from dlm_build.errors import InfraError, ItemInvalid, Outcome, ResourceExceeded
from dlm_build.judging import judge
from dlm_build.judging.decode import decode
from dlm_build.judging.decoder import TOO_LARGE, UNWRITTEN
from dlm_build.proc import Finished, RealPrograms, own_program
from dlm_build.records import (
    ComparisonPolicy,
    Finding,
    Member,
    OutputFile,
    Plan,
    Run,
    Runner,
    RunnerKind,
    SampleSpec,
    Verdict,
)
from dlm_build.store import Store
from tests.unit.judging.test_geopackage import ROWS, changed, package, polygon
from tests.unit.judging.test_netcdf import RAIN, Classic, scene
from tests.unit.judging.test_variables import LON, WARMTH, forecast, near, written
from tests.unit.plans import tiny_plan

pytestmark = pytest.mark.programs
LABELS = ComparisonPolicy(task="labels", dont_care=0, number_of_classes=3)


def geotiff(
    path: Path, values: Any, scales: tuple[float, ...] = (), offsets: tuple[float, ...] = (), **changes: Any
) -> Path:
    profile = {
        "driver": "GTiff", "width": values.shape[2], "height": values.shape[1], "count": values.shape[0],
        "dtype": values.dtype, "crs": "EPSG:32618", "transform": Affine(0.5, 0, 500000, 0, -0.5, 5000000), "nodata": 0,
    }  # fmt: skip
    with rasterio.open(path, "w", **{**profile, **changes}) as out:
        out.write(values)
        out.scales, out.offsets = scales or out.scales, offsets or out.offsets
    return path


def labels() -> Any:
    return np.kron(np.arange(1, 5).reshape(1, 2, 2) % 3 + 1, np.ones((1, 16, 16), dtype=np.int64)).astype(np.uint8)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outputs = folder / "outputs"
        self.outputs.mkdir()
        self.store = Store(folder / "store")
        self.programs = RealPrograms({"PATH": os.environ["PATH"]})
        self.findings: tuple[Finding, ...] = ()

    def judged(
        self, expected: Path | None, *outputs: Path, policy: ComparisonPolicy = LABELS, kind: RunnerKind = "command",
        **run: Any,
    ) -> Verdict:  # fmt: skip
        member = None
        if expected is not None:
            stored = self.store.add_file(expected)
            member = Member(path=expected.name, size=stored.size, sha256=stored.sha256)
        files = tuple(
            OutputFile(path=p.name, size=p.stat().st_size, sha256=hashlib.sha256(p.read_bytes()).hexdigest())
            for p in outputs
        )
        made = {
            "end": "finished", "exit_status": 0, "detail": "ended", "device": "cpu", "device_reason": "no GPU",
            "seconds": 1.0, "outputs": files, "output_folder": str(self.outputs),
        }  # fmt: skip
        plan = replace(self.plan(member, policy), runner=Runner(kind=kind))
        return judge(Run(**{**made, **run}), plan, self.store, self.programs)

    def plan(self, expected: Member | None, policy: ComparisonPolicy) -> Plan:
        sample = SampleSpec(input=Member(path="in.tif", size=1, sha256="0" * 64), expected=expected)
        return tiny_plan(sample=sample, comparison=policy if expected else None, findings=self.findings)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_equal_pixels_in_other_bytes_match(bench: Bench, tmp_path: Path) -> None:
    expected = geotiff(tmp_path / "expected.tif", labels(), compress="deflate")
    verdict = bench.judged(expected, geotiff(bench.outputs / "out.tif", labels()))
    assert verdict.outcome == Outcome.MATCHES and verdict.device == "cpu" and len(verdict.checks) >= 6


def test_a_match_is_on_no_device_where_nothing_tells_what_the_model_made_of_its_gpu(
    bench: Bench, tmp_path: Path
) -> None:
    expected, output = geotiff(tmp_path / "expected.tif", labels()), geotiff(bench.outputs / "out.tif", labels())
    known = bench.judged(expected, output, device="gpu")
    unknown = bench.judged(expected, output, device="gpu", device_known=False)
    assert (known.device, unknown.device, unknown.outcome) == ("gpu", None, Outcome.MATCHES)
    assert unknown.summary == known.summary + "; it was given a GPU, and nothing tells whether it used it"


def test_a_machine_without_room_for_arrays_is_no_fault_of_model_or_item(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = geotiff(tmp_path / "expected.tif", labels(), compress="deflate")
    output = geotiff(bench.outputs / "out.tif", labels())
    monkeypatch.setattr("dlm_build.disk.tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(InfraError, match="absent"):
        bench.judged(expected, output)
    child = own_program("dlm_build.judging.decoder")
    ended = RealPrograms(dict(os.environ)).run((*child, str(tmp_path / "absent"), str(output)))
    assert ended.status == UNWRITTEN and "No such file" in ended.stderr
    with pytest.raises(InfraError, match=r"takes no decoded file: .*No space left"):
        decode(output, tmp_path / "scratch", Full())


class Full:
    """A decoder on a full disk."""

    def run(self, argv: Sequence[str], **_options: Any) -> Finished:
        told = "[Errno 28] No space left on device"
        return Finished(argv=tuple(argv), status=UNWRITTEN, stdout="", stderr=told, seconds=0.0)


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"nodata": 255}, "nodata"),
        ({"crs": "EPSG:32619"}, "crs"),
        ({"transform": Affine(0.5, 0, 500000.5, 0, -0.5, 5000000)}, "transform"),
        ({"scales": (0.01,)}, "scale and offset"),
        ({"offsets": (5.0,)}, "scale and offset"),
    ],
)
def test_another_place_is_a_mismatch(bench: Bench, tmp_path: Path, changes: Any, failing: str) -> None:
    expected = geotiff(tmp_path / "expected.tif", labels())
    verdict = bench.judged(expected, geotiff(bench.outputs / "out.tif", labels(), **changes))
    assert verdict.outcome == Outcome.MISMATCH
    assert [c.name for c in verdict.checks if not c.passed] == [failing]


@pytest.mark.parametrize(
    ("values", "failing"),
    [
        (labels()[:, :16], "shape"),
        (labels().astype(np.uint16), "dtype"),
        (np.roll(labels(), 3, axis=1), "pixel agreement"),
    ],
)
def test_another_form_or_content_is_a_mismatch(bench: Bench, tmp_path: Path, values: Any, failing: str) -> None:
    expected = geotiff(tmp_path / "expected.tif", labels())
    verdict = bench.judged(expected, geotiff(bench.outputs / "out.tif", values))
    assert verdict.outcome == Outcome.MISMATCH and failing in verdict.summary


def test_no_expected_output_is_ran_never_matches(bench: Bench) -> None:
    verdict = bench.judged(None, geotiff(bench.outputs / "out.tif", labels()))
    assert verdict.outcome == Outcome.RAN and "`dlm-build check` shows how" in verdict.hint


def test_no_expected_output_is_told_in_the_words_of_the_items_dialect(bench: Bench) -> None:
    bench.findings = (_finding("no-sample"), _finding("no-expected-output"))
    verdict = bench.judged(None, geotiff(bench.outputs / "out.tif", labels()))
    assert verdict.hint == "do something about no-expected-output"


def _finding(code: str) -> Finding:
    return Finding(code=code, severity="warning", pointer="", message="", hint=f"do something about {code}")


def test_pickled_output_is_not_loaded(bench: Bench, tmp_path: Path) -> None:
    np.save(tmp_path / "expected.npy", np.zeros(3, dtype=np.float32))
    np.save(bench.outputs / "out.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    verdict = bench.judged(tmp_path / "expected.npy", bench.outputs / "out.npy")
    assert verdict.outcome == Outcome.MISMATCH and verdict.checks[0].name == "decodes"


def test_an_unreadable_expectation_is_the_items_fault(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "expected.tif"
    broken.write_bytes(b"II*\0" + b"\0" * 40)
    with pytest.raises(ItemInvalid, match=r"the expected output expected\.tif cannot be decoded"):
        bench.judged(broken, geotiff(bench.outputs / "out.tif", labels()))


@pytest.mark.parametrize("changes", [{"nodata": None}, {"nodata": -9999}])
def test_what_a_file_says_of_nodata_is_the_runners_choice(bench: Bench, tmp_path: Path, changes: Any) -> None:
    values = np.linspace(10, 20, 4096, dtype=np.float32).reshape(1, 64, 64)
    expected = geotiff(tmp_path / "expected.tif", values, nodata=-9999, compress="deflate")
    output = geotiff(bench.outputs / "out.tif", values, **changes)
    policy = ComparisonPolicy(task="float")
    assert bench.judged(expected, output, policy=policy, kind="onnx").outcome == Outcome.MATCHES
    wanted = Outcome.MATCHES if changes["nodata"] else Outcome.MISMATCH
    assert bench.judged(expected, output, policy=policy, kind="handler").outcome == wanted


def test_a_kind_of_file_that_is_compared_as_a_whole_says_so(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "expected.parquet").write_bytes(b"PAR1\0\x15\4PAR1")
    (bench.outputs / "out.parquet").write_bytes(b"PAR1\0\x15\2PAR1")
    verdict = bench.judged(tmp_path / "expected.parquet", bench.outputs / "out.parquet")
    assert verdict.outcome == Outcome.MISMATCH and "bytes: others against identical" in verdict.summary
    assert "compared as a whole" in verdict.checks[0].detail and "publish the expected output as" in verdict.hint


def test_a_zip_of_anything_but_arrays_is_compared_as_a_whole(bench: Bench, tmp_path: Path) -> None:
    for folder, said in ((tmp_path, "a"), (bench.outputs, "b")):
        with zipfile.ZipFile(folder / "out.pt", "w") as out:
            out.writestr("archive/data.pkl", said)
    verdict = bench.judged(tmp_path / "out.pt", bench.outputs / "out.pt")
    assert verdict.outcome == Outcome.MISMATCH and [check.name for check in verdict.checks] == ["bytes"]


def test_a_table_is_compared_by_its_cells(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "expected.csv").write_text("class,score\nforest,0.5\n")
    for score, outcome in ((0.5000001, Outcome.MATCHES), (0.6, Outcome.MISMATCH)):
        (bench.outputs / "out.csv").write_bytes(f"\ufeffclass,score\r\nforest,{score}\r\n".encode())
        assert bench.judged(tmp_path / "expected.csv", bench.outputs / "out.csv").outcome == outcome


def test_features_are_compared_one_by_one(bench: Bench, tmp_path: Path) -> None:
    expected, policy = package(tmp_path / "expected.gpkg"), ComparisonPolicy(task="exact")
    same = bench.judged(expected, package(bench.outputs / "out.gpkg", layer="out"), policy=policy)
    assert same.outcome == Outcome.MATCHES
    fewer = bench.judged(expected, package(bench.outputs / "out.gpkg", ROWS[:2]), policy=policy)
    assert "GeoPackage content: 2 entries against 3 entries, first difference at /found/rows" in fewer.summary
    elsewhere = [(1, polygon(500000, 5604000), *ROWS[0][2:]), *ROWS[1:]]
    moved = bench.judged(expected, package(bench.outputs / "out.gpkg", elsewhere), policy=policy)
    assert "shapes near: 10000.0 against 1.0, 2 shapes at /found/rows/*/geom/coordinates/*" in moved.summary


def test_variables_are_compared_one_by_one(bench: Bench, tmp_path: Path) -> None:
    expected, policy = written(tmp_path / "expected.nc", forecast()), ComparisonPolicy(task="float")
    same = bench.judged(expected, written(bench.outputs / "out.nc", forecast(warmth=near(WARMTH))), policy=policy)
    assert same.outcome == Outcome.MATCHES and len(same.checks) > 30
    shifted = bench.judged(expected, written(bench.outputs / "out.nc", forecast(lon=LON + 0.1)), policy=policy)
    assert "the output is not the author's expected.nc: lon: coordinates near: 20.71" in shifted.summary
    torn = bench.outputs / "out.nc"
    torn.write_bytes(torn.read_bytes()[:3000])
    assert bench.judged(expected, torn, policy=policy).checks[0].name == "decodes"


def test_a_classic_file_is_read_as_the_other(bench: Bench, tmp_path: Path) -> None:
    expected = Classic().write(tmp_path / "expected.nc", *scene())
    for version, changed_by, outcome in ((5, 1e-5, Outcome.MATCHES), (1, 1.0, Outcome.MISMATCH)):
        rain = (RAIN + np.float32(changed_by)).astype(">f4").tobytes()
        variables = [(*one[:4], rain if one[0] == "rain" else one[4]) for one in scene()]
        output = Classic(version).write(bench.outputs / "out.nc", *variables)
        assert bench.judged(expected, output, policy=ComparisonPolicy(task="float")).outcome == outcome


def test_a_database_of_anything_else_is_compared_as_a_whole(bench: Bench, tmp_path: Path) -> None:
    for folder, score in ((tmp_path, 1), (bench.outputs, 2)):
        changed(folder / "out.sqlite", "CREATE TABLE scores (score INTEGER)", f"INSERT INTO scores VALUES ({score})")
    verdict = bench.judged(tmp_path / "out.sqlite", bench.outputs / "out.sqlite")
    assert [check.name for check in verdict.checks] == ["bytes"]


@pytest.mark.parametrize(("kind", "told"), [("onnx", True), ("handler", False)])
def test_a_form_that_dlm_build_chose_is_told_as_its_own(
    bench: Bench, tmp_path: Path, kind: RunnerKind, told: bool
) -> None:
    (tmp_path / "expected.json").write_text('{"label": "water", "score": 0.75}')
    (bench.outputs / "out.json").write_text('{"water": 0.75, "forest": 0.25}')
    policy = ComparisonPolicy(task="class-scores")
    verdict = bench.judged(tmp_path / "expected.json", bench.outputs / "out.json", policy=policy, kind=kind)
    assert verdict.outcome == Outcome.MISMATCH and ("the form of the file" in verdict.hint) is told


def test_a_band_of_opacity_is_no_label(bench: Bench, tmp_path: Path) -> None:
    opaque = np.full_like(labels(), 255)
    opaque[0, :2] = 0
    expected = geotiff(tmp_path / "expected.tif", np.concatenate([labels(), opaque]), alpha="yes", nodata=None)
    for alpha, outcome in ((opaque, Outcome.MATCHES), (255 - opaque, Outcome.MISMATCH)):
        bands = np.concatenate([labels(), alpha])
        output = geotiff(bench.outputs / "out.tif", bands, alpha="yes", nodata=None, compress="deflate")
        assert bench.judged(expected, output).outcome == outcome
    alone = geotiff(bench.outputs / "out.tif", labels())
    assert bench.judged(expected, alone, kind="onnx").outcome == Outcome.MATCHES
    assert bench.judged(expected, alone).checks[-1].name == "arrays"


def test_a_script_named_tif_is_a_mismatch(bench: Bench, tmp_path: Path) -> None:
    expected = geotiff(tmp_path / "expected.tif", labels())
    vrt = bench.outputs / "out.tif"
    vrt.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    assert bench.judged(expected, vrt).outcome == Outcome.MISMATCH


def test_npz_and_float_npy(bench: Bench, tmp_path: Path) -> None:
    values = np.linspace(0, 9, 1000, dtype=np.float32)
    np.savez(tmp_path / "expected.npz", a=values, b=values * 2)
    np.savez_compressed(bench.outputs / "out.npz", a=values.astype(">f4"), b=values * 2)
    policy = ComparisonPolicy(task="float")
    assert bench.judged(tmp_path / "expected.npz", bench.outputs / "out.npz", policy=policy).outcome == Outcome.MATCHES


@pytest.mark.parametrize(
    ("kind", "actual", "outcome"),
    [
        ("onnx", (1, 8, 8), Outcome.MATCHES),
        ("torchscript", (8, 8), Outcome.MATCHES),
        ("onnx", (1, 4, 16), Outcome.MISMATCH),
        ("handler", (1, 8, 8), Outcome.MISMATCH),
        ("command", (8, 8), Outcome.MISMATCH),
    ],
)
def test_the_axis_of_the_one_scene_is_the_runners_choice_and_not_a_handlers(
    bench: Bench, tmp_path: Path, kind: RunnerKind, actual: tuple[int, ...], outcome: Outcome
) -> None:
    values = np.linspace(0, 9, 64, dtype=np.float32)
    np.save(tmp_path / "expected.npy", values.reshape(1, 1, 8, 8))
    np.save(bench.outputs / "out.npy", values.reshape(actual))
    policy = ComparisonPolicy(task="float")
    verdict = bench.judged(tmp_path / "expected.npy", bench.outputs / "out.npy", policy=policy, kind=kind)
    assert verdict.outcome == outcome


def test_how_wide_label_arrays_are_is_the_runners_choice(bench: Bench, tmp_path: Path) -> None:
    np.save(tmp_path / "expected.npy", labels()[0].astype(np.int64))
    np.save(bench.outputs / "out.npy", labels()[0])
    expected, output = tmp_path / "expected.npy", bench.outputs / "out.npy"
    assert bench.judged(expected, output, kind="onnx").outcome == Outcome.MATCHES
    assert bench.judged(expected, output, kind="handler").outcome == Outcome.MISMATCH
    other = bench.judged(expected, output, kind="onnx", policy=ComparisonPolicy(task="float"))
    assert other.outcome == Outcome.MISMATCH and "dtype" in other.summary


@pytest.mark.parametrize(
    ("task", "dtype", "written"),
    [("labels", np.int16, np.uint8), ("labels", np.float32, np.uint8), ("float", np.float64, np.float32)],
)
def test_how_wide_the_numbers_of_a_raster_are_is_the_runners_choice(
    bench: Bench, tmp_path: Path, task: Any, dtype: Any, written: Any
) -> None:
    policy = ComparisonPolicy(task=task)
    expected = geotiff(tmp_path / "expected.tif", labels().astype(dtype))
    output = geotiff(bench.outputs / "out.tif", labels().astype(written))
    assert bench.judged(expected, output, kind="onnx", policy=policy).outcome == Outcome.MATCHES
    assert bench.judged(expected, output, kind="handler", policy=policy).outcome == Outcome.MISMATCH
    other = geotiff(bench.outputs / "other.tif", (labels()[:, ::-1] % 3).astype(written))
    assert bench.judged(expected, other, kind="onnx", policy=policy).outcome == Outcome.MISMATCH


def test_labels_that_the_expected_integers_cannot_hold_are_a_mismatch(bench: Bench, tmp_path: Path) -> None:
    np.save(tmp_path / "expected.npy", np.array([[0, 1, 1]], dtype=np.uint8))
    np.save(bench.outputs / "out.npy", np.array([[256, 257, 1]], dtype=np.int64))
    policy = ComparisonPolicy(task="labels", number_of_classes=2)
    verdict = bench.judged(tmp_path / "expected.npy", bench.outputs / "out.npy", policy=policy, kind="onnx")
    assert verdict.outcome == Outcome.MISMATCH and "dtype" in verdict.summary


def test_nodata_of_a_file_makes_no_value_easier_to_meet(bench: Bench, tmp_path: Path) -> None:
    values = np.linspace(10, 20, 4096, dtype=np.float32).reshape(1, 64, 64)
    values[0, 0, 0] = void = -3.4028234663852886e38
    expected = geotiff(tmp_path / "expected.tif", values, nodata=void, compress="deflate")
    policy = ComparisonPolicy(task="float")
    again = geotiff(bench.outputs / "again.tif", values, nodata=void)
    assert bench.judged(expected, again, policy=policy).outcome == Outcome.MATCHES
    zeros = np.where(values == np.float32(void), values, 0).astype(np.float32)
    other = geotiff(bench.outputs / "out.tif", zeros, nodata=void)
    verdict = bench.judged(expected, other, policy=policy)
    assert verdict.outcome == Outcome.MISMATCH and "relative L2 error" in verdict.summary


def test_arrays_of_anything_but_numbers_are_not_decoded(bench: Bench, tmp_path: Path) -> None:
    np.save(tmp_path / "expected.npy", np.zeros(3, dtype=np.float32))
    np.save(bench.outputs / "out.npy", np.zeros(3, dtype=[("a", "f4")]))
    verdict = bench.judged(tmp_path / "expected.npy", bench.outputs / "out.npy")
    assert verdict.outcome == Outcome.MISMATCH and "which are no numbers" in verdict.summary


@pytest.mark.parametrize(("limit", "name"), [("WRITTEN", "out.npy"), ("TOLD", "out.csv"), ("ARRAYS", "out.npz")])
def test_what_is_larger_than_may_be_written_is_beyond_the_limits(
    bench: Bench, tmp_path: Path, limit: str, name: str
) -> None:
    np.save(bench.outputs / "out.npy", np.zeros(100_000, dtype=np.uint8))
    (bench.outputs / "out.csv").write_text("\n".join(["a_long_name_of_a_column", *"123456789" * 5]))
    np.savez(bench.outputs / "out.npz", *np.zeros((2000, 1), dtype=np.uint8))
    child = (sys.executable, "-c", f"from dlm_build.judging import decoder; decoder.{limit} = 1000; import sys; "
             "decoder.main(sys.argv[1], sys.argv[2:])")  # fmt: skip
    ended = RealPrograms(dict(os.environ)).run((*child, str(tmp_path), str(bench.outputs / name)))
    assert ended.status == TOO_LARGE

    class Small:
        def run(self, argv: Sequence[str], **_options: Any) -> Finished:
            return ended

    with pytest.raises(ResourceExceeded, match=rf"{name} passed its limit"):
        decode(bench.outputs / name, tmp_path / "scratch", Small())


def test_a_document_says_where_it_differs(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "expected.json").write_text('{"boxes": [{"label": "car"}, {"label": "bus"}]}')
    (bench.outputs / "out.json").write_text('{"boxes": [{"label": "car"}, {"label": "van"}]}')
    policy = ComparisonPolicy(task="exact")
    verdict = bench.judged(tmp_path / "expected.json", bench.outputs / "out.json", policy=policy)
    assert "JSON content: van against bus, first difference at /boxes/1/label" in verdict.summary


def test_a_text_is_compared_line_by_line(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "expected.txt").write_text("land\u00a0cover\nforest: 0.5\n", encoding="utf-8")
    policy, output = ComparisonPolicy(task="exact"), bench.outputs / "out.txt"
    output.write_bytes("land\u00a0cover \r\nforest: 0.5".encode())
    assert bench.judged(tmp_path / "expected.txt", output, policy=policy).outcome == Outcome.MATCHES
    output.write_text("land\u00a0cover\nwater: 0.5\n", encoding="utf-8")
    verdict = bench.judged(tmp_path / "expected.txt", output, policy=policy)
    assert "text content: water: 0.5 against forest: 0.5, first difference at /1" in verdict.summary


def test_an_empty_text_is_matched_by_no_other(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "expected.txt").write_text("")
    (bench.outputs / "out.txt").write_text(" \n")
    assert bench.judged(tmp_path / "expected.txt", bench.outputs / "out.txt").outcome == Outcome.MISMATCH


def test_bytes_that_could_be_letters_are_no_text(bench: Bench, tmp_path: Path) -> None:
    for folder, label in ((tmp_path, 10), (bench.outputs, 13)):
        (folder / "map.bin").write_bytes(bytes([1, 2, 3, label]))
    assert bench.judged(tmp_path / "map.bin", bench.outputs / "map.bin").checks[0].name == "bytes"


def test_json_lines_are_read_line_by_line(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "expected.jsonl").write_text('{"name": "a", "score": 0.5}\n{"name": "b", "score": 0.25}\n')
    for score, outcome in ((0.5000001, Outcome.MATCHES), (0.6, Outcome.MISMATCH)):
        said = f'{{"score": {score}, "name": "a"}}\r\n\n{{"name": "b", "score": 0.25}}'
        (bench.outputs / "out.jsonl").write_text(said)
        policy = ComparisonPolicy(task="exact")
        assert bench.judged(tmp_path / "expected.jsonl", bench.outputs / "out.jsonl", policy=policy).outcome == outcome


@pytest.mark.parametrize("depth", [250, 900, 100_000])
def test_a_document_nested_too_deep_says_so(bench: Bench, tmp_path: Path, depth: int) -> None:
    (tmp_path / "expected.json").write_text("[0.5]")
    output = bench.outputs / "expected.json"
    output.write_text("[" * depth + "0.5" + "]" * depth)
    verdict = bench.judged(tmp_path / "expected.json", output, policy=ComparisonPolicy(task="exact"))
    assert verdict.outcome == Outcome.MISMATCH and "nested deeper than 200" in verdict.summary


def test_the_answering_file_is_found_by_name(bench: Bench, tmp_path: Path) -> None:
    expected = geotiff(tmp_path / "expected.tif", labels(), compress="deflate")
    (bench.outputs / "log.txt").write_text("done")
    good = geotiff(bench.outputs / "result.tif", labels())
    assert bench.judged(expected, bench.outputs / "log.txt", good).outcome == Outcome.MATCHES
    two = geotiff(bench.outputs / "other.tif", labels())
    verdict = bench.judged(expected, good, two)
    assert verdict.outcome == Outcome.MISMATCH and verdict.checks[0].name == "output file"


@pytest.mark.parametrize(
    ("shown", "kind", "outcome"),
    [
        (np.array([0, 2, 1]), "onnx", Outcome.MATCHES),
        (np.array([0, 2, 2]), "onnx", Outcome.MISMATCH),
        (np.eye(3, dtype=np.float32)[[0, 2, 1]], "onnx", Outcome.MATCHES),
        (np.array([[0, 2, 1]]), "onnx", Outcome.MATCHES),
        (np.zeros(5), "onnx", Outcome.MISMATCH),
        (np.array([0, 2, 1]), "command", Outcome.MISMATCH),
    ],
)
def test_of_several_results_the_first_in_the_authors_form_answers(
    bench: Bench, tmp_path: Path, shown: Any, kind: RunnerKind, outcome: Outcome
) -> None:
    """Such as a classifier's labels and scores of several rows; what code of the author's writes has names."""
    np.save(bench.outputs / "in.0.npy", np.array([0, 2, 1]))
    np.save(bench.outputs / "in.1.npy", np.eye(3, dtype=np.float32)[[0, 2, 1]] * np.float32(1.0001))
    np.save(tmp_path / "expected.npy", shown)
    both, policy = (bench.outputs / "in.0.npy", bench.outputs / "in.1.npy"), ComparisonPolicy(task="float")
    assert bench.judged(tmp_path / "expected.npy", *both, policy=policy, kind=kind).outcome == outcome


@pytest.mark.parametrize("compress", ["deflate", "none"])
@pytest.mark.parametrize(("shown", "outcome"), [(0, Outcome.MATCHES), (1, Outcome.MISMATCH)])
def test_of_several_results_in_one_form_the_first_answers(
    bench: Bench, tmp_path: Path, shown: int, outcome: Outcome, compress: str
) -> None:
    """Such as heights and their deviations: an item's first output is the one that is used."""
    maps = [np.linspace(1, 9, 64, dtype=np.float32).reshape(1, 8, 8) * scale for scale in (1, 3)]
    both = [geotiff(bench.outputs / f"in.{n}.tif", values, nodata=None) for n, values in enumerate(maps)]
    expected = geotiff(tmp_path / "expected.tif", maps[shown], nodata=None, compress=compress)
    policy = ComparisonPolicy(task="float")
    assert bench.judged(expected, *both, policy=policy, kind="onnx").outcome == outcome


def test_one_check_is_counted_as_one(bench: Bench, tmp_path: Path) -> None:
    same = geotiff(bench.outputs / "out.tif", labels())
    assert bench.judged(same, same).summary == "the output repeats the author's out.tif (1 check)"


@pytest.mark.parametrize(
    ("end", "outcome"),
    [("model-error", "model-error"), ("timeout", "timeout"), ("resource", "resource"), ("infra", "infra")],
)
def test_how_the_run_ended_decides_first(bench: Bench, end: str, outcome: str) -> None:
    verdict = bench.judged(None, end=end, exit_status=1, detail="why")
    assert verdict.outcome == outcome and verdict.summary == "why" and verdict.hint


def test_writing_nothing_is_the_models_error(bench: Bench) -> None:
    assert bench.judged(None).outcome == Outcome.MODEL_ERROR
