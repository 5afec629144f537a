"""What an item gives of all that it takes to build a model again and to know it: six parts, each with its gap."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from dlm_build.checking.recipes import names_code, without_recipe
from dlm_build.checking.records import Part
from dlm_build.checking.refusals import Refusals, doubts, refusals
from dlm_build.checking.weights import as_published, digest_of_weights, weights_of
from dlm_build.findings.completeness import (
    CodeNotFound,
    EntryPointUnknown,
    EnvironmentNotLocked,
    LockNotRead,
    NoEnvironment,
    NothingRunsTheWeights,
    TorchscriptAssumed,
    WeightsWithoutRunner,
)
from dlm_build.findings.runtime import SourceNotPinned
from dlm_build.findings.samples import NoExpectedOutput, NoSample
from dlm_build.hrefs import is_commit, without_query
from dlm_build.items.mlm.artifacts import NEED_CODE, loads_alone
from dlm_build.locks import found_unnamed, is_foreign, is_lock
from dlm_build.model_asset import candidates, is_packed
from dlm_build.own_runners import never_run
from dlm_build.planning.members import named_weights
from dlm_build.records import Asset, Finding, Item, Record
from dlm_build.weight_files import BY_SUFFIX, PACKED_SUFFIXES, PERHAPS_TORCHSCRIPT, WEIGHTS_OF_KERAS, suffix_of
from dlm_build.words import Words, words_of

_SAID_AS = {
    "entry-point-unknown": ("entrypoint-trains", "entrypoint-is-architecture", "entrypoint-unreadable",
                            "weights-need-code"),
    "torchscript-assumed": ("weights-need-code",),
    "no-sample": ("no-sample", "sample-is-a-url"),
    "no-expected-output": ("no-expected-output", "expected-is-input", "no-sample", "sample-is-a-url"),
    "no-checksum": ("checksum-unknown",),
    "source-not-pinned": ("source-not-pinned",),
}  # fmt: skip
"""The codes by which readers say what a part's own gap says; the most telling first."""
_DECLARED_ALONE = frozenset(("onnx", "torchscript", "exported"))


class Offer(Record, frozen=True, kw_only=True):
    """All parts of one item."""

    weights: Part
    digest: Part
    code: Part
    environment: Part
    sample: Part
    expected: Part
    doubts: tuple[Finding, ...] = ()
    """Of no part: what a build takes in another sense than it was written, or has no recipe for."""

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.weights, self.digest, self.code, self.environment, self.sample, self.expected


def offer_of(item: Item) -> Offer:
    """Pure, and by declaration alone."""
    words = words_of(item)
    asset, weights = weights_of(item)
    said = {finding.code: finding for finding in reversed(item.findings)}
    alone = runs_alone(item, asset)
    refused = refusals(item, asset, alone=alone)
    code = _as_said(_code(item, asset, words), said)
    limits = without_recipe(item, asset, alone=alone) or _without_runner(item, asset, words, code)
    return Offer(
        weights=_refused(_as_said(weights, said), refused),
        digest=_as_said(digest_of_weights(asset), said),
        code=_refused(code, refused),
        environment=_refused(_as_said(_environment(item, words), said), refused),
        sample=_refused(_as_said(_sample(item, words), said), refused),
        expected=_refused(_as_said(_expected(item, words), said), refused),
        doubts=(*limits, *doubts(item, alone=alone)),
    )


def _refused(part: Part, refused: Refusals) -> Part:
    """With what a build refuses of it first; what is missing lacks more than that."""
    if part.name not in refused or part.state == "missing":
        return part
    first, *rest = refused[part.name]
    own = (part.gap,) if part.gap and not any(_tells(one, part.gap) for one in (first, *rest)) else ()
    return replace(part, state="guessed", gap=first, more=(*rest, *own, *part.more))


def _tells(refusal: Finding, gap: Finding) -> bool:
    """Whether it has the fix of the gap too, or says that there is no file of which the gap could say anything."""
    is_none = (refusal.code, gap.code) == ("named-file-is-none", "environment-not-locked")
    return is_none or bool(gap.hint and refusal.hint and gap.hint in refusal.hint)


