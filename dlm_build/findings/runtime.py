"""What runs the model: framework, version, handler, source, container."""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, HYGIENE, VERIFICATION, Kind


class NoFramework(Kind):
    """no framework is given, so it has to be inferred"""

    severity = VERIFICATION
    fix = 'add "framework": "PyTorch"'
    more = """
    Everything that is installed follows from the framework. Without its name the environment file is asked, then the
    kind of the weights (`.onnx`, `.pth`, `.h5`, …). Where neither tells, the model is taken for one that Python alone
    runs in its environment; without an environment, the build stops and says so.

    Before: `"dlm:runtime": {"version": "1.7.1"}`. After: `"dlm:runtime": {"framework": "PyTorch", "version": "1.7.1"}`.
    """


class NoFrameworkVersion(Kind):
    """no framework version is given, so one of the item's time is taken"""

    severity = VERIFICATION
    fix = 'add "version": "1.7.1" with the version of the framework that the model was made with'
    more = """
    Weights of one version often do not load in another, and results differ between versions. Without it, the version
    that the environment file installs is used, else the newest that was out at the item's date; the plan says which.

    Before: `"framework": "PyTorch"` alone. After: `"framework": "PyTorch", "version": "1.7.1"`.
    """


class VersionIsANumber(Kind):
    """is the number {found}, not a text: its patch level is unknown, and a final zero may have been lost"""

    severity = VERIFICATION
    fix = 'write the full version as a text, e.g. "{found}.0"'
    more = """
    As a number, `1.10` and `1.1` are one, and `1.5` may have been 1.5.0 or 1.5.1. dlm-build reads the digits as they
    were written, and takes the newest patch release that was out at the item's date.

    Before: `"version": 1.5`. After: `"version": "1.5.1"`.
    """


class VersionIsOpen(Kind):
    """ "{found}" leaves the last number of the version open, so the newest that was out at the item's date is taken"""

    severity = VERIFICATION
    fix = "write the whole version, e.g. {example}"
    more = """
    Releases that differ in the last number only may load other weights and give other results. The item does not say
    which one it was made with; the plan says which one was taken.

    Before: `"version": "1.7.x"`. After: `"version": "1.7.1"`.
    """


class VersionInWords(Kind):
    """ "{found}" is not one exact version, so one of the item's time is taken"""

    severity = VERIFICATION
    fix = 'write "version": "1.7.1", the version of the framework that the model was made with'
    more = """
    A range says with which versions the model may run, and a word such as `latest` means another one each month.
    Weights of one version often do not load in another, and results differ. The version that the environment file
    installs is used, else the newest that was out at the item's date; the plan says which.

    Before: `"version": ">=1.9"`. After: `"version": "1.9.1"`.
    """


class VersionOfPackage(Kind):
    """{found} is a version of {package}, which counts apart from {framework}, whose own version is not given"""

    severity = VERIFICATION
    fix = "name {framework} itself as the framework, and its own version"
    more = """
    A library on top of a framework has version numbers of its own: PyTorch Lightning 1.7.1 ran on PyTorch 1.9 to 1.12,
    Keras 3 runs on TensorFlow 2.16 and newer. As the framework's version, that number would mean one that has nothing
    to do with the model. So the framework's version is taken from the environment file, or else is one of the item's
    time. Of Keras, 2.4 to 2.15 came with TensorFlow of the same number and are read as that.

    Before: `"framework": "pytorch-lightning", "version": "1.7.1"`. After: `"framework": "PyTorch", "version":
    "1.12.1"`.
    """


class VersionUnreadable(Kind):
    """ "{found}" is not a version, so a build refuses it"""

    severity = BUILD
    fix = "{how}"
    more = """
    Everything that is installed follows from the framework's version. A date, a code name or a text for people names
    none, and a build does not guess which one was meant.

    Before: `"version": "2021-05-01"`. After: `"version": "1.8.1"`.
    """


class RunNotPlain(Kind):
    """{why}; a build refuses it"""

    severity = BUILD
    fix = "{how}"
    more = """
    The command is started as a program with its arguments. No shell reads it, so a pipe, a redirection, a variable or a
    pattern such as `*.tif` would mean nothing. The placeholders are `{input}`, `{output}` and `{model}`. If the
    operator gives `--allow-shell`, a shell in the container runs a command that needs one.

    Before: `"run": "python predict.py in.tif | tee log"`. After: `"run": "python predict.py {input} {output}"`.
    """


class HandlerRefused(Kind):
    """{why}; a build refuses it"""

    severity = BUILD
    fix = "{how}"
    more = """
    A handler is a file or a module and, behind a colon, a function or a class in it, all by names that Python has: no
    hyphens. One that is a file lies in the model's archive or in the source, and a model that is one file has no
    archive.

    Before: `"model_handler": "my-model.predict:run-it"`. After: `"model_handler": "my_model.predict:run_it"`.
    """


