"""The ONNX and TorchScript runners, with a session and a module that are told what to answer."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import rasterio

from dlm_build.harness import array_runner, onnx_model, torchscript_model
from dlm_build.harness.contract import HarnessError
from dlm_build.harness.pictures import read_picture
from tests.unit.harness.folders import make_contract
from tests.unit.harness.test_pictures import PLACE, scene


class Session:
    """An onnxruntime session of one input: remembers what it was fed and gives `answer(tensor)`."""

    def __init__(self, answer: Any, *inputs: tuple[str, str, list[Any]]) -> None:
        self.answer = answer
        self.inputs = [
            SimpleNamespace(name=n, type=t, shape=s) for n, t, s in inputs or [("data", "tensor(float)", [1, 2, 4, 6])]
        ]
        self.fed: dict[str, Any] = {}

    def get_inputs(self) -> list[Any]:
        return self.inputs

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in ("height", "error")]

    def run(self, names: None, feed: dict[str, Any]) -> list[Any]:
        self.fed = feed
        result = self.answer(*feed.values())
        return result if isinstance(result, list) else [result]


def run(tmp_path: Path, session: Session, name: str = "in.tif", **sections: Any) -> Path:
    contract = make_contract(tmp_path, **sections)
    model = onnx_model.model_of(session, contract.inputs.get("name"))
    array_runner.run_one(contract, model, tmp_path / name, tmp_path / "out")
    return tmp_path / "out"


def by_brightness(tensor: Any) -> Any:
    """Class 1 where the first band is above 5, else class 0; class 2 nowhere."""
    bright = (tensor[:, :1] > 5).astype(np.float32)
    return np.concatenate([1 - bright, bright, np.full_like(bright, -1)], axis=1)


SEGMENTATION = {"task": "semantic segmentation", "dont_care_index": 0, "number_of_classes": 3}


def test_segmentation_ends_as_labels_in_place_with_nodata_marked(tmp_path: Path) -> None:
    bands = scene(tmp_path / "in.tif")
    inputs = {"selected_bands": [1, 0], "nodata": 0}
    session = Session(by_brightness)
    out = run(tmp_path, session, inputs=inputs, outputs={**SEGMENTATION, "dont_care_index": 2})
    assert np.array_equal(session.fed["data"], bands[None, [1, 0]].astype(np.float32))
    with rasterio.open(out / "in.tif") as written:
        labels = written.read(1)
        assert (written.crs.to_epsg(), written.transform, written.nodata) == (32618, PLACE, 2)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, np.ones((4, 6)))  # the second band is above 5 throughout; no pixel is empty in both


def test_only_pixels_empty_in_every_band_are_marked(tmp_path: Path) -> None:
    bands = np.ones((2, 2, 2), np.float32) * 9
    bands[:, 0, 0] = 0
    bands[0, 1, 1] = 0
    np.save(tmp_path / "in.npy", bands)
    session = Session(by_brightness, ("data", "tensor(float)", ["N", 2, "H", "W"]))
    out = run(tmp_path, session, "in.npy", inputs={"nodata": 0}, outputs={**SEGMENTATION, "dont_care_index": 7})
    assert read_picture(out / "in.tif").array.tolist() == [[[7, 1], [1, 0]]]


def test_a_model_with_bands_last_is_fed_and_read_so(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")

    def answer(tensor: Any) -> Any:
        return np.moveaxis(by_brightness(np.moveaxis(tensor, -1, 1)), 1, -1)

    session = Session(answer, ("data", "tensor(float)", [None, None, None, 2]))
    out = run(tmp_path, session, outputs=SEGMENTATION)
    assert session.fed["data"].shape == (1, 4, 6, 2)
    with rasterio.open(out / "in.tif") as written:
        assert written.read(1)[0].tolist() == [0, 0, 0, 0, 0, 0]
        assert written.read(1)[1].tolist() == [1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(("dtype", "batch"), [(np.uint8, ()), (np.float32, (1,))])
def test_an_array_in_the_layout_of_a_model_with_bands_last(tmp_path: Path, dtype: Any, batch: tuple[int, ...]) -> None:
    bands = np.zeros((4, 6, 2), dtype)
    bands[1:, :, 0] = 9
    np.save(tmp_path / "in.npy", bands.reshape(*batch, 4, 6, 2))
    session = Session(
        lambda tensor: np.moveaxis(by_brightness(np.moveaxis(tensor, -1, 1)), 1, -1),
        ("data", "tensor(float)", [None, None, None, 2]),
    )
    inputs = {"channels": 2, "selected_bands": [0, 1], "mean": [1.0, 0.0]}
    out = run(tmp_path, session, "in.npy", inputs=inputs, outputs={"task": "semantic segmentation"})
    assert session.fed["data"].tolist() == (bands[None] - (0 if batch else np.array([1, 0]))).tolist()
    assert read_picture(out / "in.tif").array[0, :, 0].tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("form", [".tif", ".npy"])
@pytest.mark.parametrize("numbers", [(0, 70000), (-1, 1), (0, 2**32 - 1)])
def test_large_and_negative_class_numbers_are_written_as_they_are(
    tmp_path: Path, numbers: tuple[int, int], form: str
) -> None:
    scene(tmp_path / "in.tif")
    labels = np.full((1, 1, 4, 6), numbers[0], np.int64)
    labels[..., 0] = numbers[1]
    sample = {"input": {"path": "in.tif"}, "form": form}
    out = run(tmp_path, Session(lambda _t: labels), outputs={"task": "semantic segmentation"}, sample=sample)
    assert np.array_equal(read_picture(out / f"in{form}").array, labels[0])


SHOWN = {"input": {"path": "in.tif"}}


@pytest.mark.parametrize(
    ("form", "task", "written"),
    [
        (".npy", "scene classification", "in.npy"),
        (".npz", "scene classification", "in.npy"),
        (".json", "scene classification", "in.json"),
        (".npy", "semantic segmentation", "in.npy"),
        (".tif", "semantic segmentation", "in.tif"),
        (".png", "semantic segmentation", "in.tif"),
        (".npy", "regression", "in.npy"),
        (".npz", "regression", "in.npz"),
        (".json", "regression", "in.json"),
        (".tif", "regression", "in.tif"),
        (None, "regression", "in.tif"),
    ],
)
def test_the_authors_kind_of_file_is_written(tmp_path: Path, form: str | None, task: str, written: str) -> None:
    scene(tmp_path / "in.tif")
    scores = np.array([[0.25, 0.75]], np.float32)
    answer = (lambda _t: scores) if "classification" in task else by_brightness
    out = run(tmp_path, Session(answer), outputs={"task": task}, sample={**SHOWN, "form": form})
    assert [path.name for path in out.iterdir()] == [written]


@pytest.mark.parametrize(("name", "form"), [("in.jp2", None), ("in.jp2", ".tif"), ("in.npy", ".tiff")])
def test_a_map_of_any_picture_is_one(tmp_path: Path, name: str, form: str | None) -> None:
    bands = np.full((2, 4, 6), 7, np.uint8)
    np.save(tmp_path / "in.npy", bands)
    with rasterio.open(
        tmp_path / "in.jp2", "w", "JP2OpenJPEG", 6, 4, 2, dtype="uint8", crs="EPSG:32618", transform=PLACE
    ) as target:
        target.write(bands)
    sample = {"input": {"path": name}, "form": form}
    out = run(tmp_path, Session(lambda tensor: tensor), name, outputs={"task": "regression"}, sample=sample)
    picture = read_picture(out / "in.tif")
    assert picture.array.tolist() == bands.tolist() and (picture.transform == PLACE) == (name == "in.jp2")


def test_an_array_of_scores_is_as_the_model_gave_it(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    outputs = {"task": "classification", "classes": [{"index": 0, "name": "b"}, {"index": 1, "name": "a"}]}
    session = Session(lambda _t: np.array([[0.25, 0.75]], np.float32))
    written = np.load(run(tmp_path, session, outputs=outputs, sample={**SHOWN, "form": ".npy"}) / "in.npy")
    assert written.dtype == np.float32 and written.tolist() == [0.25, 0.75]


def test_named_scores_keep_the_models_order(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    outputs = {"task": "classification", "classes": [{"index": 0, "name": "b"}, {"index": 1, "name": "a"}]}
    out = run(tmp_path, Session(lambda _t: np.array([[0.25, 0.75]], np.float32)), outputs=outputs)
    assert list(json.loads((out / "in.json").read_text())) == ["b", "a"]


@pytest.mark.parametrize(("dtype", "scaled"), [(np.float32, False), (np.uint16, True)])
def test_a_tensor_is_fed_as_it_is_and_raw_pixels_are_scaled(tmp_path: Path, dtype: Any, scaled: bool) -> None:
    tensor = np.arange(1, 49).reshape(1, 2, 4, 6).astype(dtype)
    np.save(tmp_path / "in.npy", tensor)
    session = Session(lambda t: t)
    run(tmp_path, session, "in.npy", inputs={"scaling_factor": 0.5, "selected_bands": [1, 0]})
    assert np.array_equal(session.fed["data"], tensor[:, ::-1] * np.float32(0.5) if scaled else tensor)


def test_a_table_is_fed_to_a_model_of_rows_and_columns(tmp_path: Path) -> None:
    rows = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    np.save(tmp_path / "in.npy", rows)
    session = Session(lambda table: table, ("data", "tensor(float)", ["rows", 3]))
    run(tmp_path, session, "in.npy", inputs={"mean": [1.0, 2.0, 3.0]})
    assert session.fed["data"].tolist() == [[0, 0, 0], [3, 3, 3]]


@pytest.mark.parametrize(
    ("number", "given", "taken"),
    [(2**24 + 1, "int64", "tensor(int64)"), (2**53 + 1, "int64", "tensor(int64)"), (0.1, "float64", "tensor(double)")],
)
def test_numbers_that_need_no_arithmetic_reach_the_model_whole(
    tmp_path: Path, number: float, given: str, taken: str
) -> None:
    np.save(tmp_path / "in.npy", np.array([[number]], given))
    session = Session(lambda tokens: tokens, ("data", taken, ["batch", "tokens"]))
    run(tmp_path, session, "in.npy")
    assert session.fed["data"].tolist() == [[number]]


SERIES = ("data", "tensor(float)", ["batch", 2, "steps"])


@pytest.mark.parametrize(
    ("shape", "taken"), [((3, 2, 5), SERIES), ((4, 2), ("data", "tensor(float)", [4, 2])), ((3, 2, 4, 6), None)]
)
def test_an_array_of_several_is_answered_whole(tmp_path: Path, shape: tuple[int, ...], taken: Any) -> None:
    several = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    np.save(tmp_path / "in.npy", several)
    session = Session(lambda tensor: tensor + 1, taken or ("data", "tensor(float)", ["N", 2, "H", "W"]))
    out = run(tmp_path, session, "in.npy", outputs={"task": "regression"}, sample={**SHOWN, "form": ".npy"})
    assert np.array_equal(np.load(out / "in.npy"), several + 1)


@pytest.mark.parametrize("chosen", [False, True])
def test_each_scene_of_an_array_of_several_is_labelled(tmp_path: Path, chosen: bool) -> None:
    scenes = np.zeros((3, 2, 4, 6), np.float32)
    scenes[1:, 0] = 9
    np.save(tmp_path / "in.npy", scenes)
    answer = (lambda tensor: by_brightness(tensor).argmax(axis=1)) if chosen else by_brightness
    session = Session(answer, ("data", "tensor(float)", ["N", 2, "H", "W"]))
    out = run(tmp_path, session, "in.npy", outputs=SEGMENTATION, sample={**SHOWN, "form": ".npy"})
    assert np.load(out / "in.npy").tolist() == (scenes[:, 0] > 5).astype(int).tolist()


TWO = [("optical", "tensor(float)", ["N", 2, "H", "W"]), ("month", "tensor(int64)", [])]


def test_a_file_of_arrays_feeds_a_model_of_several_inputs_by_their_names(tmp_path: Path) -> None:
    scenes = np.arange(96).reshape(2, 2, 4, 6)
    np.savez(tmp_path / "in.npz", month=7, optical=scenes, unused=0)
    session = Session(lambda optical, month: [optical + month, optical[:1]], *TWO)
    out = run(tmp_path, session, "in.npz", inputs={"name": "optical", "mean": [9.0]}, sample={**SHOWN, "form": ".npz"})
    assert [array.dtype for array in session.fed.values()] == [np.float32, np.int64]
    with np.load(out / "in.npz") as written:
        assert np.array_equal(written["height"], scenes + 7) and np.array_equal(written["error"], scenes[:1])


def test_maps_of_several_inputs_are_labelled(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", month=7, optical=np.full((1, 2, 4, 6), 9))
    session = Session(lambda optical, month: by_brightness(optical), *TWO)
    out = run(tmp_path, session, "in.npz", outputs=SEGMENTATION, sample={**SHOWN, "form": ".npy"})
    assert np.load(out / "in.npy").tolist() == np.ones((4, 6)).tolist()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("in.tif", "the model takes 2 inputs at once; give an .npz with an array for each: optical, month"),
        ("in.npz", "has no array month; the model takes optical, month, the file holds optical"),
        ("none.npz", "none.npz cannot be read: "),
        ("cut.npz", "cut.npz cannot be read: "),
    ],
)
def test_a_file_that_does_not_feed_several_inputs_is_refused(tmp_path: Path, name: str, message: str) -> None:
    np.savez(tmp_path / "in.npz", optical=np.ones((1, 2, 4, 6)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "in.npz").read_bytes()[:99])
    with pytest.raises(HarnessError, match=message) as caught:
        run(tmp_path, Session(None, *TWO), name)
    assert caught.value.status == 66


def test_a_number_alone_is_fed_to_a_model_without_axes(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.array(3, np.int32))
    out = run(tmp_path, Session(lambda n: np.arange(n), ("data", "tensor(int32)", [])), "in.npy")
    assert np.load(out / "in.npy").tolist() == [0, 1, 2]


def test_several_results_go_into_one_file_by_the_models_names(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    session = Session(lambda t: [t[:, 0], t[:, 1]])
    out = run(tmp_path, session, outputs={"task": "regression"}, sample={**SHOWN, "form": ".npz"})
    with np.load(out / "in.npz") as written:
        assert sorted(written.files) == ["error", "height"] and written["height"].shape == (4, 6)


def test_several_results_as_json_have_the_models_names_and_order(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    session = Session(lambda t: [t[0, 0, 0], t[0, 1, 0]])
    out = run(tmp_path, session, outputs={"task": "object detection"}, sample={**SHOWN, "form": ".json"})
    assert list(json.loads((out / "in.json").read_text())) == ["height", "error"]


def test_score_maps_that_the_author_shows_as_such_are_not_made_labels(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    out = run(tmp_path, Session(by_brightness), outputs=SEGMENTATION, comparison={"task": "probabilities"})
    with rasterio.open(out / "in.tif") as written:
        assert (written.count, written.dtypes[0]) == (3, "float32")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["sea", "lake"], {"sea": 0.25, "lake": 0.75}),
        (["sea"], [0.25, 0.75]),
        (["sea", "sea"], [0.25, 0.75]),
    ],
)
def test_classification_ends_as_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str], expected: object
) -> None:
    scene(tmp_path / "in.tif")
    classes = [{"index": number, "name": name} for number, name in enumerate(names)]
    outputs = {"task": "scene classification", "classes": classes}
    out = run(tmp_path, Session(lambda _t: np.array([[0.25, 0.75]], np.float32)), outputs=outputs)
    assert json.loads((out / "in.json").read_text()) == expected
    assert capsys.readouterr().err.startswith("dlm: class 1 ")


CLASSIFIER = ("X", "tensor(float)", [None, 3])
RATED = [{"oak": 0.25, "pine": 0.75}, {"oak": 1.0, "pine": 0.0}]


def classified(tmp_path: Path, labels: list[Any], task: str, form: str, scores: Any = None) -> Path:
    """What a classifier of scikit-learn, made ONNX, gives: labels, and scores by class for each row."""
    np.save(tmp_path / "in.npy", np.ones((len(labels), 3)))
    given = np.array(labels, dtype=object if isinstance(labels[0], str) else np.int64)
    session = Session(lambda _t: [given, RATED[: len(labels)] if scores is None else scores], CLASSIFIER)
    return run(tmp_path, session, "in.npy", outputs={"task": task}, sample={**SHOWN, "form": form})


@pytest.mark.parametrize("label", ["pine", 7])
@pytest.mark.parametrize("scores", [None, np.array([[0.25, 0.75]], np.float32)])
def test_the_scores_of_a_classifier_that_gives_the_label_before(tmp_path: Path, label: Any, scores: Any) -> None:
    out = classified(tmp_path, [label], "classification", ".json", scores)
    assert json.loads((out / "in.json").read_text()) == [0.25, 0.75]


def test_labels_and_scores_of_several_rows(tmp_path: Path) -> None:
    out = classified(tmp_path, ["pine", "oak"], "classification", ".json")
    assert json.loads((out / "in.json").read_text()) == {"height": ["pine", "oak"], "error": [[0.25, 0.75], [1, 0]]}
    with np.load(classified(tmp_path, [1, 0], "classification", ".npz") / "in.npz") as written:
        assert written["height"].tolist() == [1, 0] and written["error"].tolist() == [[0.25, 0.75], [1, 0]]


@pytest.mark.parametrize("form", [".npy", ".npz"])
@pytest.mark.parametrize("result", [np.array(["pine"], object), [np.ones(2), np.ones(3)], None])
def test_what_is_no_array_of_numbers_is_told_to_be_json(tmp_path: Path, form: str, result: Any) -> None:
    scene(tmp_path / "in.tif")
    session = Session(lambda _t: [result, np.ones(2)])
    with pytest.raises(HarnessError, match=r"expected output as \.json"):
        run(tmp_path, session, sample={**SHOWN, "form": form})
    run(tmp_path, session, sample={**SHOWN, "form": ".json"})
    told = json.loads((tmp_path / "out" / "in.json").read_text())["height"]
    assert told in ("pine", [[1, 1], [1, 1, 1]], None)


def test_a_real_valued_map_stays_one(tmp_path: Path) -> None:
    bands = scene(tmp_path / "in.tif")
    out = run(tmp_path, Session(lambda tensor: tensor[:, :1] / 2), outputs={"task": "regression"})
    with rasterio.open(out / "in.tif") as written:
        assert written.dtypes == ("float32",)
        assert np.array_equal(written.read(1), bands[0] / 2)


def test_other_results_are_arrays_one_file_each(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    out = run(tmp_path, Session(lambda tensor: [np.ones((1, 5)), np.zeros((1, 2))]))
    assert sorted(path.name for path in out.iterdir()) == ["in.0.npy", "in.1.npy"]
    assert np.load(out / "in.0.npy").shape == (5,)


def test_an_input_of_another_name_is_fed_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene(tmp_path / "in.tif")
    session = Session(by_brightness, ("input.1", "tensor(float)", [1, 2, 4, 6]))
    run(tmp_path, session, inputs={"name": "data"}, outputs=SEGMENTATION)
    assert list(session.fed) == ["input.1"]
    assert "the item calls the input 'data'; the model has 'input.1'" in capsys.readouterr().err


def test_the_tensor_has_the_type_the_model_takes(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    session = Session(lambda tensor: np.ones((1, 3)), ("data", "tensor(uint8)", [1, 2, 4, 6]))
    run(tmp_path, session)
    assert session.fed["data"].dtype == np.uint8


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((("a", "tensor(float)", [1]), ("b", "tensor(string)", [1])), r"takes tensor\(string\), which no image gives"),
    ],
)
def test_models_no_image_can_feed_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        onnx_model.model_of(Session(None, *inputs), None)


@pytest.mark.parametrize(
    ("provided", "device"),
    [(["CUDAExecutionProvider", "CPUExecutionProvider"], "gpu"), (["CPUExecutionProvider"], "cpu")],
)
def test_an_onnx_model_is_where_its_session_says_and_not_where_it_was_asked_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provided: list[str], device: str
) -> None:
    session = Session(by_brightness)
    monkeypatch.setattr(session, "get_providers", lambda: provided)
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    fake = SimpleNamespace(InferenceSession=lambda *_, **__: session, get_available_providers=lambda: offered)
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    monkeypatch.setenv("DLM_DEVICE", "gpu")
    scene(tmp_path / "in.tif")
    contract = make_contract(tmp_path, files={"model/net.onnx": b"x"})
    assert array_runner.run_arrays(contract, "onnx", [tmp_path / "in.tif"], tmp_path / "out") == device


def test_providers_follow_the_device_and_what_onnxruntime_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[tuple[str, list[str]]] = []

    def open_session(path: str, providers: list[str]) -> Session:
        opened.append((Path(path).name, providers))
        return Session(by_brightness)

    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    fake = SimpleNamespace(InferenceSession=open_session, get_available_providers=lambda: offered)
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    contract = make_contract(tmp_path, files={"model/deep/net.onnx": b"x"})
    onnx_model.load_onnx(contract, gpu=True)
    onnx_model.load_onnx(contract, gpu=False)
    offered.remove("CUDAExecutionProvider")
    onnx_model.load_onnx(contract, gpu=True)
    assert [providers for _, providers in opened] == [
        ["CUDAExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"], ["CPUExecutionProvider"],
    ]  # fmt: skip
    assert "has no CUDA provider" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("library", "load"), [("onnxruntime", onnx_model.load_onnx), ("torch", torchscript_model.load_torchscript)]
)
def test_a_missing_framework_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, load: Any) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(HarnessError, match=f"environment lacks {library}"):
        load(make_contract(tmp_path), False)


def test_weights_that_do_not_load_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise RuntimeError("failed locating file constants.pkl\nand more")

    torch = SimpleNamespace(device=str, cuda=SimpleNamespace(is_available=bool), jit=SimpleNamespace(load=refused))
    monkeypatch.setitem(sys.modules, "torch", torch)
    fake = SimpleNamespace(InferenceSession=refused, get_available_providers=list, __version__="1.20.1")
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    contract = make_contract(tmp_path, files={"model/net.onnx": b"x", "model/net.pt": b"x"})
    with pytest.raises(HarnessError, match=r"net\.pt is not TorchScript.*`model_handler`.*constants\.pkl\)$"):
        torchscript_model.load_torchscript(contract, False)
    with pytest.raises(HarnessError, match=r"onnxruntime 1\.20\.1 cannot load net\.onnx: failed locating"):
        onnx_model.load_onnx(contract, False)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "1 : FAIL : Load model from /opt/dlm/model/net.onnx failed:/onnxruntime_src/core/graph/load.h:46 "
            f"void onnxruntime::Validate({'const std::map<std::string>&, ' * 9}int) ONNX Runtime only *guarantees* "
            "support for released opsets. Opset 99 is under development\n",
            "net.onnx: it is made for a newer onnxruntime; declare that, or export it with an older opset "
            "(ONNX Runtime only *guarantees* support for released opsets. Opset 99 is under development)",
        ),
        (
            "6 : RUNTIME_EXCEPTION : Exception during initialization: No such file or directory [/opt/net.onnx.data]",
            "net.onnx: its numbers are in another file; pack both into one archive, or make that an asset if it is "
            "net.onnx.data (Exception during initialization: No such file or directory [/opt/net.onnx.data])",
        ),
        (
            "1 : FAIL : Load model from /opt/net.onnx failed:Fatal error: a.b:MyOp(-1) is not a registered function/op",
            "net.onnx: it calls an operator that this onnxruntime has not; name a handler that registers it "
            "(Fatal error: a.b:MyOp(-1) is not a registered function/op)",
        ),
        (
            "7 : INVALID_PROTOBUF : Load model from /x failed:Protobuf parsing failed.",
            "net.onnx: Protobuf parsing failed.",
        ),
    ],
)
def test_what_onnxruntime_cannot_load_is_said_in_words_of_its_author(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"[ONNXRuntimeError] : {said}")

    fake = SimpleNamespace(InferenceSession=refused, get_available_providers=list, __version__="1.20.1")
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    with pytest.raises(HarnessError) as caught:
        onnx_model.load_onnx(make_contract(tmp_path, files={"model/net.onnx": b"x"}), False)
    assert str(caught.value) == f"onnxruntime 1.20.1 cannot load {told}"


@pytest.mark.parametrize(
    ("files", "runner", "message"),
    [
        ({}, {"weights": "net.onnx"}, "/runner/weights names 'net.onnx', which is not in"),
        ({}, {}, "holds 0 files ending in .onnx; name one"),
        ({"model/a.onnx": b"", "model/b.onnx": b""}, {}, "holds 2 files ending in .onnx; name one"),
    ],
)
def test_the_weights_are_named_or_alone(tmp_path: Path, files: Any, runner: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        make_contract(tmp_path, files=files, runner=runner).weights((".onnx",))


class Tensor:
    """As much of a torch tensor as the runner touches."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def to(self, _device: Any) -> Tensor:
        return self

    def detach(self) -> Tensor:
        return self

    cpu = detach

    def numpy(self) -> Any:
        return self.array


