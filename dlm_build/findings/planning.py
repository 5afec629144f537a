"""What was noticed while deciding: framework, CUDA, Python, runner, sample, date, tolerances, base."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind

# --- framework and device ------------------------------------------------------------------------------------------


class FrameworkInferred(Kind):
    """no framework is declared; {found}, because {reason}"""

    severity = VERIFICATION
    fix = 'add "framework": "{found}"'
    more = """
    Without a declared framework, the one that the environment installs is taken, else the one whose weights have such a
    name. A file named `.pth` is nearly always of PyTorch, but a name proves nothing. Where neither tells a framework,
    Python alone runs the model, in the environment that is declared.

    Before: `"dlm:runtime": {"version": "1.7.1"}`. After: `"dlm:runtime": {"framework": "PyTorch", "version": "1.7.1"}`.
    """


class FrameworkOfWeights(Kind):
    """says {found}, but the weights are {form}, and no code is named: they are run with {framework}, whose version is
    not given"""

    severity = VERIFICATION
    fix = "name {framework} and its version, or the code that runs the weights with {found}"
    more = """
    An item may say what a model was trained with, and publish it exported to another format. Another program runs the
    export. An environment without that program could not run the model, and it is its version that matters for getting
    the same numbers.

    Before: `"framework": "PyTorch", "version": "2.1.2"` and weights in ONNX. After: `"framework": "onnxruntime",
    "version": "1.20.1"`.
    """


class FrameworkOfEnvironment(Kind):
    """says {found}, of which dlm-build has no table; {file} installs {framework}, which is planned for"""

    severity = VERIFICATION
    fix = "name {framework} and its version"
    more = """
    Device, CUDA and Python follow from the framework that is installed. A name that no table knows may be misspelt, or
    that of a library on top of the framework, whose versions count apart: so the version beside it is not used.

    Before: `"framework": "PyTroch"` and an environment with `torch==2.1.2`. After: `"framework": "PyTorch"`.
    """


class KerasVersion(Kind):
    """Keras is declared; its version is taken for TensorFlow's, which is the same from 2.4 to 2.15"""

    severity = VERIFICATION
    fix = 'write "framework": "TensorFlow" and its version'
    more = """
    Keras needs a backend, and for years it came with TensorFlow under the same number. Before 2.4 and from 3.0 on the
    numbers differ, and the version that is installed may not be the one meant.

    Before: `"framework": "Keras", "version": "2.8"`. After: `"framework": "TensorFlow", "version": "2.8.0"`.
    """


class UnknownVersion(Kind):
    """{found}"""

    severity = VERIFICATION
    fix = "correct the version: {other} is the nearest one known"
    more = """
    The declared version was never published, or after this dlm-build was; the nearest one of the table stands in.
    Weights that need just that version may not load.

    Before: `"version": "1.5.9"`. After: `"version": "1.5.1"`.
    """


class VersionContradiction(Kind):
    """the item says {found}, its environment installs {used}, which is used"""

    severity = VERIFICATION
    fix = "write {used} in the item, or {found} in the environment file"
    more = """
    The item and the environment file that comes with it disagree about the framework's version. The file is believed:
    it is what somebody once ran.

    Before: `"version": "1.4"` beside `pytorch=1.5.1` in environment.yml. After: `"version": "1.5.1"`.
    """


class NoCudaBuild(Kind):
    """a GPU is wanted, but {found} installs {framework} without CUDA"""

    severity = VERIFICATION
    fix = "install the CUDA build, or say that no GPU is needed"
    more = """
    The environment pins a build for CPUs, so the image runs there however many GPUs the machine has. Results agree
    within tolerances as a rule; a model that is too slow on a CPU may not end in time.

    Before: `pytorch=1.5.1=py3.7_cpu_0`. After: `pytorch=1.5.1` and `cudatoolkit=10.2`.
    """


class CudaUnsupported(Kind):
    """CUDA {found} is asked for, but {framework} was built for {other}"""

    severity = VERIFICATION
    fix = "ask for one of {other}, or for another version of the framework"
    more = """
    A framework's binary is made for a few versions of CUDA. With another one the solver finds none, or the first
    operation on the GPU fails.

    Before: `cudatoolkit=11.0` beside `pytorch=1.5.1`. After: `cudatoolkit=10.2`.
    """


