"""Handlers in every style the servers know, each a few lines of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dlm_build.harness.contract import Contract, HarnessError
from dlm_build.harness.handler_runner import run_handler
from dlm_build.harness.serving import Context, manifest_of, request_of
from tests.unit.harness.folders import make_contract


def run(
    root: Path, code: str, declared: str = "tiny.py", content: bytes = b"seven", **sections: Any
) -> dict[str, bytes]:
    """The files that a handler of this code leaves when it is given `content`."""
    contract = make_contract(root, files={"model/tiny.py": code}, runner={"handler": declared}, **sections)
    return run_on(contract, root, content)


def run_on(contract: Contract, root: Path, content: bytes = b"seven") -> dict[str, bytes]:
    (root / "scene.dat").write_bytes(content)
    run_handler(contract, [root / "scene.dat"], root / "out")
    return {path.name: path.read_bytes() for path in sorted((root / "out").iterdir())}


SERVER_CLASS = """
class Tiny:
    def initialize(self, context):
        self.folder = context.system_properties["model_dir"]
    def preprocess(self, data):
        return len(data[0]["body"])
    def inference(self, data):
        return data * 2
    def postprocess(self, data):
        return [{"length": data, "folder": self.folder.rsplit("/", 1)[-1]}]
"""


def test_a_class_of_three_hooks(tmp_path: Path) -> None:
    files = run(tmp_path, SERVER_CLASS)
    assert json.loads(files["scene.json"]) == {"length": 10, "folder": "model"}


def test_a_class_with_handle_is_asked_for_it(tmp_path: Path) -> None:
    code = SERVER_CLASS + "    def handle(self, data, context):\n        return [data[0]['data'][::-1]]\n"
    assert run(tmp_path, code) == {"scene.txt": b"neves"}


def test_module_functions_are_called_as_a_server_calls_them(tmp_path: Path) -> None:
    code = """
calls = []
def handle(data, context):
    calls.append(None if data is None else "data")
    if data is not None:
        return [calls]
"""
    assert json.loads(run(tmp_path, code)["scene.json"]) == [None, "data"]


def test_a_modules_initialize_takes_the_place_of_the_empty_call(tmp_path: Path) -> None:
    code = """
state = {}
def initialize(context):
    state["gpu"] = context.system_properties.get("gpu_id")
def handle(data, context):
    return [dict(state, size=len(data[0]["body"]))]
"""
    assert json.loads(run(tmp_path, code)["scene.json"]) == {"gpu": None, "size": 5}


def test_a_handle_that_cannot_take_the_empty_call_still_runs(tmp_path: Path) -> None:
    assert run(tmp_path, "def handle(data, context):\n    return [data[0]['body']]\n") == {"scene.txt": b"seven"}


@pytest.mark.parametrize("declared", ["tiny.py:answer", "tiny:answer", "tiny.answer"], ids=["file", "module", "dotted"])
def test_every_spelling_of_a_function(tmp_path: Path, declared: str) -> None:
    code = "def answer(path):\n    return {'name': path.rsplit('/', 1)[-1]}\ndef other(path):\n    return 0\n"
    assert json.loads(run(tmp_path, code, declared)["scene.json"]) == {"name": "scene.dat"}


def test_a_function_may_write_its_own_files(tmp_path: Path) -> None:
    code = """
from pathlib import Path
def predict(path, output_dir):
    (Path(output_dir) / "mine.txt").write_text(Path(path).read_text().upper())
"""
    assert run(tmp_path, code) == {"mine.txt": b"SEVEN"}


def test_a_function_that_returns_the_path_it_wrote_adds_nothing(tmp_path: Path) -> None:
    code = """
def predict(path, output_dir):
    with open(output_dir + "/mine.bin", "wb") as out:
        out.write(b"x")
    return output_dir + "/mine.bin"
"""
    assert run(tmp_path, code) == {"mine.bin": b"x"}


def test_files_left_in_the_working_folder_are_collected(tmp_path: Path) -> None:
    code = """
from pathlib import Path
def predict(path):
    Path("left.txt").write_text(Path("tiny.py").read_text()[:5])
"""
    assert run(tmp_path, code) == {"left.txt": b"\nfrom"}


def test_several_results_are_several_files(tmp_path: Path) -> None:
    code = "import numpy\ndef predict(path):\n    return numpy.zeros((2, 2)), {'a': 1}\n"
    assert sorted(run(tmp_path, code)) == ["scene.0.npy", "scene.1.json"]


def test_a_handler_may_import_its_neighbours_and_the_source(tmp_path: Path) -> None:
    files = {
        "model/tiny.py": "import helper\nfrom pack.deep import word\ndef predict(path): return helper.twice(word)\n",
        "model/helper.py": "def twice(x): return x + x\n",
        "source/pack/__init__.py": "",
        "source/pack/deep.py": "word = 'ab'\n",
    }
    assert run_on(make_contract(tmp_path, files=files, runner={"handler": "tiny.py"}), tmp_path) == {
        "scene.txt": b"abab"
    }


def test_the_leaf_of_a_class_tree_is_the_handler(tmp_path: Path) -> None:
    code = """