class Found(NamedTuple):
    boxes: Any
    scores: Any


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (lambda a, b: a, [1]),
        (lambda a, b: (a, [b, None], 3), [1, 2, 3]),
        (lambda a, b: {"out": a, "aux": b, "count": 3}, {"out": 1, "aux": 2, "count": 3}),
        (lambda a, b: {"out": [a, b], "aux": {"low": 3}}, {"out.0": 1, "out.1": 2, "aux.low": 3}),
        (Found, {"boxes": 1, "scores": 2}),
        (lambda a, b: ({}, [Found(a, b)]), {"boxes": 1, "scores": 2}),
        (lambda a, b: [{"out": a}, {"out": b}], [1, 2]),
        (lambda a, b: {"out": None}, []),
    ],
)
def test_torchscript_results_have_the_models_names_or_their_order(result: Any, expected: Any) -> None:
    got = torchscript_model.results_of(result(Tensor(np.array(1)), Tensor(np.array(2))))
    assert (got or []) == expected


def test_torchscript_runs_without_gradients_in_eval_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Module:
        def eval(self) -> None:
            seen.append("eval")

        def parameters(self) -> list[Any]:
            return []

        def __call__(self, tensor: Tensor) -> Tensor:
            seen.append("call")
            return Tensor(by_brightness(tensor.array))

    class NoGrad:
        def __enter__(self) -> None:
            seen.append("no_grad")

        def __exit__(self, *_: object) -> None:
            seen.append("grad")

    def load(path: str, map_location: str) -> Module:
        seen.append(f"{Path(path).name} on {map_location}")
        return Module()

    fake = SimpleNamespace(
        device=str, jit=SimpleNamespace(load=load), no_grad=NoGrad, from_numpy=Tensor,
        cuda=SimpleNamespace(is_available=lambda: True),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch", fake)
    scene(tmp_path / "in.tif")
    contract = make_contract(tmp_path, files={"model/net.pt": b"x"}, outputs=SEGMENTATION)
    assert array_runner.run_arrays(contract, "torchscript", [tmp_path / "in.tif"], tmp_path / "out") == "cpu"
    assert seen == ["net.pt on cpu", "eval", "no_grad", "call", "grad"]
    assert (tmp_path / "out" / "in.tif").is_file()
    assert torchscript_model.load_torchscript(contract, gpu=True).device == "gpu"
    fake.cuda.is_available = bool
    assert torchscript_model.load_torchscript(contract, gpu=True).device == "cpu"


class Module:
    """As much of a TorchScript module as the runner touches: a `forward` whose code says what it takes."""

    def __init__(self, answer: Any, *arguments: tuple[str, str, bool], reals: tuple[str, ...] = ("float32",)) -> None:
        schema = [SimpleNamespace(name=n, type=t, has_default_value=lambda d=d: d) for n, t, d in arguments]
        self.forward = SimpleNamespace(schema=SimpleNamespace(arguments=[SimpleNamespace(name="self"), *schema]))
        self.answer = answer
        self.reals = reals
        self.fed: Any = None

    def eval(self) -> None:
        pass

    def parameters(self) -> list[Any]:
        return [SimpleNamespace(dtype=f"torch.{name}") for name in self.reals]

    def __call__(self, *given: Any, **named: Any) -> Any:
        values = [value.array if isinstance(value, Tensor) else value for value in (*given, *named.values())]
        self.fed = dict(zip(named, values, strict=True)) if named else values[0]
        return self.answer(*values)


def run_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Module, name: str = "in.npz", **sections: Any
) -> Path:
    torch = SimpleNamespace(
        device=str, jit=SimpleNamespace(load=lambda *_, **__: module), no_grad=nullcontext, from_numpy=Tensor,
        cuda=SimpleNamespace(is_available=bool),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch", torch)
    contract = make_contract(tmp_path, files={"model/net.pt": b"x"}, **sections)
    array_runner.run_arrays(contract, "torchscript", [tmp_path / name], tmp_path / "out")
    return tmp_path / "out"


SOUND = [("x", "Tensor", False), ("sr", "int", False)]
MASKED = [("x", "Tensor", False), ("mask", "Optional[Tensor]", True), ("scale", "float", True)]


def test_torchscript_of_several_inputs_is_fed_by_the_names_in_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "in.npz", sr=np.array([16000]), x=np.ones((3, 8)), unused=0)
    module = Module(lambda x, sr: Tensor(x * sr), *SOUND)
    out = run_module(tmp_path, monkeypatch, module, sample={**SHOWN, "form": ".npy"})
    assert type(module.fed["sr"]) is int and module.fed["x"].dtype == np.float32
    assert np.load(out / "in.npy").tolist() == np.full((3, 8), 16000).tolist()