class CudaUnknown(Kind):
    """a GPU is wanted, but neither the environment nor a table tells for which CUDA"""

    severity = VERIFICATION
    fix = "add `cuda-version=12.4`, with the CUDA that the packages were built for, to the environment"
    more = """
    Of a framework that dlm-build has no table of, only the environment tells the CUDA. The model is planned for a GPU
    all the same, since many wheels bring all that they need; but the solver takes no package of conda's that is built
    for CUDA, the base image brings no CUDA libraries, and the driver is not compared with anything.

    Before: `py-xgboost=2.0.3` for a model that wants a GPU. After: `py-xgboost=2.0.3` and `cuda-version=12.0`.
    """


class CudaOfWheel(Kind):
    """a build for CUDA {found} is declared; the package index has the one for {used}"""

    severity = VERIFICATION
    fix = "write the version without +cu…; results may differ in the last digits"
    more = """
    Builds with a local version such as `+cu117` are on a server of their own, not on the package index. The index's
    build of the same version is used; another CUDA computes the same model with other rounding.

    Before: `torch==1.13.1+cu116`. After: `torch==1.13.1`.
    """


# --- Python and the date ---------------------------------------------------------------------------------------------


class PythonUnsupported(Kind):
    """python {found} is declared, but {framework} supports {other}"""

    severity = VERIFICATION
    fix = "declare one of {other}"
    more = """
    The environment asks for a Python that the framework has no packages for. It is tried all the same; most likely the
    environment cannot be solved.

    Before: `python=3.11` beside `pytorch=1.5.1`. After: `python=3.8`.
    """


class PythonBeside(Kind):
    """{place} says Python {found}, and no environment does"""

    severity = HYGIENE
    fix = "declare the environment with its Python, in an environment.yml or a lock"
    more = """
    A list for pip cannot say which Python it is for. A `runtime.txt`, a `.python-version` or the `requires-python` of a
    `pyproject.toml` that lies beside it is taken for that, if the framework supports such a Python.

    Before: requirements.txt and a runtime.txt with `python-3.8`. After: an environment.yml with `python=3.8`.
    """


class PythonTooOld(Kind):
    """{framework} supports {found} only; {used} is the oldest dlm-build can run"""

    severity = VERIFICATION
    fix = "convert the model to a newer framework, or to ONNX"
    more = """
    dlm-build puts its own code into the container, which needs a Python from 3.7 on. A framework that never had
    packages for one is tried with the oldest, and most likely cannot be installed.

    Before: weights of TensorFlow 1.0. After: the same network, exported to ONNX.
    """


class PythonWithoutPackages(Kind):
    """no set of packages was found with Python {found}; {used} is taken"""

    severity = VERIFICATION
    fix = "declare the environment with its Python, such as python={used}"
    more = """
    The item pins no Python, and for the one that was chosen first the channels and the index of this site lack
    packages. The next one that the framework supports is used and locked.

    Before: no environment. After: an `environment.yml` with `python=3.10`.
    """


class DateBeforeFramework(Kind):
    """{found}"""

    severity = VERIFICATION
    fix = "correct `created` or the framework's version"
    more = """
    The item cannot be older than what it runs on, so one of the two is wrong; often the date is that of a scene. The
    environment is solved as of some months after the framework's release instead.

    Before: `"created": "2016-05-03T00:00:00Z"` beside PyTorch 1.5. After: `"created": "2020-12-12T00:00:00Z"`.
    """


class DateInTheFuture(Kind):
    """{found} lies in the future"""

    severity = VERIFICATION
    fix = "correct the date: the day the model was published"
    more = """
    The environment is solved as of the item's date, and packages newer than that are left out. With a date that has not
    come yet none is left out, so a later build gets other packages. Only dates that are about ten years ahead or more
    are reported; a smaller difference may come from a wrong clock.

    Before: `"created": "2099-01-01T00:00:00Z"`. After: `"created": "2019-01-01T00:00:00Z"`.
    """


# --- weights and runner ----------------------------------------------------------------------------------------------