def _without_runner(item: Item, asset: Asset | None, words: Words, code: Part) -> tuple[Finding, ...]:
    """The finding that dlm-build does not run the weights by themselves, and that the item names nothing that does."""
    if asset is None or names_code(item, asset):
        return ()
    name = _last(without_query(asset.href))
    if suffix_of(name) in PACKED_SUFFIXES or is_packed(asset, name):
        return ()  # the manifest in it may name what runs it
    if not never_run(name, asset.declared) or (code.gap and code.gap.code == "nothing-runs-the-weights"):
        return ()
    how = words.handler if item.runtime.source_url else f"{words.handler}, and {words.source}"
    return (WeightsWithoutRunner.at(place(item, item.pointers.handler), found=name, how=how),)


def runs_alone(item: Item, asset: Asset | None) -> bool:
    """Whether the weights are ONNX by their name, and neither a command nor a handler runs them."""
    runtime = item.runtime
    return not (runtime.handler or runtime.docker.run) and _weights_name(item, asset).lower().endswith(".onnx")


def _as_said(part: Part, said: Mapping[str, Finding]) -> Part:
    """With the reader's own finding as its gap, where that says the same: it knows the words of the dialect.

    `said` has the first of each code.
    """
    if part.gap is None:
        return part
    for code in _SAID_AS.get(part.gap.code, ()):
        if code in said:
            return replace(part, gap=said[code])
    return part


def place(item: Item, pointer: str) -> str:
    """A pointer of the item, or a place above it where its dialect has no such field."""
    if "/dlm:" not in pointer or item.dialect == "dlm/runtime":
        return pointer
    return "/assets" if item.dialect.startswith("ml") else "/properties"


# --- the code ----------------------------------------------------------------------------------------------------

_given, _guessed, _missing = (partial(Part, state=state) for state in ("given", "guessed", "missing"))


def _code(item: Item, asset: Asset | None, words: Words) -> Part:
    """What loads and runs the weights: they themselves, or code that is named, and where it is."""
    runtime = item.runtime
    name = _weights_name(item, asset)
    named = runtime.handler or runtime.docker.run
    if named:
        return _named_code(item, asset, words, named)
    suffix = suffix_of(name)
    if _is_alone(item, asset, name, suffix) or _is_lost_alone(item, asset):
        return _given(name="code")
    if runtime.source_url:
        gap = EntryPointUnknown.at(place(item, item.pointers.handler), what="code", handler=words.handler)
        return _guessed(name="code", gap=gap, more=_floating(item, words))
    at = place(item, item.pointers.handler)
    if suffix in PERHAPS_TORCHSCRIPT:
        gap = TorchscriptAssumed.at(at, found=name, handler=words.handler, source=words.source)
        return _guessed(name="code", gap=gap)
    if suffix in PACKED_SUFFIXES:
        fix = f"{words.handler}; or list weights that run without code: {_row('model.onnx', 'model weight')}"
        return _guessed(name="code", gap=EntryPointUnknown.at(at, what="archive", handler=fix))
    found = f"the {suffix} file" if suffix else "the weights"
    gap = NothingRunsTheWeights.at(at, found=found, handler=words.handler, source=words.source)
    return _missing(name="code", gap=gap)


def _is_alone(item: Item, asset: Asset | None, name: str, suffix: str) -> bool:
    """Whether its framework alone runs the file: by its name, or by its publisher's words where that does not tell."""
    said = asset.declared if asset else None
    if name.lower().endswith(WEIGHTS_OF_KERAS):
        return False
    named = BY_SUFFIX.get(suffix)
    if (named and named.whole) or ".cbm" in name:
        return said not in NEED_CODE or ".cbm" in name
    if said in _DECLARED_ALONE and suffix not in PACKED_SUFFIXES:
        return True
    return loads_alone(item.runtime.framework, suffix, said)


def _is_lost_alone(item: Item, asset: Asset | None) -> bool:
    """Whether the model that has no address of its file would run alone, once it had one; all of ONNX do."""
    if asset is not None:
        return False
    if (item.runtime.framework or "").lower() in ("onnx", "onnxruntime"):
        return True
    models = candidates(item.assets)
    if len(models) != 1:
        return False
    name = _last(without_query(models[0].href))
    return _is_alone(item, models[0], name, suffix_of(name))