@pytest.mark.parametrize(
    ("arrays", "fed"),
    [
        ({"x": 1, "mask": 2, "scale": 3}, ["x", "mask", "scale"]),
        ({"x": 1, "scale": 3}, ["x", "scale"]),
        ({"a": 1.0}, None),
    ],
)
def test_what_a_model_can_do_without_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrays: Any, fed: list[str] | None
) -> None:
    np.savez(tmp_path / "in.npz", **arrays)
    module = Module(lambda *given: Tensor(np.ones((1, 3))), *MASKED)
    run_module(tmp_path, monkeypatch, module)
    assert (list(module.fed) if isinstance(module.fed, dict) else None) == fed


@pytest.mark.parametrize(
    ("kind", "reals", "taken"),
    [
        ("float64", ("float32",), "float32"),
        ("float32", ("float64",), "float64"),
        ("float64", ("float32", "float64"), "float64"),
        ("float64", ("bfloat16",), "float64"),
        ("uint8", ("float32",), "uint8"),
        ("bool", (), "bool"),
        ("uint16", (), "int32"),
        ("uint32", (), "int64"),
    ],
)
def test_real_numbers_of_several_inputs_have_the_models_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, reals: tuple[str, ...], taken: str
) -> None:
    np.savez(tmp_path / "in.npz", sr=7, x=np.ones((1, 3), kind))
    module = Module(lambda x, sr: Tensor(x), *SOUND, reals=reals)
    run_module(tmp_path, monkeypatch, module)
    assert module.fed["x"].dtype == taken