class Root:
    def handle(self, data, context): return ["root"]
class Leaf(Root):
    def handle(self, data, context): return ["leaf"]
"""
    assert run(tmp_path, code) == {"scene.txt": b"leaf"}


@pytest.mark.parametrize(
    ("code", "declared", "message"),
    [
        ("", "tiny.py", "must define one handler class or a function named handle or predict; classes found: none"),
        (
            "class A:\n    handle = print\nclass B:\n    handle = print\n", "tiny.py", "classes found: A, B",
        ),
        ("x = 1", "tiny.py:x", "tiny has no function or class 'x'"),
        ("", "absent.py", "the handler 'absent.py' is neither in the archive nor in the source"),
        ("", "absent:f", "the handler's module 'absent' is not in the archive, source or environment"),
        ("", "absent.deep.f", "the handler's module 'absent' is not in the archive, source or environment"),
    ],
)  # fmt: skip
def test_a_declaration_that_names_nothing_is_said(tmp_path: Path, code: str, declared: str, message: str) -> None:
    with pytest.raises(HarnessError) as caught:
        run(tmp_path, code, declared)
    assert message in str(caught.value)


def test_what_a_handler_needs_and_lacks_is_its_own_failure(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        run(tmp_path, "import no_such_library\n", "tiny:predict")


BASE_CLASS = """
from ts.torch_handler.base_handler import BaseHandler
class Tiny(BaseHandler):
    def initialize(self, context):
        self.mapping = {"seven": 7}
    def preprocess(self, data):
        return data[0].get("body").decode()
    def inference(self, data):
        return self.mapping[data]
    def postprocess(self, data):
        return [data]
"""


def test_torchserves_base_class_is_offered_where_it_is_missing(tmp_path: Path) -> None:
    assert run(tmp_path, BASE_CLASS) == {"scene.json": b"7\n"}


class Number(int):
    """As much of a tensor as the base class touches."""

    def to(self, _device: str) -> Number:
        return self

    def tolist(self) -> list[int]:
        return [int(self)]


class Doubling:
    """A loaded TorchScript module."""

    def to(self, _device: str) -> None: ...

    def eval(self) -> None: ...

    def __call__(self, number: Number) -> Number:
        return Number(2 * number)


class NoGrad:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class FakeTorch:
    """Loads one TorchScript archive."""

    device = staticmethod(str)
    no_grad = NoGrad
    cuda = SimpleNamespace(is_available=lambda: False)

    def __init__(self) -> None:
        self.jit = SimpleNamespace(load=self.load)
        self.loaded: list[tuple[str, str]] = []

    def load(self, path: str, map_location: str) -> Doubling:
        self.loaded.append((Path(path).name, map_location))
        return Doubling()

    def as_tensor(self, data: Any, device: str) -> Number:
        return Number(len(data[0]["body"]))


def test_the_offered_base_class_loads_and_runs_a_torchscript_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = FakeTorch()
    monkeypatch.setitem(sys.modules, "torch", torch)
    files: dict[str, str | bytes] = {
        "model/tiny.py": "from ts.torch_handler.base_handler import BaseHandler\nclass Tiny(BaseHandler):\n    pass\n",
        "model/net.pt": b"",
    }
    runner = {"handler": "tiny.py", "weights": "net.pt"}
    assert run_on(make_contract(tmp_path, files=files, runner=runner), tmp_path) == {"scene.json": b"10\n"}
    assert torch.loaded == [("net.pt", "cpu")]


def test_the_archives_manifest_is_the_contexts(tmp_path: Path) -> None:
    manifest = {"runtime": "python", "model": {"modelName": "noop", "serializedFile": "w.pt"}}
    contract = make_contract(tmp_path, files={"model/MAR-INF/MANIFEST.json": json.dumps(manifest)})
    context = Context(contract, gpu=True)
    assert context.manifest == manifest
    assert (context.model_name, context.system_properties["gpu_id"]) == ("noop", 0)
    context.metrics.add_time("inference", 3)


def test_without_a_manifest_one_is_made(tmp_path: Path) -> None:
    contract = make_contract(tmp_path, runner={"weights": "w.pt"})
    assert manifest_of(contract) == {"model": {"modelName": "tiny", "serializedFile": "w.pt"}}


def test_a_response_status_of_failure_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="status 500 broken"):
        Context(make_contract(tmp_path), False).set_response_status(500, "broken")


def test_a_json_input_arrives_parsed(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"a": [1]}')
    assert request_of(tmp_path / "in.json")["body"] == {"a": [1]}


def test_arrays_keep_their_type(tmp_path: Path) -> None:
    run(tmp_path, "import numpy\ndef predict(path):\n    return numpy.arange(3, dtype='int16')\n")
    assert np.load(tmp_path / "out" / "scene.npy").dtype == np.int16