class WeightsInferred(Kind):
    """{found} is taken for the weights by its name"""

    severity = HYGIENE
    fix = 'say so in the list of the archive: {{"name": "{found}", "roles": ["model weight"]}}'
    more = """
    No member of the archive has the role of weights, and just one has the name of such a file.

    Before: no list. After: `"dlm:archive": [{"name": "model.onnx", "roles": ["model weight"]}]`.
    """


class BuiltInHandler(Kind):
    """{found} is a handler of TorchServe itself; the weights are run without it"""

    severity = VERIFICATION
    fix = "put a handler of your own into the archive"
    more = """
    TorchServe carries a few handlers for photographs: they decode JPEG, resize, and give the best classes. None of that
    is done to rasters, so the weights are run as they are and the output is the network's own.

    Before: `"handler": "image_classifier"`. After: `"handler": "handler.py"`, that file being in the archive.
    """


# --- sample and comparison -------------------------------------------------------------------------------------------


class ExpectedIsInput(Kind):
    """the sample's input is given as its expected output too"""

    severity = VERIFICATION
    fix = "name the output the model must give"
    more = """
    Input and expected output turn out to be one file of the archive, so comparing would show nothing. The model is run,
    and that is all.

    Before: `{"filename": "in.tif", "output": "data/in.tif"}`. After: `{"filename": "in.tif", "output": "out.tif"}`.
    """


class ExpectedNotInArchive(Kind):
    """the expected output {found} is not in the archive: a run can only end in `ran`"""

    severity = VERIFICATION
    fix = "{near}"
    more = """
    The item names an expected output and the archive does not have it, nor one file of that base name. The model is
    run, and nothing can be compared.

    Before: `"output": "expected.tif"` beside an archive with `expected_output.tif`. After: the name as it is there.
    """


class ExpectedNeverWritten(Kind):
    """the expected output {found} cannot be matched: no code is named, and the weights alone give no {suffix} file"""

    severity = VERIFICATION
    fix = "publish the expected output as .tif, .npy, .npz or .json, or name the code that writes it"
    more = """
    Weights that dlm-build runs itself give tensors: rasters, arrays, labels, or numbers in JSON. Tables, texts and
    vector data are made of them by code of the author's, which the item does not name. A framework's own files of
    tensors (`.pb`, `.pt`, pickles) are neither written nor read.

    Before: a single ONNX file, and `"output": "detections.geojson"`. After: `"output": "detections.json"` with the
    model's own outputs by their names, or a handler.
    """


class ExpectedComparedWhole(Kind):
    """the expected output {found} is compared byte for byte, because {suffix} files are not read"""

    severity = VERIFICATION
    fix = "publish it as .tif, .nc, .npy, .npz, .png, .json, .geojson, .gpkg or .csv, and let the code write that"
    more = """
    The numbers in an array, a raster, a table or a document may differ a little from the author's, as they do on
    another processor. Other kinds of files must be the same to the byte, but many hold a date, or depend on the release
    of the library that wrote them.

    Before: `"output": "scores.parquet"`. After: `"output": "scores.csv"`, and code that writes it.
    """


class BadTolerance(Kind):
    """the tolerance {name}={found} is not a number from 0 up; the default is used"""

    severity = VERIFICATION
    fix = 'write "{name}": 0.001, or leave it out'
    more = """
    A tolerance says how far an output may be from the expected one. One that is negative or not finite says nothing.

    Before: `"atol": -1`. After: `"atol": 0.001`.
    """


class ToleranceCapped(Kind):
    """{name}={found} is looser than dlm-build allows; {used} is used"""

    severity = VERIFICATION
    fix = "expect closer results, or publish an expected output that was made by this very model"
    more = """
    With a tolerance wide enough, anything matches. An item may loosen the defaults up to what low-precision arithmetic
    explains, and no further; a verdict that needed it says `relaxed`.

    Before: `"rtol": 0.5`. After: `"rtol": 0.02`.
    """


# --- base ------------------------------------------------------------------------------------------------------------


class BasePinDied(Kind):
    """the registry no longer has the base {found}; the next best was chosen"""

    severity = HYGIENE
    fix = "keep a mirror of the bases you build on, and name it in the settings"
    more = """
    Registries delete images that are past their end of life, and a pinned digest goes with them. Another base with the
    same libraries was chosen and is locked.

    Before: bases from the public registry only. After: `[registry] mirror = "registry.example.org"` in the settings.
    """