def test_a_picture_has_the_type_of_the_models_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene(tmp_path / "in.tif")
    module = Module(lambda x: Tensor(x), ("x", "Tensor", False), reals=("float64",))
    run_module(tmp_path, monkeypatch, module, "in.tif")
    assert module.fed.dtype == np.float64


def test_a_model_that_names_its_results_is_written_by_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene(tmp_path / "in.tif")
    module = Module(lambda x: {"out": Tensor(x), "count": 3}, ("x", "Tensor", False))
    out = run_module(tmp_path, monkeypatch, module, "in.tif", sample={**SHOWN, "form": ".npz"})
    with np.load(out / "in.npz") as written:
        assert written["out"].shape == (2, 4, 6) and written["count"] == 3


@pytest.mark.parametrize(
    ("inputs", "arrays", "message", "status"),
    [
        (SOUND, {"x": 1}, "has no array sr; the model takes x, sr, the file holds x", 66),
        (MASKED, {"y": 1, "mask": 1}, r"takes x, mask \(optional\), scale \(optional\), the file holds y, mask", 66),
        (SOUND, {"x": 1, "sr": [1, 2]}, "takes sr: int: one number, and not an array of 2", 66),
        ([("images", "List[Tensor]", False), ("n", "int", True)], {"images": 1},
         r"takes images: List\[Tensor\], n: int \(optional\), of which no array can be the images", 70),
    ],
)  # fmt: skip
def test_what_does_not_feed_torchscript_is_told_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: Any, arrays: Any, message: str, status: int
) -> None:
    np.savez(tmp_path / "in.npz", **arrays)
    with pytest.raises(HarnessError, match=message) as caught:
        run_module(tmp_path, monkeypatch, Module(None, *inputs))
    assert caught.value.status == status


