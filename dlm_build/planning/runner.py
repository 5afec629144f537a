"""How the container will turn an input into outputs: the item's command, its handler, or its weights alone."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from dlm_build.errors import shown
from dlm_build.findings.completeness import TorchscriptAssumed
from dlm_build.findings.planning import BuiltInHandler
from dlm_build.members import find_member, model_table, normalised
from dlm_build.own_runners import runner_by_suffix
from dlm_build.planning.command import parse_command
from dlm_build.planning.decided import Decided, decided, invalid, noticed
from dlm_build.planning.members import near_names
from dlm_build.records import Item, Materials, Member, ModelFormat, Runner
from dlm_build.weight_files import PERHAPS_TORCHSCRIPT
from dlm_build.words import words_of

DEFAULT_WORKING_DIR = "/workspace"
_WORKING_DIR = re.compile(r"/[A-Za-z0-9._/-]{0,200}")
_TAKEN = frozenset({
    "bin", "boot", "dev", "dlm", "etc", "lib", "lib32", "lib64", "opt", "proc", "run", "sbin", "sys", "tmp", "usr",
    "var",
})  # fmt: skip
"""Top folders that hold the system, the environment or the mounts of a run; for what is in them see _is_apps_own."""
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_BUILT_IN = frozenset({
    "image_classifier", "image_segmenter", "object_detector", "text_classifier", "text_to_speech_synthesizer",
})  # fmt: skip
"""Handlers that TorchServe carries itself, so no archive does."""
_FORMATS: dict[ModelFormat, str] = {
    "onnx": "is ONNX", "torchscript": "is TorchScript", "exported": "is an exported program (torch.export)",
    "torch-pickle": "torch.save wrote: it needs the code of its classes, or is numbers without a network",
    "keras": "is a Keras model", "hdf5": "is HDF5, as Keras writes", "tflite": "is TensorFlow Lite",
    "safetensors": "is safetensors: numbers without a network",
}  # fmt: skip
_RUN_BY: dict[ModelFormat, str] = {"onnx": "onnxruntime", "torchscript": "pytorch"}


def decide_runner(
    item: Item, materials: Materials, weights: Member | None, framework: str, allow_shell: bool
) -> Decided[Runner]:
    """Raises ItemInvalid where nothing says how to run the model, or what says so is not there."""
    folder = working_dir(item)
    path = weights.path if weights else None
    if run := item.runtime.docker.run:
        argv, shell = parse_command(run, allow_shell, item.pointers.run)
        runner = Runner(kind="command", argv=argv, shell=shell, weights=path, working_dir=folder)
        reason = "the item's command, as one line for a shell (--allow-shell)" if shell else "the item's command"
        return decided("runner", runner, "command: " + shown(" ".join(argv)), reason, item.pointers.run)
    named, pointer = _declared_handler(item, materials)
    if is_own_handler(named):
        handler = read_handler(named, materials, pointer)
        runner = Runner(kind="handler", handler=handler, weights=path, working_dir=folder)
        return decided("runner", runner, f"handler {handler}", "the declared handler", pointer)
    outcome = _by_weights(item, weights, framework, folder)
    if not named:
        return outcome
    return noticed(outcome, BuiltInHandler.at(pointer, found=named))


def _by_weights(item: Item, weights: Member | None, framework: str, folder: str) -> Decided[Runner]:
    if weights is None:
        message = "nothing says how to run the model, and no member is known to be its weights"
        raise invalid(item.pointers.archive, message, words_of(item).runs)
    suffix = PurePosixPath(weights.path).suffix.lower()
    form = _form_of(weights)
    if form == "onnx":
        runner = Runner(kind="onnx", weights=weights.path, working_dir=folder)
        reason = "no command and no handler; the weights are ONNX"
        return decided("runner", runner, f"onnx: {shown(weights.path)}", reason + _seen(weights))
    assumed = form is None and suffix in PERHAPS_TORCHSCRIPT
    if framework == "pytorch" and (form == "torchscript" or assumed):
        runner = Runner(kind="torchscript", weights=weights.path, working_dir=folder)
        are = "are taken for" if assumed else "are"
        reason = f"no command and no handler; the weights {are} TorchScript, which carries its code"
        outcome = decided("runner", runner, f"torchscript: {shown(weights.path)}", reason + _seen(weights))
        words = words_of(item)
        wanted = {"handler": words.handler, "source": words.source}
        note = TorchscriptAssumed.at(item.pointers.handler, found=weights.path, **wanted)
        return noticed(outcome, note if assumed else None)
    what = f", which {_FORMATS[form]}" if form else ""
    raise invalid(item.pointers.handler, f"nothing says how to run {shown(weights.path)}{what}", words_of(item).runs)


def _form_of(weights: Member) -> ModelFormat | None:
    """By their bytes, else by a name that nothing else has."""
    return weights.format or runner_by_suffix(PurePosixPath(weights.path).suffix.lower())


def framework_alone(item: Item, materials: Materials, weights: Member | None) -> str | None:
    """What runs weights by themselves, where no command and no handler runs them; None for others.

    Their bytes decide, and not what the item calls its framework: that may be what they were trained with.
    """
    named, _ = _declared_handler(item, materials)
    if weights is None or item.runtime.docker.run or is_own_handler(named):
        return None
    form = _form_of(weights)
    return _RUN_BY.get(form) if form else None


def is_own_handler(named: str) -> bool:
    """Whether a handler is named, and it is code of the author's."""
    return bool(named) and named not in _BUILT_IN


