"""What each asset of an MLM or ML-Model item is for, by its roles, else by its key; and which of them is the model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from dlm_build.findings.hrefs import ModelHasNoAddress
from dlm_build.findings.mlm_assets import (
    ArtifactAgainstName,
    ModelRoleOnCode,
    SeveralModels,
    WeightsAreAPage,
    WeightsNeedCode,
)
from dlm_build.hrefs import read_href, without_query
from dlm_build.items.assets import ENVIRONMENT, Placed, assets_in_place, read_roles
from dlm_build.items.display import display_text, phrase
from dlm_build.items.document import described
from dlm_build.items.locations import tell_of_model
from dlm_build.items.mlm.artifacts import NEED_CODE, Artifact, loads_alone, read_artifact, title_of
from dlm_build.items.node import Node
from dlm_build.items.samples import EXPECTED_ROLES, INPUT_ROLES
from dlm_build.model_asset import candidates
from dlm_build.records import Asset, Record
from dlm_build.weight_files import suffix_of

ARCHIVE = frozenset(("model artefact", "model artifact", "model archive", "archive"))
MODEL = frozenset(("model",))
WEIGHTS = frozenset(("weights", "model weights", "model weight", "checkpoint", "compiled"))
CODE = frozenset(("source code", "code", "source"))
RUNTIME = frozenset((
    "container", "docker", "image", "container image", "inference runtime", "runtime", "inference", "inferencing image",
))  # fmt: skip
_EXAMPLE = '"assets": {"model": {"href": "https://…/model.onnx", "roles": ["mlm:model"], "mlm:artifact_type": "onnx"}}'
_PACKAGES = re.compile(r"requirements[\w.-]*\.txt|(?:conda|env|environment)[\w.-]*\.ya?ml", re.IGNORECASE)
_KNOWN = frozenset().union(ARCHIVE, MODEL, WEIGHTS, CODE, RUNTIME, ENVIRONMENT, INPUT_ROLES, EXPECTED_ROLES)
_MAY_BE_MODELS = MODEL | ARCHIVE
_ARE_FILES = WEIGHTS | ARCHIVE
_TRAINS = frozenset(("train", "training"))
_CANONICAL = "model artefact"
"""The role that the archive is chosen by."""
_ORDER = ("onnx", "torchscript", "exported", "keras", "archive", "safetensors", "pickled", "keras-weights", "other")
"""Best first. An archive that TorchServe made is before all: it holds its code."""


class Entry(Record, frozen=True, kw_only=True):
    """An asset with the place it was read from."""

    asset: Asset
    node: Node
    place: Node
    """Of its href."""
    purposes: frozenset[str]
    """Its roles without the prefix of a dialect; its key, where its roles say nothing that is known."""
    href: str
    """As published."""
    trains: bool
    """Whether it is for training the model, not for running it."""

    def has(self, purposes: Iterable[str]) -> bool:
        return not self.purposes.isdisjoint(purposes)

    @property
    def lists_packages(self) -> bool:
        """Whether it is a file of packages by its name, which some give the role of the runtime."""
        plain = without_query(self.href)
        return _PACKAGES.fullmatch(plain.rpartition("/")[2]) is not None


def read_entries(root: Node) -> tuple[Entry, ...]:
    return tuple(map(_entry, assets_in_place(root, _EXAMPLE)))


def having(entries: Iterable[Entry], purposes: frozenset[str]) -> list[Entry]:
    """Those that are for one of these purposes."""
    return [entry for entry in entries if not entry.purposes.isdisjoint(purposes)]


def asset_places(assets: Node) -> dict[str, Node]:
    """Every place that may be an asset, by its pointer."""
    found = [node for _, node in assets.members()]
    for row in assets.rows():
        found += [row, *(node for _, node in row.members())]
    return {node.pointer: node for node in found}


def _entry(placed: Placed) -> Entry:
    asset, place = placed.asset, placed.href
    purposes = _purposes(asset.roles, asset.key)
    return Entry(
        asset=asset,
        node=placed.node,
        place=place,
        purposes=purposes,
        href=place.value.strip() if isinstance(place.value, str) else asset.href,
        trains=not _TRAINS.isdisjoint(" ".join(purposes).split()),
    )


def _purposes(roles: tuple[str, ...], key: str) -> frozenset[str]:
    purposes = frozenset(map(_plain, roles))
    return purposes | {_plain(phrase(key))} if _KNOWN.isdisjoint(purposes) else purposes


def _plain(role: str) -> str:
    return role.removeprefix("ml model:").removeprefix("mlm:").removeprefix("dlm:").strip()


def artifact_of(entry: Entry) -> Artifact:
    declared = display_text(entry.node.get("mlm:artifact_type", "mlm_artifact_type"))
    return read_artifact(entry.href, entry.asset.media_type, declared)


def choose_model(root: Node, entries: tuple[Entry, ...]) -> Entry | None:
    """The asset that is the model; with a reason where others have the role too. What is odd about it is noted."""
    chosen = _chosen(root, entries)
    models = [chosen.asset] if chosen else candidates([entry.asset for entry in entries])
    tell_of_model([(entry.asset, entry.place) for entry in entries], models)
    return chosen


def _chosen(root: Node, entries: tuple[Entry, ...]) -> Entry | None:
    models = [entry for entry in having(entries, _MAY_BE_MODELS) if not _is_code(entry)]
    models = models or [entry for entry in having(entries, WEIGHTS) if not entry.trains]
    if not models:
        _tell_of_lost(root, entries)
        return None
    chosen = models[0]
    if len(models) > 1:
        chosen = min(models, key=_rank)
        keys = ", ".join(entry.asset.key for entry in models)
        reason, role = _reason(chosen, models), _role_of_model(chosen)
        chosen.node.find(SeveralModels, count=len(models), keys=keys, chosen=chosen.asset.key, reason=reason, role=role)
    _check_type(chosen)
    return chosen


def _role_of_model(entry: Entry) -> str:
    """The role by which it is one, as published; that of MLM where its key says so alone."""
    roles = entry.node.at("roles" if entry.node.has("roles") else "role")
    texts = [display_text(row) or "" for row in (roles.rows() or [roles])]
    for purposes in (_MAY_BE_MODELS, WEIGHTS):
        if role := next((text for text in texts if _plain(phrase(text)) in purposes), ""):
            return role
    return "mlm:model"


def _tell_of_lost(root: Node, entries: tuple[Entry, ...]) -> None:
    """Notes the asset that says it is the model and was left out, as its href names no file."""
    read = {entry.node.pointer for entry in entries}
    for pointer, node in asset_places(root.at("assets")).items():
        if pointer in read or not isinstance(node.value, dict):
            continue
        purposes = _purposes(read_roles(node), pointer.rpartition("/")[2])
        if not purposes.isdisjoint(MODEL | ARCHIVE | WEIGHTS):
            place = node.get("href", "url")
            found = place.value if isinstance(place.value, str) else described(place.value)
            what = "several addresses in one text" if isinstance(place.value, str) else "no text with one address"
            place.find(
                ModelHasNoAddress, found=found, what=what, instead='write "href": "https://…", one address alone'
            )
            return


def _is_code(entry: Entry) -> bool:
    """Whether it is code that has the role of a model, which is noted, or says how to start a container."""
    is_code = entry.has(CODE) and not entry.has(_ARE_FILES)
    is_text = (entry.asset.media_type or "").startswith("text/x-")
    if is_text and not is_code and entry.has(RUNTIME):
        return True
    if is_code or is_text:
        entry.node.get("roles", "role").find(ModelRoleOnCode)
        return True
    return False


def _rank(entry: Entry) -> tuple[bool, bool, int]:
    artifact = artifact_of(entry)
    return _is_lost(entry), _is_page(entry), -1 if artifact.has_handler else _ORDER.index(artifact.kind)


def _reason(chosen: Entry, models: list[Entry]) -> str:
    artifact = artifact_of(chosen)
    if artifact.alone:
        return f"it is {title_of(artifact)}, which runs without code"
    if _rank(chosen) < min(_rank(other) for other in models if other is not chosen):
        return f"it is {title_of(artifact)}"
    return "it comes first"


def _check_type(entry: Entry) -> None:
    if _is_page(entry) and not _is_lost(entry):
        entry.node.get("type").find(WeightsAreAPage, found=entry.asset.media_type)


def _is_page(entry: Entry) -> bool:
    return (entry.asset.media_type or "").partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")


def _is_lost(entry: Entry) -> bool:
    """Whether no address of a file follows from the href; said where assets are read."""
    meaning = read_href(entry.href)
    return meaning.url is None and meaning.kind != "local"


def check_code(model: Entry | None, artifact: Artifact | None, framework: str | None, *, has_code: bool) -> None:
    """Notes weights that are not what they are said to be, or that nothing can load. `artifact` is the model's."""
    if model and artifact and artifact.against:
        model.node.find(ArtifactAgainstName, found=artifact.against, artifact=title_of(artifact))
    if not model or not artifact or artifact.kind not in NEED_CODE or has_code:
        return
    if not loads_alone(framework, suffix_of(model.href)):
        model.node.find(WeightsNeedCode, artifact=title_of(artifact))


def with_model(entries: tuple[Entry, ...], model: Entry | None, artifact: Artifact | None) -> tuple[Asset, ...]:
    """Every asset, the model with the role that archives are chosen by. `artifact` is the model's."""
    if model is None or artifact is None:
        return tuple([entry.asset for entry in entries])
    roles = tuple(dict.fromkeys((*model.asset.roles, _CANONICAL)))
    chosen = replace(model.asset, roles=roles, declared=artifact.declared)
    return tuple([chosen if entry is model else entry.asset for entry in entries])
