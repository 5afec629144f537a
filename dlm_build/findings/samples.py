"""The packaged sample and the list of the archive's members."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind

_ROWS = '"dlm:archive": [{{"name": "model.onnx", "roles": ["model weight"]}}]'
_SAMPLE = '"test_file": {{"filename": "sample.tif", "output": "expected.tif"}}'


class ArchiveNotAList(Kind):
    """is an object; read as a list of names"""

    severity = HYGIENE
    fix = f"write {_ROWS}"
    more = """
    The members of the archive are a list of objects, each with a name and roles. The keys of an object are taken for
    the names; what stands behind them is not read as roles.

    Before: `"dlm:archive": {"model.onnx": "weights"}`. After: `"dlm:archive": [{"name": "model.onnx", "roles":
    ["model weight"]}]`.
    """


class ArchiveRowNotAnObject(Kind):
    """is a text; read as a name without roles"""

    severity = HYGIENE
    fix = 'write {{"name": "…", "roles": ["…"]}}'
    more = """
    Without a role nothing says which member holds the weights or the sample; then they are looked for by name.

    Before: `"dlm:archive": ["model.onnx"]`. After: `"dlm:archive": [{"name": "model.onnx", "roles":
    ["model weight"]}]`.
    """


class ArchiveRowWithoutName(Kind):
    """is missing; the row is left out"""

    severity = VERIFICATION
    fix = 'add "name": "model.onnx"'
    more = """
    A row describes one member of the archive, and without a name it describes none. If it was the weights' or the
    sample's row, those have to be guessed or are not found.

    Before: `{"roles": ["model weight"]}`. After: `{"name": "model.onnx", "roles": ["model weight"]}`.
    """


class ArchiveNameRepeated(Kind):
    """ "{found}" is listed twice"""

    severity = HYGIENE
    fix = "keep one row, with all of its roles"
    more = """
    An archive has one member of a name. Both rows are about it, and their roles are taken together.

    Before: two rows named `sample.tif`. After: one row with `"roles": ["test set", "documentation"]`.
    """


class NoSample(Kind):
    """no sample is named, so the model cannot be run and there is nothing to verify"""

    severity = VERIFICATION
    fix = f"add {_SAMPLE}, both files in the archive"
    more = """
    The image can be built, but nothing shows that the model in it works. With a small input, dlm-build runs the model;
    with the expected output too, it compares and can end in `matches`.

    Before: `"dlm:data": {"dtype": "uint16"}`. After: `"dlm:data": {"dtype": "uint16", "test_file": {"filename":
    "sample.tif", "output": "expected.tif"}}`.
    """


class NoExpectedOutput(Kind):
    """no expected output is named, so nothing can be compared: a run can only end in `ran`"""

    severity = VERIFICATION
    fix = f"write {_SAMPLE}, both files in the archive"
    more = """
    Running without an error does not mean that the result is right: a wrong order of bands or a wrong scaling gives a
    map that looks like one. Only an output that the publisher made shows that it is still the same model.

    Before: `"test_file": "sample.tif"`. After: `"test_file": {"filename": "sample.tif", "output": "expected.tif"}`.
    """


class SeveralSamples(Kind):
    """is a list of {found}; the first is used"""

    severity = HYGIENE
    fix = f"write {_SAMPLE}"
    more = """
    One sample is run and compared. The first of a list is taken; the others may serve readers.

    Before: `"test_file": [{"filename": "a.tif"}, {"filename": "b.tif"}]`. After: `"test_file": {"filename": "a.tif",
    "output": "a_expected.tif"}`.
    """


class SampleIsAUrl(Kind):
    """ "{found}" is an address; a sample is read from the archive only, so it is left out"""

    severity = VERIFICATION
    fix = "put the file into the archive and name it there, or make it an asset of the item and name its key"
    more = """
    A sample behind an address of its own can change or vanish without the model's archive changing, and then the
    verdict means nothing. In the archive, or as an asset with a checksum, it belongs to the item.

    Before: `"test_file": "https://example.org/sample.tif"`. After: `"test_file": {"filename": "sample.tif", "output":
    "expected.tif"}`.
    """


class SamplePathInferred(Kind):
    """ "{found}" is taken to be "{path}" of the archive list, by its base name"""

    severity = HYGIENE
    fix = 'write "{path}" in both places'
    more = """
    The sample is named without its folder, and the list of the archive has one file of that name, so there is no doubt
    as long as the list is complete.

    Before: `"test_file": "input.tif"` beside `{"name": "./data/input.tif"}`. After: `"test_file": "data/input.tif"`.
    """


class SampleFromRoles(Kind):
    """the sample is taken to be "{found}" ({other}), whose role is "{role}"{others}"""

    severity = HYGIENE
    fix = f"add {_SAMPLE}"
    more = """
    No test file is named, but the list of the archive gives a member the role of one. It is used as the sample.

    Before: `{"name": "in.tif", "roles": ["test set"]}` alone. After: `"test_file": {"filename": "in.tif", "output":
    "out.tif"}` besides.
    """


class ExpectedFromRoles(Kind):
    """the expected output is taken to be "{found}" ({other}), whose role is "{role}"{others}"""

    severity = HYGIENE
    fix = f"add {_SAMPLE}"
    more = """
    The test file names no output, but the list of the archive gives a member the role of one. The result is compared
    with it.

    Before: `{"name": "out.tif", "roles": ["expected output"]}` alone. After: `"test_file": {"filename": "in.tif",
    "output": "out.tif"}` besides.
    """


class ContradictionSample(Kind):
    """the sample is "{found}", but {other} says "{path}"; the first is used"""

    severity = VERIFICATION
    fix = "name one file in both places"
    more = """
    The test file and the list of the archive name different files, or one file under different paths. The test file is
    believed; if the archive has no such member, its base name decides, and if that is not unique the build stops.

    Before: `"test_file": "a.tif"` beside `{"name": "b.tif", "roles": ["test set"]}`. After: `a.tif` in both.
    """
