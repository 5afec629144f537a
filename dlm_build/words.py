"""How each family of dialects spells what is missing: text to paste, for hints wherever an item falls short."""

from __future__ import annotations

from functools import lru_cache

from dlm_build.records import Item, Record

_VERSIONS = {
    "pytorch": "2.1.2", "torch": "2.1.2", "tensorflow": "2.15.0", "keras": "2.15.0", "tfkeras": "2.15.0",
    "onnx": "1.20.1", "onnxruntime": "1.20.1", "mxnet": "1.9.1",
}  # fmt: skip
"""One that there is, by the letters of the framework's name."""
_LOCK = "the `conda-lock.yml` that `dlm-build lock` writes"


class Words(Record, frozen=True, kw_only=True):
    model: str
    """The role of the asset that is the model."""
    handler: str
    source: str
    commit: str
    version: str
    """With `{version}` to fill in."""
    at: str
    """At a commit that is known, with `{commit}` to fill in."""
    runs: str
    """What to add where nothing says how to run the model."""
    environment: str
    packages: str
    """How an environment is named that is no lock yet."""
    sample: str
    expected: str

    def version_of(self, framework: str) -> str:
        """How the version of a framework is given: by one of its own as an example, where any is known.

        Which one it was is the author's to say: an example pasted as it stands would be a wrong statement.
        """
        spelled = "".join(filter(str.isalpha, framework.lower()))
        meant = f"the version of {framework} that the model was made with"
        if spelled in ("onnx", "onnxruntime"):
            meant = "the version of onnxruntime that the model was run with"
        if example := _VERSIONS.get(spelled):
            return f"{self.version.format(version=example)} with {meant}"
        return f"{self.version.partition(': ')[0]}, {meant}"

    def at_commit(self, commit: str) -> str:
        """How the source is named at a commit that is known."""
        return self.at.format(commit=commit)


DLM = Words(
    model="model artefact",
    handler='add "model_handler": "handler.py:handle" to dlm:runtime, the function that takes an input',
    source='add "model_src_url": "https://github.com/me/my-model" and "model_commit_hash" to dlm:runtime',
    commit='add "model_commit_hash": "…" with all 40 hex digits that `git rev-parse HEAD` prints',
    version='add "version": "{version}"',
    at='add "model_commit_hash": "{commit}"',
    runs="add `docker.run`, a `model_handler`, or weights as ONNX or TorchScript",
    environment=f'put {_LOCK} into the archive, and add "requirement_file": "conda-lock.yml" to dlm:runtime',
    packages='put an environment.yml or requirements.txt into the archive, and add "requirement_file": '
    '"environment.yml" to dlm:runtime',
    sample='put a small input into the archive, and add "test_file": {"filename": "sample.tif"} to dlm:data',
    expected='put the output into the archive, and write "test_file": {"filename": "sample.tif", '
    '"output": "expected.tif"} in dlm:data',
)
MLM = Words(
    model="mlm:model",
    handler='add "mlm:entrypoint": "my_package.inference:predict" to the asset of the source code',
    source='add an asset {"href": "https://github.com/me/my-model/tree/<40 hex digits>", '
    '"roles": ["mlm:source_code", "code"]}',
    commit="link the code at a commit: …/tree/<the 40 hex digits that `git rev-parse HEAD` prints>",
    version='add "mlm:framework_version": "{version}"',
    at="link the code at that commit: …/tree/{commit}",
    runs='add "mlm:entrypoint": "my_package.inference:predict" to the asset of the source code, or weights as ONNX or '
    "TorchScript",
    environment=f'publish {_LOCK} as an asset {{"href": "./conda-lock.yml", "roles": ["environment"]}}',
    packages='publish an environment.yml or requirements.txt as an asset {"href": "./environment.yml", '
    '"roles": ["environment"]}',
    sample='add an asset "test-input": {"href": "sample.tif", "roles": ["mlm:test-input"]}',
    expected='add an asset "expected-output": {"href": "expected.tif", "roles": ["mlm:expected-output"]}',
)


def words_of(item: Item) -> Words:
    if item.dialect.partition("/")[0] in ("mlm", "ml-model"):
        return MLM
    if item.dialect == "dlm/runtime":
        return DLM
    return _dlm_with(_above(item.pointers.requirements), _above(item.pointers.sample))


def _above(pointer: str) -> str:
    """The field of the item in which a field stands."""
    return pointer.rpartition("/")[0].rpartition("/")[2]


@lru_cache(maxsize=64)
def _dlm_with(runtime: str, data: str) -> Words:
    """In the names of an older generation."""
    texts = {name: str(getattr(DLM, name)) for name in Words.__struct_fields__}
    return Words(
        **{name: text.replace("dlm:runtime", runtime).replace("dlm:data", data) for name, text in texts.items()}
    )
