# mypy: allow-untyped-calls
"""Step 4: the trained network as ONNX and as TorchScript, both without traces of the machine that wrote them."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from make_sample import load_network
from network import UNet
from recipe import BUILD, INPUT_NAME, OUTPUT_NAME
from scenes import SIZE

OPSET = 17


def export_onnx(model: UNet, path: Path) -> None:
    """Opset 17 (onnxruntime 1.20 reads up to 21); batch, height and width stay open.

    The older exporter is used on purpose: it needs no further package and folds batch normalisation away.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (torch.zeros(1, 4, SIZE, SIZE),),
            str(path),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_axes={n: {0: "batch", 2: "height", 3: "width"} for n in (INPUT_NAME, OUTPUT_NAME)},
            opset_version=OPSET,
            dynamo=False,
        )


def export_torchscript(model: UNet, path: Path) -> None:
    """Traced: every layer takes any size, so nothing of the example input is kept. (Scripting would write attributes in
    an order that changes with Python's hash seed.) Debug records are left out: they name source files by absolute path.
    """
    full = path.with_suffix(".full.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(model, torch.zeros(1, 4, SIZE, SIZE)).save(str(full))
    reader = torch._C.PyTorchFileReader(str(full))
    writer = torch._C.PyTorchFileWriter(str(path))
    for name in reader.get_all_records():
        if not name.endswith(".debug_pkl") and name not in {"version", ".data/serialization_id", "byteorder"}:
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_end_of_file()
    full.unlink()


def main() -> None:
    model = load_network()
    export_onnx(model, BUILD / "model.onnx")
    export_torchscript(model, BUILD / "model.pt")
    for name in ("model.onnx", "model.pt"):
        print(f"{name}: {(BUILD / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
