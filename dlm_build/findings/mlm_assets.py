"""What is found in the assets and links of MLM and ML-Model items."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind


class SeveralModels(Kind):
    """{count} assets are models ({keys}); {chosen} is used: {reason}"""

    severity = VERIFICATION
    fix = "keep the role {role} on the one that the inputs, outputs and sample belong to"
    more = """
    MLM allows several model assets where they are the same model in other formats. In practice they also are other
    models, such as the pretrained weights that training began with. One that runs without code comes first.

    Before: `"checkpoint"` and `"model"` both with the role `mlm:model`. After: the role on `"model"` alone.
    """


class ModelRoleOnCode(Kind):
    """is source code, but has the role mlm:model; read as code"""

    severity = HYGIENE
    fix = 'write "roles": ["mlm:source_code", "code"]'
    more = """
    The examples of MLM up to 1.2 gave source code the model's role. Read as they say, there would be two models.

    Before: `"roles": ["mlm:model", "code"]` at a Python file. After: `"roles": ["mlm:source_code", "code"]`.
    """


class WeightsAreAPage(Kind):
    """the model is declared to be a web page ({found}), not weights"""

    severity = VERIFICATION
    fix = "give the address that a plain download gets the file from, and its media type"
    more = """
    What is fetched is judged by its first bytes, and a page is never taken for weights. So this stops a build only
    where the address really serves a page.

    Before: `"type": "text/html"`. After: `"type": "application/octet-stream; framework=pytorch"`.
    """


class ArtifactAgainstName(Kind):
    """{found} contradicts the name of the file, by which it is {artifact}; the name is believed"""

    severity = VERIFICATION
    fix = "correct mlm:artifact_type and the media type, or the address"
    more = """
    Some suffixes belong to one kind of file only, while types are often copied from an example. A build looks at the
    bytes; the grade, for which nothing is fetched, goes by the name.

    Before: `"href": "https://example.org/model.onnx", "mlm:artifact_type": "torch.save"`. After: the same with
    `"mlm:artifact_type": "onnx"`.
    """


class WeightsNeedCode(Kind):
    """the model is {artifact}: weights that only their own code can load, and nothing says which code that is"""

    severity = VERIFICATION
    fix = (
        'publish it as ONNX or TorchScript, or add "mlm:entrypoint": "my_package.inference:predict" at the code, and '
        'where there is none an asset {{"href": "https://github.com/me/my-model/tree/<40 hex digits>", '
        '"roles": ["mlm:source_code", "code"]}}'
    )
    more = """
    A pickled object names classes of some program, and a file of tensors names none. Without a function to call, such
    a file is tried as TorchScript, and if it is not, the run fails.

    Before: a model with `"mlm:artifact_type": "torch.save"` alone. After: `"mlm:artifact_type": "torch.jit.save"`, or
    an asset with the role `mlm:source_code` that has an `mlm:entrypoint`.
    """


class ImageUnreadable(Kind):
    """{found} is not the reference of a container image; left out"""

    severity = HYGIENE
    fix = 'write it as for a pull: "docker.io/me/my-model:1.0@sha256:…"'
    more = """
    The publisher's image is evidence of what the model ran with; an image is built anew in any case.

    Before: `"href": "local"`. After: `"href": "ghcr.io/me/my-model@sha256:…"`, or no such asset.
    """


class ImageFloats(Kind):
    """{found} names an image that may change under the same name"""

    severity = HYGIENE
    fix = "append @sha256: and the digest of the image"
    more = """
    A tag such as `latest` is given to each new image. Only a digest means the same bytes tomorrow.

    Before: `ghcr.io/me/my-model:latest`. After: `ghcr.io/me/my-model:1.0@sha256:…`.
    """


class ImageFromLink(Kind):
    """the container image is a link ({found}); an asset with the role mlm:inference-runtime is where others look"""

    severity = HYGIENE
    more = """
    ML-Model kept images in links; MLM keeps them in assets, with a media type and a checksum.

    Before: a link with `"rel": "ml-model:inferencing-image"`. After: an asset with `"roles":
    ["mlm:inference-runtime"]` and `"type": "application/vnd.oci.image.index.v1+json"`.
    """


class SeveralImages(Kind):
    """{count} container images are named ({found}); the first is used"""

    severity = HYGIENE
    more = """
    One image is looked at for hints. Images for training are not counted.

    Before: two assets with the role `mlm:inference-runtime`. After: one.
    """


class RuntimeIsInstructions(Kind):
    """is a file of instructions for running a container ({found}); it is not read"""

    severity = HYGIENE
    fix = "name the image itself too"
    more = """
    A Compose file or a workflow says how to start a container that somebody built. It is not needed to build one.

    Before: `"href": "inferencing.yml"`. After: besides it, an asset whose `href` is `docker.io/me/my-model:1.0`.
    """


class SourceIsNoRepository(Kind):
    """{found} is no repository, so the code cannot be fetched at a commit; it is left out"""

    severity = VERIFICATION
    fix = "link the repository at a commit, e.g. https://github.com/me/my-model/tree/<40 hex digits>"
    more = """
    The code is fetched with git. A single file, an archive or a notebook lacks the modules beside it.

    Before: `"href": "src/inference.py"`. After:
    `"href": "https://github.com/me/my-model/tree/0123456789abcdef0123456789abcdef01234567/src"`.
    """


class UnusedSourceNotPinned(Kind):
    """{found} names no commit; the model runs without this code, which is not fetched"""

    severity = HYGIENE
    fix = "link it at a commit: {instead}"
    more = """
    Weights that hold their own program need no code of their publisher's. Who wants to know how they were made still
    has to guess which commit it was.

    Before: `"href": "https://github.com/me/my-model"`. After:
    `"href": "https://github.com/me/my-model/tree/0123456789abcdef0123456789abcdef01234567"`.
    """


class SeveralSampleAssets(Kind):
    """{count} assets have the role of {what} ({found}); the first is used"""

    severity = VERIFICATION
    fix = "keep the role on one of them"
    more = """
    One sample is run, and one output compared. The first of each is taken, which may not belong together.

    Before: two assets with the role `mlm:test-input`. After: one with it, and one with `mlm:expected-output`.
    """
