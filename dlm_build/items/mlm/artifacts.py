"""What kind of file a model is, by what the item says of it, and the framework that follows from it. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from dlm_build.records import Record
from dlm_build.weight_files import BY_SUFFIX, ArtifactKind, Named, suffix_of

_BY_NAME = "the suffix "
_UNKNOWN = Named("", "other", None, None)
_BY_TYPE_FIELD = "mlm:artifact_type "
NEED_CODE: frozenset[ArtifactKind] = frozenset(("keras-weights", "safetensors", "pickled"))
"""Kinds of files that are no program: code of their publisher's loads them."""


class Artifact(Record, frozen=True, kw_only=True):
    """One model file as described."""

    kind: ArtifactKind
    evidence: str
    """The words it was told by, e.g. `mlm:artifact_type torch.save`."""
    framework: str | None = None
    """The framework that runs it, as far as they tell."""
    against: str = ""
    """The words that say another kind than the name of the file, where there are any: they are not believed."""

    @property
    def alone(self) -> bool:
        """Whether it runs without any code of its publisher."""
        return self.kind in ("onnx", "torchscript")

    @property
    def declared(self) -> ArtifactKind | None:
        """What words say that it is; None where only its name does."""
        return None if self.evidence.startswith(_BY_NAME) else self.kind

    @property
    def has_handler(self) -> bool:
        """Whether it is an archive as TorchServe takes it, which holds what runs it."""
        return self.kind == "archive" and re.search(r"\bmar\b|model-archiver", self.evidence) is not None

    @property
    def framework_is_said(self) -> bool:
        """Whether its publisher's words tell the framework. What joblib writes may be of any that is no network."""
        return self.framework is not None and self.declared is not None and "joblib" not in self.evidence.lower()


_TITLES: dict[ArtifactKind, str] = {
    "archive": "an archive",
    "onnx": "ONNX",
    "torchscript": "TorchScript",
    "exported": "an exported program (torch.export)",
    "keras": "a TensorFlow or Keras model",
    "keras-weights": "weights of TensorFlow or Keras without their network",
    "safetensors": "safetensors",
    "pickled": "a pickled object",
    "other": "of no known format",
}
_BY_TYPE: tuple[tuple[str, ArtifactKind], ...] = (
    (r"model-archiver|\bmar\b", "archive"),
    (r"onnx", "onnx"),
    (r"torch\.jit|torchscript|\bjit\b", "torchscript"),
    (r"torch\.export|\baoti?\b|\bpt2\b", "exported"),
    (r"safetensor", "safetensors"),
    (r"save_?weights|weights\.h5|\btf\.train|train\.checkpoint\b", "keras-weights"),
    (r"keras|\btf\.|tensorflow|saved_?model", "keras"),
    (r"torch|pickle|joblib|state_?dict|lightning|checkpoint", "pickled"),
)
"""Of `mlm:artifact_type`, in any spelling; the first that fits."""
_LOADED_BY = {
    "scikit-learn": frozenset((".joblib", ".pkl", ".pickle")),
    "XGBoost": frozenset((".ubj", ".json", ".model")),
    "LightGBM": frozenset((".txt", ".model")),
    "TensorFlow": frozenset((".pb",)),
    "Paddle": frozenset((".pdmodel",)),
}
"""Files that are whole models of that framework, and may be anything for another."""
_FRAMEWORKS = (
    (r"onnx", "onnxruntime"),
    (r"torch|pytorch|lightning", "PyTorch"),
    (r"keras|tensorflow|\btf\.|saved_?model", "TensorFlow"),
    (r"mxnet|gluon", "MXNet"),
    (r"catboost|\.cbm\b", "CatBoost"),
    (r"xgboost|\bxgb(?:classifier|regressor)\b", "XGBoost"),
    (r"lightgbm|\blgbm", "LightGBM"),
    (
        r"scikit[-_ ]?learn|sklearn|joblib|\b(?:randomforest|extratrees?|(?:hist)?gradientboosting|decisiontree"
        r"|adaboost|kneighbors|mlp)(?:classifier|regressor)\b",
        "scikit-learn",
    ),
    (r"\bflax\b|\bjax\b", "JAX"),
    (r"paddle", "Paddle"),
)
_PACKAGES = {
    "torch": "PyTorch", "torchvision": "PyTorch", "torchgeo": "PyTorch", "segmentation_models_pytorch": "PyTorch",
    "timm": "PyTorch", "lightning": "PyTorch", "pytorch_lightning": "PyTorch", "ultralytics": "PyTorch",
    "terratorch": "PyTorch", "detectron2": "PyTorch", "mmseg": "PyTorch", "mmdet": "PyTorch", "monai": "PyTorch",
    "tensorflow": "TensorFlow", "keras": "TensorFlow", "tf": "TensorFlow", "segmentation_models": "TensorFlow",
    "mxnet": "MXNet", "gluoncv": "MXNet", "onnxruntime": "onnxruntime", "onnx": "onnxruntime",
    "sklearn": "scikit-learn", "jax": "JAX", "flax": "JAX", "paddle": "Paddle",
}  # fmt: skip
"""The framework that a Python package stands on."""
_FRAMEWORK_NAMES = frozenset((
    "torch", "tensorflow", "keras", "tf", "mxnet", "onnxruntime", "onnx", "sklearn", "jax", "flax", "paddle",
))  # fmt: skip
"""Packages whose names are those of frameworks."""