def _named_code(item: Item, asset: Asset | None, words: Words, named: str) -> Part:
    runtime = item.runtime
    if runtime.source_url:
        floating = _floating(item, words)
        return _guessed(name="code", gap=floating[0]) if floating else _given(name="code")
    module = (runtime.handler or "").partition(":")[0]
    packed = asset is not None and suffix_of(asset.href) in PACKED_SUFFIXES
    if (module.endswith(".py") and packed) or _is_listed(module, item):
        return _given(name="code")
    if runtime.handler is None and _is_locked(item, _environment_file(item)):
        return _given(name="code")  # the command comes with a package of the lock
    listed = (
        f"; or if it is in the archive, list it: {_row(_file_of(module), 'model handler')}" if packed and module else ""
    )
    gap = CodeNotFound.at(place(item, item.pointers.source), found=named, source=words.source + listed)
    return _guessed(name="code", gap=gap)


def _is_listed(module: str, item: Item) -> bool:
    """Whether the list of the archive has the file of that module, or the package of that name, in any folder."""
    file = "/" + _last(_file_of(module))
    package = file.removesuffix(".py") + "/__init__.py"
    return bool(module) and any(f"/{entry.name}".endswith((file, package)) for entry in item.archive)


def _file_of(module: str) -> str:
    return module if module.endswith(".py") else module.replace(".", "/") + ".py"


def _row(name: str, role: str) -> str:
    return f'"dlm:archive": [{{"name": "{name}", "roles": ["{role}"]}}]'


def _floating(item: Item, words: Words) -> tuple[Finding, ...]:
    if not item.runtime.source_url or is_commit(item.runtime.source_commit or ""):
        return ()
    gap = SourceNotPinned.at(place(item, item.pointers.source), what="the commit of the source is not given")
    return (replace(gap, hint=words.commit),)


def _weights_name(item: Item, asset: Asset | None) -> str:
    """Of the member that holds them, else of the file behind the address."""
    if named := named_weights(item):
        return named
    return _last(without_query(asset.href)) if asset else ""


# --- the environment ---------------------------------------------------------------------------------------------


def _environment(item: Item, words: Words) -> Part:
    """A lock, or an image by its digest, leaves nothing open; a list of requirements does; else all is inferred."""
    file = _environment_file(item)
    at = place(item, item.pointers.requirements)
    if file and item.runtime.requirement_file and is_foreign(_last(file)):
        return _guessed(name="environment", gap=LockNotRead.at(at, found=as_published(file, item)))
    if _is_locked(item, file):
        return _given(name="environment")
    if file:
        found = as_published(file, item)
        gap = EnvironmentNotLocked.at(at, found=found, environment=words.environment)
    else:
        gap = NoEnvironment.at(at, environment=words.environment)
    return _guessed(name="environment", gap=gap)


def _is_locked(item: Item, file: str | None) -> bool:
    return "@sha256:" in (item.runtime.docker.image_name or "") or (file is not None and is_lock(_last(file)))


def _environment_file(item: Item) -> str | None:
    """What a build takes for the environment, as a path: what the item names as one, else the best in its archive."""
    if named := item.runtime.requirement_file:
        return without_query(next((asset.href for asset in item.assets if asset.key == named), named))
    return found_unnamed(entry.name for entry in item.archive)


def _last(path: str) -> str:
    return path.rpartition("/")[2]


# --- the sample --------------------------------------------------------------------------------------------------


def _sample(item: Item, words: Words) -> Part:
    if item.sample is not None:
        return _given(name="sample")
    gap = replace(NoSample.at(place(item, item.pointers.sample)), hint=words.sample)
    return _missing(name="sample", gap=gap)


def _expected(item: Item, words: Words) -> Part:
    if item.sample is not None and item.sample.expected:
        return _given(name="expected")
    gap = replace(NoExpectedOutput.at(place(item, item.pointers.sample)), hint=words.expected)
    return _missing(name="expected", gap=gap)
