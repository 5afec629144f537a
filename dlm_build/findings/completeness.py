"""What an item lacks to be built, and built again to the same bytes; and what its addresses are worth."""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, HYGIENE, VERIFICATION, Kind

# --- the weights -------------------------------------------------------------------------------------------------


class NoModelAsset(Kind):
    """no asset can be told to be the model: {found}"""

    severity = BUILD
    fix = 'give the asset that is the model "roles": ["{role}"], and the address of its file'
    more = """
    The model is the asset with a role that says so, else the one whose key says so, else the only one there is. Where
    several could be meant none is taken, and where all are something else there is nothing to take.

    Before: `"assets": {"a": {"href": "a.zip"}, "b": {"href": "b.zip"}}`. After: in the one
    that is the model `"roles": ["mlm:model"]`, or `"roles": ["model artefact"]` where the fields are `dlm:`.
    """


class WeightsAreData(Kind):
    """ "{found}" is {what} by its name, so it holds no model"""

    severity = BUILD
    fix = 'give the address of the weights or the model archive, such as "href": "https://…/model.onnx"'
    more = """
    What an asset is said to be proves little: examples are copied, and the type stays. A file of pictures, tables, text
    or code is not taken for a model, whatever its type and role say.

    Before: `"href": "https://example.org/data.nc", "type": "application/zip"`. After:
    `"href": "https://example.org/model.mar", "type": "application/zip"`.
    """


class WeightsOverHttp(Kind):
    """ "{found}" is plain http: what it serves could be changed on the way, so a build refuses it"""

    severity = BUILD
    fix = "publish it at an https address; to build all the same, add the host to `network.allow_hosts` in the settings"
    more = """
    Of addresses that an item gives, only https is asked, unless the site's settings name the host. The checksum would
    show a change, where there is one.

    Before: `"href": "http://example.org/model.zip"`. After: `"href": "https://example.org/model.zip"`.
    """


class ArchiveNotRead(Kind):
    """ "{found}" is a {what} by its name, which a build does not open"""

    severity = BUILD
    fix = "publish it as .zip, .mar or .tar.gz"
    more = """
    Archives come from strangers, so every kind that is read is a way in: zip files and tars, the latter packed with
    gzip or not at all, are read by code of dlm-build's own, which holds them to limits.

    Before: `"href": "./model.tar.xz"`. After: `"href": "./model.tar.gz"`, the same files packed again.
    """


class NoChecksum(Kind):
    """no checksum is given, so nothing shows that the bytes fetched are the ones published"""

    severity = VERIFICATION
    fix = 'add "file:checksum": "1220…", that is 1220 and the 64 digits that `sha256sum` prints, and "file:size"'
    more = """
    Addresses stay and files change: a release is made again, a share is replaced. With the digest in the item every
    build proves that it has the model that was published. The lock keeps the digest of what was found, which shows
    later changes and not earlier ones.

    Before: `{"href": "https://example.org/model.mar"}`. After: `{"href": "https://example.org/model.mar",
    "file:checksum": "122054f51a93…", "file:size": 451735}`.
    """


# --- the code ----------------------------------------------------------------------------------------------------


class NothingRunsTheWeights(Kind):
    """nothing says which code runs {found}: there is no entry point, no command and no source"""

    severity = BUILD
    fix = "publish the model as ONNX or TorchScript too, or {handler}, and {source}"
    more = """
    Most weights are numbers without a program: only the code that trained them can load them. ONNX and TorchScript
    carry their program along. For anything else the item has to name the function that loads and runs it, and where
    that code is.
    """


class WeightsWithoutRunner(Kind):
    """dlm-build cannot run "{found}" by itself, and no function or command is named that does; so it cannot build the
    item, whose grade does not suffer"""

    severity = BUILD
    fix = "{how}; or publish the model as ONNX or TorchScript too"
    more = """
    Of weights alone, dlm-build runs ONNX and TorchScript: what goes in and what comes out stands in the file. A Keras
    model, a TensorFlow Lite file or a program of torch.export may need no code of its author's in other hands, and a
    checkpoint whose code is named, but not the function to call, may be run by somebody who reads that code. So the
    grade, which is about the item, stays what it is.

    Before: `"framework": "TensorFlow"` beside `"href": "./model.keras"`. After: the same with
    `"model_handler": "handler.py:handle"` and the repository that has it.
    """


class TorchscriptAssumed(Kind):
    """no code is named, so {found} is taken for TorchScript, which carries its own"""

    severity = VERIFICATION
    fix = "if it is a state dict or a pickled object, {handler}, and {source}"
    more = """
    Files named .pt and .pth may be TorchScript, which runs alone, or the numbers of a network, which do not. Which one
    it is shows when the file is opened; if the guess is wrong, the run fails with a message that says so.
    """