def title_of(artifact: Artifact) -> str:
    title = _TITLES[artifact.kind]
    if artifact.kind != "pickled":
        return title
    by = artifact.evidence.removeprefix(_BY_TYPE_FIELD) if artifact.evidence.startswith(_BY_TYPE_FIELD) else ""
    by = by or ("torch.save" if artifact.framework == "PyTorch" else "")
    return f"{title} ({by})" if by else title


def read_artifact(href: str, media_type: str | None, artifact_type: str | None) -> Artifact:
    """By `mlm:artifact_type`, else by the parameters of the media type, else by the name of the file."""
    suffix = suffix_of(href)
    if suffix in (".mar", ".zip"):  # what is packed is unpacked first, whatever it holds
        return Artifact(kind="archive", evidence=_BY_NAME + suffix, framework=framework_in(artifact_type or ""))
    parameters = (media_type or "").partition(";")[2]
    words = (
        (f"{_BY_TYPE_FIELD}{artifact_type}", artifact_type or ""),
        (f"the media type's {parameters.strip()}", parameters),
    )
    named, against = BY_SUFFIX.get(suffix, _UNKNOWN), ""
    for evidence, word in words:
        if kind := kind_in(word):
            if kind == named.kind or not named.sure:
                return Artifact(kind=kind, evidence=evidence, framework=framework_in(word))
            against = against or evidence
    return Artifact(kind=named.kind, evidence=_BY_NAME + suffix, framework=named.framework, against=against)


def loads_alone(framework: str | None, suffix: str, declared: str | None = None) -> bool:
    """Whether that framework loads such a file without any code of its publisher; a SavedModel is a whole folder."""
    for name in frameworks_in(framework or ""):
        if suffix in _LOADED_BY.get(name, ()) or (name == "TensorFlow" and declared == "keras" and not suffix):
            return True
    return False


def framework_in(text: str) -> str | None:
    """The framework that some words speak of; of several, the first in the order of the table."""
    return next(iter(frameworks_in(text)), None) if text else None


_OF_R = re.compile(r"R(?:[\s(/:].*)?|.*\b(?:for|in) R", re.DOTALL)


@lru_cache(maxsize=256)
def frameworks_in(text: str) -> tuple[str, ...]:
    """Every framework that some words speak of. R has packages of the same names, whose files are R's alone."""
    if _OF_R.fullmatch(text.strip()):
        return ("R",)
    return tuple([name for pattern, name in _FRAMEWORKS if re.search(pattern, text.lower())])


def mlm_name(framework: str) -> str:
    """As MLM recommends to write it."""
    return "ONNX" if framework == "onnxruntime" else framework


@lru_cache(maxsize=256)
def kind_in(text: str) -> ArtifactKind | None:
    """The kind of file that some words, of an artifact type or of a media type, speak of."""
    return next((kind for pattern, kind in _BY_TYPE if re.search(pattern, text.lower())), None) if text else None


def counts_for_itself(package: str) -> bool:
    """Whether the versions of a package that stands on a framework are not the framework's."""
    return package.lower() not in _FRAMEWORK_NAMES


def framework_of_module(text: str) -> tuple[str, str] | None:
    """Framework and package, where `text` is a package known to stand on one, or a dotted module path in it."""
    package, dot, rest = text.strip().replace("-", "_").partition(".")
    if (dot and not re.fullmatch(r"[A-Za-z_][\w.]*", rest)) or (not dot and package.lower() in _FRAMEWORK_NAMES):
        return None
    framework = _PACKAGES.get(package.lower())
    return (framework, package) if framework else None
