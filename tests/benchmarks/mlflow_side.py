"""The same model through ``mlflow models build-docker``: cold, unchanged, and with other weights."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import engine, supplies
from tests.benchmarks.archive import WEIGHTS, Members, other_weights
from tests.benchmarks.figures import Figures, seconds, size
from tests.benchmarks.measuring import Command, Spent, spend, spend_within
from tests.benchmarks.place import Bench
from tests.stack.layout import read_json, write_json
from tests.stack.shell import StackError, run, step

MLFLOW = "3.17.2"
PINS = (f"mlflow=={MLFLOW}", "numpy==1.26.4", "onnx==1.17.0", "onnxruntime==1.20.1", "rasterio==1.4.3")
"""The example's own pins, plus what MLflow's ONNX flavour cannot do without."""
SERVER = (f"mlflow=={MLFLOW}", "gunicorn[gevent]")
"""What MLflow's Dockerfile installs by itself."""
DEBIAN = ("nginx",)
COLD_BUDGET_S, WEIGHTS_BUDGET_S = 100, 130
"""No further repetition once this much was spent: the whole table is to take a quarter of an hour."""
_CHECK = (
    "import mlflow, numpy; model = mlflow.pyfunc.load_model('/opt/ml/model'); "
    "made = model.predict(numpy.zeros((1, 4, 128, 128), 'float32')); "
    "assert [a.shape for a in made.values()] == [(1, 5, 128, 128)], made"
)


def help_text(bench: Bench) -> Figures:
    _ensure_program(bench)
    return {"mlflow-help": seconds([spend(_command(bench, "help", "--help")) for _ in range(bench.repeat)])}


def cold(bench: Bench) -> Figures:
    """From an empty engine; what it downloads lies on this machine. Then the image is asked for a prediction."""
    with _ready(bench):
        spent = spend_within(functools.partial(_cold, bench), bench.repeat, COLD_BUDGET_S)
    with step("does MLflow's image predict"):
        bench.docker("run", "--rm", "--network", "none", "--entrypoint", "python", engine.MLFLOW, "-c", _CHECK)
    return {"mlflow-cold": seconds(spent), "mlflow-size": size(engine.unpacked_size(bench, engine.MLFLOW))}


def _cold(bench: Bench) -> Spent:
    engine.make_cold(bench)
    with step("MLflow, cold"):
        return _build(bench)


def again(bench: Bench) -> Figures:
    """The same command once more, with nothing changed."""
    with _built(bench):
        return {"mlflow-noop": seconds([_build(bench) for _ in range(bench.repeat)])}


def weights(bench: Bench) -> Figures:
    """The same command after some trained number became another; everything before the model comes from cache."""
    with _built(bench):
        return {"mlflow-weights": seconds(spend_within(lambda: _other_weights(bench), bench.repeat, WEIGHTS_BUDGET_S))}


def _other_weights(bench: Bench) -> Spent:
    path = _tensors(bench)
    path.write_bytes(other_weights(path.read_bytes()))
    with step("MLflow, other weights"):
        return _build(bench)


# --- preparing ---------------------------------------------------------------------------------------------------


@contextmanager
def _ready(bench: Bench) -> Iterator[None]:
    """MLflow installed, the model saved, and all that its build downloads served from this machine."""
    _ensure_program(bench)
    _ensure_model(bench)
    supplies.stock(bench, _bin(bench, "pip"), [SERVER, [*PINS, *_build_tools(bench)]], DEBIAN)
    with supplies.served(bench):
        yield


@contextmanager
def _built(bench: Bench) -> Iterator[None]:
    with _ready(bench):
        with step("MLflow, unmeasured: image into the engine"):
            _build(bench)
        yield


def _bin(bench: Bench, name: str) -> Path:
    return bench.path("mlflow", "bin", name)


def _ensure_program(bench: Bench) -> None:
    note = bench.path("mlflow.json")
    if read_json(note) == {"version": MLFLOW}:
        return
    with step(f"installing MLflow {MLFLOW} in a virtual environment of its own"):
        run([sys.executable, "-m", "venv", "--clear", bench.path("mlflow")], hint="install python3-venv")
        wanted = [f"mlflow=={MLFLOW}", "onnx", "onnxruntime"]
        run([_bin(bench, "pip"), "install", "--quiet", *wanted], hint="check the machine's pip configuration")
    write_json(note, {"version": MLFLOW})


def _ensure_model(bench: Bench) -> None:
    """The example's ONNX file as MLflow saves it. Saved once: each saving has another id and is a change by itself."""
    note, asked = bench.path("model.json"), {"pins": list(PINS), "python": supplies.PYTHON}
    if read_json(note) == asked:
        return
    source, target = bench.path(WEIGHTS), bench.fresh("model")
    source.write_bytes(Members().content[WEIGHTS])
    script = Path(__file__).with_name("mlflow_model.py")
    with step("saving the model as an MLflow model"):
        run([_bin(bench, "python"), script, source, target, supplies.PYTHON, *PINS], env=_quiet(), timeout_s=120)
    write_json(note, asked)


def _build_tools(bench: Bench) -> list[str]:
    """pip, setuptools and wheel in the versions MLflow wants in the image."""
    text = bench.path("model", "python_env.yaml").read_text()
    found = re.search(r"^build_dependencies:\n((?:- .+\n)+)", text, re.MULTILINE)
    if not found:
        raise StackError("python_env.yaml of the MLflow model names no build dependencies", "has MLflow changed?")
    return [line.removeprefix("- ") for line in found[1].splitlines()]


def _tensors(bench: Bench) -> Path:
    """MLflow keeps the numbers of an ONNX model in a file beside it."""
    return max(bench.path("model").iterdir(), key=lambda path: path.stat().st_size)


def _build(bench: Bench) -> Spent:
    words = ["models", "build-docker", "--model-uri", str(bench.path("model")), "--name", engine.MLFLOW]
    return spend(_command(bench, "build", *words, "--env-manager", "local"))


def _command(bench: Bench, name: str, *words: str) -> Command:
    made = bench.command(f"mlflow-{name}", [_bin(bench, "mlflow"), *words])
    return Command(made.argv, {**made.env, **_quiet()}, made.cwd, made.log)


def _quiet() -> dict[str, str]:
    """MLflow reports its use to its makers unless told not to; that would be measured, too."""
    return {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