class NotInOneFile(Kind):
    """ "{found}" would be in the model's archive, but the model is one file, {file}"""

    severity = BUILD
    fix = "make it an asset of the item and write its key here, or pack it into one archive with the model"
    more = """
    A sample, its expected output and an environment are named by their place in the archive, or by the key of an asset.
    A file such as `model.onnx` has no other file in it.

    Before: `"test_file": {"filename": "sample.tif"}` beside `"href": "./model.onnx"` alone. After: besides, an asset
    `"sample.tif": {"href": "./sample.tif"}`.
    """


class EntryPointUnknown(Kind):
    """the {what} is named, but not the function in it that runs the model"""

    severity = VERIFICATION
    fix = "{handler}"
    more = """
    A repository or an archive holds many functions. Without the name of one, somebody has to read the code and guess;
    a name that is importable, and that takes an input file and gives outputs, can be called.
    """


class CodeNotFound(Kind):
    """ "{found}" names code, and nothing says where that code is"""

    severity = VERIFICATION
    fix = "{source}"
    more = """
    The function or the program may come with the archive, or with a package of the environment; neither is said. If it
    is in neither, the build stops.
    """


class FrameworkWithoutRecipe(Kind):
    """dlm-build has no recipe for {found}, and {lacks}; so it cannot build the item, whose grade does not suffer"""

    severity = BUILD
    fix = "{how}, or publish the model as ONNX too; dlm-build has recipes for {known}"
    more = """
    What is known of each framework (its versions, the CUDA and Python each of them runs with, how its weights are run)
    is a table of dlm-build's. A model of another framework is built where the item says itself what the table would:
    by an environment file that says what to install, and by a function or a command that runs the weights. An
    environment file that is named nowhere, but lies in the archive or in the source, is found as well. The item may be
    complete for other programs, so the grade, which is about the item, stays what it is.

    Before: `"framework": "XGBoost"` alone. After: the same with `"model_handler": "handler.py:handle"` and
    `"requirement_file": "environment.yml"`.
    """


# --- the environment ---------------------------------------------------------------------------------------------


class NoEnvironment(Kind):
    """no environment is declared, so one is inferred from the framework, its version and the item's date"""

    severity = VERIFICATION
    fix = "{environment}"
    more = """
    The inferred environment has the framework and what its runner needs, as of the item's date. Whatever else the
    model's code imports is missing from it, and every version in it is a guess, if a reasoned one.

    `dlm-build lock ITEM` writes the environment it chose as `conda-lock.yml`. Published with the item, it makes every
    later build the same.
    """


class EnvironmentNotLocked(Kind):
    """ "{found}" names packages, but not the exact file of each, as a lock does"""

    severity = VERIFICATION
    fix = "{environment}"
    more = """
    A list of requirements leaves open which packages the named ones bring along: that depends on the day when the list
    is solved. dlm-build solves it as of the item's date, which comes close. A lock with a digest for each package
    leaves nothing open.

    `dlm-build lock ITEM` writes `conda-lock.yml`; put it where the list is now, and name it.
    """


class LockNotRead(Kind):
    """ "{found}" is a lock or a list of packages of a kind that dlm-build does not read, so a build refuses it"""

    severity = BUILD
    fix = "publish a conda-lock.yml, or a requirements.txt with versions, and name that instead"
    more = """
    Read are `conda-lock.yml`, conda's explicit list (`explicit.txt`, `conda-linux-64.lock`), environments of conda
    (`environment.yml`), and lists of requirements. A `pyproject.toml`, a `setup.py`, a `Pipfile`, a Dockerfile or the
    `python_env.yaml` of MLflow says what to install to its own tool only. The locks of uv, Poetry, PDM, Pipenv and Pixi
    have formats of their own; each of these tools exports a list of requirements or an explicit one, for instance
    `uv export --no-hashes -o requirements.txt`. From a list `dlm-build lock ITEM` makes the `conda-lock.yml` that
    leaves nothing open.

    Before: `"requirement_file": "uv.lock"`. After: `"requirement_file": "conda-lock.yml"`.
    """


# --- the image ---------------------------------------------------------------------------------------------------


class ImageWithoutDigest(Kind):
    """the image "{found}" is named by a tag, which may be moved to another image"""

    severity = HYGIENE
    fix = "append @sha256:… with the digest that `docker buildx imagetools inspect` prints"
    more = """
    A published image is evidence of the environment the model was made in; dlm-build does not build from it. Under the
    same tag there may be another one next year. `dlm-build check --online` prints the digest it has today.
    """