def _seen(weights: Member) -> str:
    return ", as their bytes tell" if weights.format else ""


def _declared_handler(item: Item, materials: Materials) -> tuple[str, str]:
    if item.runtime.handler:
        return item.runtime.handler.strip(), item.pointers.handler
    named = model_table(materials.manifest).get("handler")
    return (named.strip(), "MAR-INF/MANIFEST.json") if isinstance(named, str) else ("", item.pointers.handler)


def read_handler(named: str, materials: Materials, pointer: str) -> str:
    """`file.py`, `file.py:name`, `package.module:name` or a dotted name, the file one of the archive.

    Raises ItemInvalid. Whether a module or a name is really there shows only inside the container.
    """
    place, attribute = parted_handler(named, pointer)
    if place.endswith(".py"):
        return _handler_file(place, attribute, materials, pointer)
    beside = find_member(materials.archive.members, place.replace(".", "/") + ".py")
    if beside is not None and beside.path == place.replace(".", "/") + ".py":
        return f"{beside.path}:{attribute}" if attribute else beside.path
    return f"{place}:{attribute}" if attribute else place


def parted_handler(named: str, pointer: str) -> tuple[str, str]:
    """The file or module, and what to call in it. Raises ItemInvalid where it is no name of Python."""
    place, colon, attribute = named.partition(":")
    if colon and not _is_dotted(attribute):
        raise invalid(pointer, f"{shown(named)} does not name a Python object", "write file.py:Name or module:name")
    if not (place.endswith(".py") or _is_dotted(place)):
        raise invalid(pointer, f"{shown(named)} is not a handler", "write file.py, file.py:Name or module:name")
    return place, attribute


def _is_dotted(name: str) -> bool:
    return len(name) <= 200 and _DOTTED.fullmatch(name) is not None


def _handler_file(place: str, attribute: str, materials: Materials, pointer: str) -> str:
    member = find_member(materials.archive.members, place)
    if member is not None:
        path = member.path
    elif materials.source and any(m.path == normalised(place) for m in materials.source.members):
        path = normalised(place)
    else:
        message = f"the handler {shown(place)} is not in the archive"
        raise invalid(pointer, message, near_names(materials.archive, place))
    return f"{path}:{attribute}" if attribute else path


def working_dir(item: Item) -> str:
    """Where the model expects to run. Raises ItemInvalid for a folder that a container cannot give away."""
    declared = item.runtime.docker.working_dir
    if declared is None or not declared.strip():
        return DEFAULT_WORKING_DIR
    hint = f"write an absolute folder of letters, digits and ._-/ such as {DEFAULT_WORKING_DIR}"
    if not _WORKING_DIR.fullmatch(declared):
        raise invalid(item.pointers.working_dir, f"{shown(declared)} is not an absolute folder", hint)
    parts = [part for part in declared.split("/") if part not in ("", ".")]
    if ".." in parts or not parts or (parts[0] in _TAKEN and not _is_apps_own(parts)):
        raise invalid(item.pointers.working_dir, f"{shown(declared)} belongs to the container itself", hint)
    return "/" + "/".join(parts)


def _is_apps_own(parts: list[str]) -> bool:
    """`/opt/NAME` and `/usr/src/NAME`, where images usually keep an application; `/opt/dlm` is dlm-build's."""
    return (parts[0] == "opt" and len(parts) > 1 and parts[1] != "dlm") or (
        parts[:2] == ["usr", "src"] and len(parts) > 2
    )
