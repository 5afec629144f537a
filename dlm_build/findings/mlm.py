"""What is found in MLM and ML-Model items: what runs the model. Of assets see mlm_assets, of tensors mlm_tensors."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind

_CALL = 'write the function that runs inference, e.g. "mlm:entrypoint": "my_package.inference:predict"'


class FieldMisplaced(Kind):
    """stands outside {place}, where `{name}` belongs; read all the same"""

    severity = HYGIENE
    fix = "move it to {place}/{name}"
    more = """
    Catalogues search the properties of an item, and fields that describe the whole model belong there. Only fields that
    differ between files, such as the framework of each, may stand at an asset.

    Before: `"mlm:name": "my-model"` beside `"id"`. After: the same inside `"properties"`.
    """


class OneNotAList(Kind):
    """is {found} alone; read as a list of one"""

    severity = HYGIENE
    fix = "put [ ] around it"
    more = """
    A model may have several inputs, outputs and tasks, so each is a list, even of one.

    Before: `"mlm:input": {"name": "rgb"}`. After: `"mlm:input": [{"name": "rgb"}]`.
    """


class NamesNotAList(Kind):
    """is an object of {count} by their names ({found}); read as a list"""

    severity = HYGIENE
    fix = 'write a list, each with its name in it: [{{"name": …}}]'
    more = """
    Inputs and outputs are lists, whose order is that of a model's arguments and results. Their names stand inside.

    Before: `"mlm:input": {"rgb": {"bands": […]}}`. After: `"mlm:input": [{"name": "rgb", "bands": […]}]`.
    """


class FieldUnknown(Kind):
    """is no field that MLM has here; it is not read"""

    severity = HYGIENE
    fix = "{fix}"
    more = """
    MLM allows fields of others, but nothing reads them. If this was meant as a field of MLM and its name is misspelt,
    what it says is missing.

    Before: `"band": ["red"]` in an input. After: `"bands": ["red"]`.
    """


class FrameworkApart(Kind):
    """must be a text, but is {found}; name and version are taken from it"""

    severity = HYGIENE
    fix = 'write the name as "mlm:framework" and the version as "mlm:framework_version", each as a text'
    more = """
    MLM keeps the framework's name and its version in two fields, and other tools read them there only. Of several
    frameworks the first is used.

    Before: `"mlm:framework": [{"name": "ONNX", "version": "1.15.0"}]`. After: `"mlm:framework": "ONNX",
    "mlm:framework_version": "1.15.0"`.
    """


class FrameworkFromModule(Kind):
    """{found} names code and not a framework; {framework} is inferred, since {package} is built on it"""

    severity = VERIFICATION
    fix = 'write "mlm:framework": "{framework}" and "mlm:framework_version"'
    more = """
    The framework decides the environment that is solved. A module path comes from exporting the name of a Python
    class; the class itself belongs into `mlm:architecture`.

    Before: `"mlm:framework": "segmentation_models_pytorch.decoders.unet.model"`. After: `"mlm:framework": "PyTorch"`.
    """


class FrameworkInWords(Kind):
    """ "{found}" is more than the name of a framework; {framework}, the only one in it, is used"""

    severity = VERIFICATION
    fix = 'write "mlm:framework": "{name}"'
    more = """
    The field holds the name alone, by which other programs search and choose. What else there is to say of how the
    model was made belongs into the description.

    Before: `"mlm:framework": "PyTorch (via segmentation_models_pytorch)"`. After: `"mlm:framework": "PyTorch"`.
    """


class FieldLeftOut(Kind):
    """{found}; it is left out"""

    severity = VERIFICATION
    fix = "{fix}"
    more = """
    The value cannot be right, such as a version that is a range, but a build can do without the field. It is read as if
    it were not there, and the rest of the item is read. If something follows from its absence, another finding says so.

    Before: `"mlm:framework_version": ">=2.0,<3"`. After: `"mlm:framework_version": "2.1.2"`.
    """


class FrameworkFromArtifact(Kind):
    """no framework is given; {framework} is inferred from {found}"""

    severity = VERIFICATION
    fix = 'add "mlm:framework": "{name}" and "mlm:framework_version"'
    more = """
    What the item says of the file tells which framework wrote it, but not in which version. A version of the item's
    time is taken, so results may differ in their last digits.

    Before: `"mlm:artifact_type": "torch.save"` alone. After: `"mlm:framework": "PyTorch", "mlm:framework_version":
    "2.1.2"` besides.
    """


class FrameworkOfArtifact(Kind):
    """says {found}, but the model that is used is {artifact}: it is run with {framework}, whose version is not given"""

    severity = VERIFICATION
    fix = 'write "mlm:framework": "{name}" and "mlm:framework_version" at the asset itself'
    more = """
    An item may say what a model was trained with, and publish it exported to another format. Another program runs the
    export, and it is that program's version that matters for getting the same numbers. If the file is no export, one of
    the two is wrong: the framework, or the file's `mlm:artifact_type`.

    Before: `"mlm:framework": "PyTorch"` and a model in ONNX. After: at the asset, `"mlm:framework": "ONNX",
    "mlm:framework_version": "1.20.1"`, the version of onnxruntime.
    """


class AcceleratorUnsupported(Kind):
    """{found} is neither an NVIDIA GPU nor a CPU, and images are built for no other device; it is ignored"""

    severity = VERIFICATION
    fix = 'if the model runs on one of them, write "mlm:accelerator": "cuda", or "amd64" for a CPU'
    more = """
    Images are built for linux/amd64, with or without CUDA. A model for another device may run there too, with other
    numbers, or not at all.

    Before: `"mlm:accelerator": "xla"`. After: `"mlm:accelerator": "cuda", "mlm:accelerator_constrained": false`.
    """


class GpuFromTraining(Kind):
    """the model was trained on a CPU, so it is planned for one; the item does not say what inference needs"""

    severity = HYGIENE
    more = """
    ML-Model says what a model was trained on, and not what it runs on. What was trained without a GPU surely runs
    without one, and its image is much smaller then.

    Before: `"ml-model:training-processor-type": "cpu"`. After: as MLM, `"mlm:accelerator": "amd64"`.
    """


class EntrypointTrains(Kind):
    """{found} starts training, so it is not called to run the model"""

    severity = VERIFICATION
    fix = _CALL
    more = """
    `mlm:entrypoint` is the function that runs inference. One whose name says that it trains would run for hours,
    change the weights, or ask for data that nobody has.

    Before: `"mlm:entrypoint": "pipeline:training_pipeline"`. After: `"mlm:entrypoint": "pipeline:predict"`.
    """


class EntrypointIsArchitecture(Kind):
    """{found} is the class of the network, which `mlm:architecture` names too, and no function that runs it"""

    severity = VERIFICATION
    fix = _CALL
    more = """
    A network without its weights and the code around it takes no file and writes none. The exporter of a Python
    package writes the class in both places.

    Before: `"mlm:entrypoint": "smp.decoders.unet.model.Unet"`. After: `"mlm:entrypoint": "my_package.run:predict"`.
    """


class EntrypointUnreadable(Kind):
    """{found} is not the name of a Python function; it is left out"""

    severity = VERIFICATION
    fix = 'write "mlm:entrypoint": "my_package.inference:predict" or "inference.py:predict"'
    more = """
    An entry point is a module or file and, behind a colon, a function or class in it. A command line is something
    else, and is not run.

    Before: `"mlm:entrypoint": "python predict.py --in x"`. After: `"mlm:entrypoint": "predict.py:predict"`.
    """


class EntrypointNotCalled(Kind):
    """{found} is not called: the model is {artifact}, which runs without code, on the inputs the item describes"""

    severity = HYGIENE
    more = """
    A model in ONNX or TorchScript carries its own computation. MLM describes what goes in and what comes out, and says
    nothing of the parameters of an entry point, so the file is run as described.

    Before: a model in ONNX, and `"mlm:entrypoint": "pipeline:predict"`. After: the same; or, where the function must
    be called, only weights that need it.
    """