class WorkingDirRefused(Kind):
    """{why}; a build refuses it"""

    severity = BUILD
    fix = "{how}"
    more = """
    The working folder of a model gets an empty file system laid over it, which hides what the image has there. So it
    cannot be a folder of the system, of temporary files or of dlm-build. `/opt/NAME` and `/usr/src/NAME`, where images
    keep an application, are allowed.

    Before: `"working_dir": "/usr/local/app"`. After: `"working_dir": "/workspace"`.
    """


class SourceRefused(Kind):
    """{why}; a build refuses it"""

    severity = BUILD
    fix = "{how}"
    more = """
    The code is fetched by git over https from a public host, without an account or a key, so that everybody can. An
    address of another kind cannot be asked, or may lead into a network of somebody's own. A host of your own is allowed
    in the settings (`network.allow_hosts`).

    Before: `"model_src_url": "git@git.example.org:me/model.git"`. After:
    `"model_src_url": "https://git.example.org/me/model"`.
    """


class TagInImageName(Kind):
    """holds the tag "{found}"; read apart"""

    severity = HYGIENE
    fix = 'write "tag": "{found}" beside the bare name'
    more = """
    The name of an image and its tag have fields of their own. Together in one they are told apart at the last colon.

    Before: `"image_name": "thelper-geo:latest"`. After: `"image_name": "thelper-geo", "tag": "latest"`.
    """


class ContradictionTag(Kind):
    """holds the tag "{found}", but {other} says "{used}", which is used"""

    severity = VERIFICATION
    fix = "keep one of the two"
    more = """
    The image is named with two tags. An image is evidence about the environment the model was made in, so the wrong one
    may name another CUDA or another framework.

    Before: `"image_name": "me/model:1.0", "tag": "2.0"`. After: `"image_name": "me/model", "tag": "2.0"`.
    """


class ImageInferred(Kind):
    """ "{found}" is {what}; inferred from it, the image is {image}"""

    severity = HYGIENE
    fix = 'write "{image}"'
    more = """
    An image is named as for a pull, without a scheme. The page of a registry about it names it too, and is for people.

    Before: `"image_name": "https://hub.docker.com/r/me/coast"`. After: `"image_name": "docker.io/me/coast"`.
    """


class ImageNotRead(Kind):
    """ "{found}" names no image that could be pulled; left out"""

    severity = HYGIENE
    fix = 'write it as for a pull: "docker.io/me/my-model", with the tag or the digest'
    more = """
    An address stands where an image's name belongs, and no host that is known has images at such an address. The image
    is evidence only: dlm-build makes its own.

    Before: `"image_name": "https://example.org/models/coast"`. After: `"image_name": "docker.io/me/coast"`.
    """


class FolderNotAbsolute(Kind):
    """ "{found}" does not begin at the root; read as "{read}\""""

    severity = HYGIENE
    fix = 'write "{read}"'
    more = """
    A container starts at its root, so a folder's name without a slash before it is seen from there.

    Before: `"working_dir": "work"`. After: `"working_dir": "/work"`.
    """


class CommandIsAList(Kind):
    """is a list of words; read as the command `{read}`"""

    severity = HYGIENE
    fix = "write it as one text"
    more = """
    Dockerfiles and Compose files allow a command as a list of its words. Here it is one text, its words quoted where
    they have spaces.

    Before: `"run": ["predict", "--input", "{input}"]`. After: `"run": "predict --input {input}"`.
    """


class SourceNotPinned(Kind):
    """{what}, so the source may change under the same item; a build takes it with --allow-unpinned only"""

    severity = VERIFICATION
    fix = 'add "model_commit_hash": "…" with all 40 hex digits that `git rev-parse HEAD` prints'
    more = """
    A branch or a tag moves. The code that is fetched next year need not be the code that made the published result, and
    somebody else may have changed it. So the commit is a guess that the operator has to allow: a build shows today's
    commit and ends with exit code 8 (`unpinned`); with `--allow-unpinned` it takes and locks the code as it was at the
    item's date.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with `"model_commit_hash":
    "0123456789abcdef0123456789abcdef01234567"` beside it.
    """


class DockerFileIsAPage(Kind):
    """is a web page about a Dockerfile, not the file"""

    severity = HYGIENE
    fix = "link the raw file; it is evidence only and never built"
    more = """
    A page of a code host shows the file among menus. dlm-build never builds a published Dockerfile, so nothing depends
    on it; somebody who wants to read it by program will get HTML.

    Before: `https://github.com/me/model/blob/main/Dockerfile`. After:
    `https://raw.githubusercontent.com/me/model/main/Dockerfile`.
    """
