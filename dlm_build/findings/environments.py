"""Environment files: what of them is read otherwise than written, and what they leave out."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind

# --- lines -----------------------------------------------------------------------------------------------------------


class ConstraintLost(Kind):
    """{place}: {found} is left out: it is neither a name with versions, nor a file of such lines that is beside it"""

    severity = VERIFICATION
    fix = "put the file beside the one that names it, and write constraints as names with versions"
    more = """
    The versions in a constraints file hold for whatever pip installs, and ask for nothing themselves. A line of one
    that is an address or an option holds for nothing here; nor does a file that is not where it is said to be, or
    behind an address.

    Before: `-c https://example.org/constraints.txt`. After: `-c constraints.txt`, and that file in the archive.
    """


class HashesUnused(Kind):
    """{found}: its hashes are not compared with what is locked"""

    severity = VERIFICATION
    fix = "publish a conda-lock.yml: the hashes in one are kept"
    more = """
    The versions of a requirements file are kept and its hashes are not: dlm-build solves anew as of the item's date,
    and locks the hashes it finds. A file that was replaced on the index since would not be noticed.

    Before: `numpy==1.19.2 --hash=sha256:…` in requirements.txt. After: the same package in a conda-lock.yml.
    """


class ImportName(Kind):
    """{place}: {found} is taken for {wanted}, which is what the package is called"""

    severity = HYGIENE
    fix = "write {wanted}"
    more = """
    What a program imports is not always what is installed: `import cv2` comes with opencv-python. Under the name of the
    import there is no package, one of a stranger, or an empty one; the version of an empty one, `0.0`, is left out.

    Before: `sklearn==0.24.1`. After: `scikit-learn==0.24.1`.
    """


class LocalVersion(Kind):
    """{place}: the local version +{found} is dropped: the package index has no such builds"""

    severity = VERIFICATION
    fix = "write the version without it; the index's own build of that version is used"
    more = """
    A version behind a plus sign is somebody's own build, kept on a server of theirs. Those servers are not asked; the
    index's build of the same version may be made for another CUDA. What it tells is heeded: `+cu111` is taken for the
    CUDA, and with `+cpu` a model whose item says nothing of a GPU is planned for the CPU.

    Before: `torch==1.9.0+cu111`. After: `torch==1.9.0`.
    """


class OwnTree(Kind):
    """{place}: {found} is left out: the model's own source is put on the module path, not installed"""

    severity = VERIFICATION
    fix = "list what its setup requires in the environment file"
    more = """
    Installing a source tree runs its setup, a stranger's program, while the image is built. The tree is made importable
    instead. So whatever else its setup would have done is missing: packages it installs, code it compiles, commands it
    adds.

    Before: `-e .`. After: the requirements of the setup, line by line.
    """


class PipOption(Kind):
    """{place}: {found} is left out: where packages come from is set by this site, not by the item"""

    severity = VERIFICATION
    fix = "remove the line, and use packages that the package index has"
    more = """
    An item that could name its own index could name a hostile one. Packages come from where the operator's settings
    say; a package that is only elsewhere is not found, or found in another build.

    Before: `--extra-index-url https://example.org/simple`. After: no such line.
    """


class StarBehindOrder(Kind):
    """{place}: {found} is read as {wanted}"""

    severity = HYGIENE
    fix = "write {wanted}"
    more = """
    A star stands for any number, behind `==` and `!=` only. Until 2024, pip took it behind `>=` and `<` too, where it
    says nothing; now it refuses the whole file.

    Before: `numpy>=1.16.*`. After: `numpy>=1.16`.
    """


class Selector(Kind):
    """{found} is for another system"""

    severity = HYGIENE
    fix = "remove the line, if nobody builds for that system"
    more = """
    A selector, such as `# [win]`, keeps a line for one system. Images are for Linux, so lines for other systems are
    left out, as conda-build does. Other words in brackets are taken for a remark.

    Before: `- pywin32  # [win]`. After: no such line.
    """


class EnvironmentKey(Kind):
    """{file}: {found} is not used"""

    severity = HYGIENE
    fix = "remove it"
    more = """
    Of an environment file, dlm-build reads the name, the channels and the dependencies. Other keys matter only to the
    tool that wrote it.

    Before: `category: main`. After: no such key.
    """