SERIES_AXES = ["batch", "time", "channel"]


@pytest.mark.parametrize(
    ("given", "inputs", "taken"),
    [
        (np.ones((3, 5, 2), np.float32), {"axes": SERIES_AXES}, ("float32", (3, 5, 2))),
        (np.ones((5, 2)), {"axes": SERIES_AXES, "tensor_dtype": "float64"}, ("float32", (1, 5, 2))),
        (np.ones((9, 4), np.uint8), {"axes": ["batch", "bands"]}, ("float32", (9, 4))),
        (np.ones((1, 4)), {"axes": ["batch", "bands"]}, ("float32", (1, 4))),
        (np.ones(8), {"axes": ["samples"]}, ("float32", (8,))),
        (np.ones((1, 2, 3, 4, 6)), {"axes": ["batch", "time", "bands", "y", "x"]}, ("float32", (1, 2, 3, 4, 6))),
        (np.ones((2, 7), np.int32), {"axes": ["batch", "tokens"], "tensor_dtype": "int64"}, ("int64", (2, 7))),
        (np.ones((2, 7), np.int64), {"axes": ["batch", "tokens"], "tensor_dtype": "int32"}, ("int32", (2, 7))),
        (np.ones((2, 3, 7), np.int64), {"axes": ["batch", "texts", "tokens"]}, ("int64", (2, 3, 7))),
        (np.ones((2, 7), np.int64), {}, ("int64", (2, 7))),
        (np.ones(7, np.int64), {}, ("int64", (1, 7))),
        (np.ones((2, 7), np.int64), {"mean": [1.0]}, ("float32", (1, 1, 2, 7))),
        (np.ones((2, 7), np.int64), {"channels": 1}, ("float32", (1, 1, 2, 7))),
        (np.ones((3, 4, 6), np.int64), {}, ("float32", (1, 3, 4, 6))),
        (np.ones((2, 7), np.int32), {}, ("float32", (1, 1, 2, 7))),
    ],
)
def test_torchscript_is_given_the_axes_and_type_that_the_item_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any, inputs: Any, taken: Any
) -> None:
    np.save(tmp_path / "in.npy", given)
    module = Module(Tensor, ("x", "Tensor", False))
    run_module(tmp_path, monkeypatch, module, "in.npy", inputs=inputs)
    assert (module.fed.dtype.name, module.fed.shape) == taken


def test_an_array_of_other_axes_is_told_those_of_the_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "in.npy", np.ones((1, 3, 5, 2)))
    with pytest.raises(HarnessError, match="takes a tensor of batch x time x channel, the input gives 1 x 3 x 5 x 2"):
        run_module(tmp_path, monkeypatch, Module(None), "in.npy", inputs={"axes": SERIES_AXES})


@pytest.mark.parametrize(("axes", "at"), [(SERIES_AXES, 2), (["batch", "bands", "time"], 1)])
def test_the_bands_of_a_series_are_chosen_and_scaled_where_the_item_has_them(
    tmp_path: Path, axes: list[str], at: int
) -> None:
    series = np.moveaxis(np.arange(12, dtype=np.float32).reshape(2, 3, 2), 2, at)
    np.save(tmp_path / "in.npy", series)
    session = Session(lambda tensor: tensor, ("data", "tensor(float)", ["N", None, None]))
    inputs = {"axes": axes, "selected_bands": [1, 0], "mean": [1.0, 0.0]}
    run(tmp_path, session, "in.npy", inputs=inputs)
    expected = np.arange(12).reshape(2, 3, 2)[..., ::-1] - [1, 0]
    assert np.moveaxis(session.fed["data"], at, 2).tolist() == expected.tolist()