class EnvironmentVariables(Kind):
    """{file}: {found} is not used"""

    severity = VERIFICATION
    fix = "set what the model needs in its own code: an item's environment variables never reach the container"
    more = """
    Some environment variables make a program load code before its own, so none is taken from an item. A model that
    counts on one may run otherwise than published.

    Before: `variables: {TF_DETERMINISTIC_OPS: 1}`. After: `os.environ.setdefault(…)` at the top of the handler.
    """


# --- files -----------------------------------------------------------------------------------------------------------


class EnvironmentNotUsed(Kind):
    """{found} is not used: {used} comes first"""

    severity = HYGIENE
    fix = "keep one"
    more = """
    Of several environment files one is taken: a lock before a conda file before a list for pip, and the item's own
    before the archive's before the source's.

    Before: environment.yml and requirements.txt with other versions. After: environment.yml.
    """


class EnvironmentInferred(Kind):
    """no environment is declared; {found}"""

    severity = VERIFICATION
    fix = "{environment}"
    more = """
    The inferred environment has the framework and what its runner needs, as of the item's date. Whatever else the
    model's code imports is missing, and every version but the framework's is chosen and not published.

    Before: an archive with weights alone. After: the conda-lock.yml that `dlm-build lock` wrote, beside them.
    """


class ProgramUnknown(Kind):
    """nothing declared installs the program {found} that the command starts"""

    severity = VERIFICATION
    fix = "put an environment.yml that installs it into the archive"
    more = """
    The command begins with a program that is neither Python nor a shell, and no environment file says which package
    brings it. If none of the inferred packages does, the run ends with "not found".

    Before: `"run": "thelper infer …"` and no environment. After: an environment.yml with `thelper`.
    """


class NoChannel(Kind):
    """{found} names no channel; conda-forge is used"""

    severity = HYGIENE
    fix = "add `channels: [conda-forge]`"
    more = """
    Without channels, each installation of conda has its own default, so the same file gives different packages.
    conda-forge has nearly everything, under a licence that lets images be shared.

    Before: `dependencies: [numpy]`. After: `channels: [conda-forge]` above it.
    """


class FrameworkPinned(Kind):
    """{place}: {found} has no version; {used} is the item's"""

    severity = HYGIENE
    fix = "write {found}={used}"
    more = """
    The environment file leaves the framework's version open and the item declares one, so that is installed.

    Before: `- pytorch`. After: `- pytorch=1.5.1`.
    """


class FrameworkAdded(Kind):
    """{found} does not install {framework}; {used} is added"""

    severity = VERIFICATION
    fix = "add {used} to the environment"
    more = """
    Publishers leave out what their base image had. The item's framework is added to the environment in the version that
    the item declares; other packages may have to give way to it.

    Before: a requirements.txt without torch. After: `torch==1.5.1` in it.
    """


class FrameworkNotInstalled(Kind):
    """{found} installs nothing called {framework}, and nothing is added to it"""

    severity = VERIFICATION
    fix = "install {framework} in it, or name what runs the model as the framework"
    more = """
    A lock is installed as it is, and of a framework that is in no table, only the environment tells what to install.
    Where the model needs the framework all the same, its import fails when the sample is run.

    Before: `"framework": "PyTorch"` and a conda-lock.yml without pytorch. After: one that was solved with it.
    """


class CudaAdded(Kind):
    """{found} added: no base image has CUDA {cuda} any more"""

    severity = VERIFICATION
    fix = "add {found} to the environment"
    more = """
    Images with the old versions of CUDA were deleted from the registries. conda still has the libraries, so they are
    installed in the environment; the framework's build is the one that goes with them.

    Before: `pytorch=1.5.1`. After: `pytorch=1.5.1` and `cudatoolkit=10.2`.
    """


class RunnerNeeds(Kind):
    """{found} does not install {used}, which the {runner} runner needs; it is added"""

    severity = VERIFICATION
    fix = "add {used} to the environment"
    more = """
    Without a handler or a command, dlm-build's own code reads the sample and runs the weights, and needs numpy and a
    reader of pictures for that. Their versions are chosen and not published.

    Before: an environment with onnxruntime alone. After: numpy and tifffile besides.
    """


class NeedsLibGl(Kind):
    """{found} needs libGL.so.1, which no base image has"""

    severity = VERIFICATION
    fix = "write {wanted}"
    more = """
    The wheels of OpenCV that can open windows need a library for graphics, which is in no image made for servers, and
    no package of an index brings it: `import cv2` ends with "libGL.so.1: cannot open shared object file". Those called
    headless are the same without the windows.

    Before: `opencv-python==4.8.1.78`. After: `opencv-python-headless==4.8.1.78`.
    """
