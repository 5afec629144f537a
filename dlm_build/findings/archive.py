"""What the archive, its manifest and the source hold, against what was said of them."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind

# --- the item's names ------------------------------------------------------------------------------------------------


class ArchiveNameFoundElsewhere(Kind):
    """the item lists {found}, taken to be the archive's {path}"""

    severity = HYGIENE
    fix = 'write "{path}"'
    more = """
    The archive has no member of that path, and just one of that base name.

    Before: `{"name": "sample.tif"}`. After: `{"name": "data/sample.tif"}`, as it is in the archive.
    """


class ArchiveNameMissing(Kind):
    """the item lists {found}, and the archive has no such member{several}"""

    severity = VERIFICATION
    fix = "correct the name, or put the file into the archive"
    more = """
    The list of members and the members disagree, so one of them is of another version of the model. If the weights or
    the sample are concerned, the build stops when it looks them up.

    Before: `{"name": "labels.json"}` beside an archive without it. After: the archive with it, or the list without.
    """


class ArchiveOutsideItemFolder(Kind):
    """{found} lies outside the item's folder, so it does not travel with the item"""

    severity = VERIFICATION
    fix = "put it beside the item and use a relative href, or publish it"
    more = """
    A path that leads out of the item's own folder is good on this machine only. The build goes on with the file that is
    there now; whoever gets the item does not have it.

    Before: `"href": "../models/coast.mar"`. After: `"href": "./coast.mar"`.
    """


class FileBesideArchive(Kind):
    """{found} is not in the archive; this asset is taken for it"""

    severity = HYGIENE
    fix = "put it into the archive, so that the two cannot part"
    more = """
    The item names a file as if it were in the archive, and has an asset of that key or name. Its bytes are fetched and
    locked like the archive's.

    Before: a model archive, and `sample.tif` as an asset of its own. After: `sample.tif` in the archive.
    """


class RequirementFileFoundElsewhere(Kind):
    """requirement_file {found} is taken to be {path} of the {place}"""

    severity = HYGIENE
    fix = 'write "{path}"'
    more = """
    No file lies at the path that is given, and just one of that base name is there.

    Before: `"requirement_file": "environment.yml"`. After: `"requirement_file": "env/environment.yml"`.
    """


class ManifestNamesMissingMember(Kind):
    """{place} names {found} as its {field}, and the archive has no such member"""

    severity = VERIFICATION
    fix = "write the archive anew with that file"
    more = """
    The manifest inside the archive says which member holds the weights, the handler or the requirements. What it names
    is not there, so the archive was changed after it was packed, or packed without the file.

    Before: `"serializedFile": "model.pth"` in an archive without it. After: the archive as torch-model-archiver packs
    it.
    """


# --- the source's files ----------------------------------------------------------------------------------------------


class SourceLfsPointers(Kind):
    """source {url}: {count} entries ({found}) are git-lfs pointers, not the files themselves"""

    severity = VERIFICATION
    fix = "put what the model needs into the archive"
    more = """
    Git LFS keeps a few lines in place of a large file. Code that reads such a file at run time finds those lines, and
    fails or goes wrong.

    Before: weights under LFS in the repository. After: the same weights in the model archive.
    """


class SourceSubmodules(Kind):
    """source {url}: {count} entries ({found}) are submodules, which are not fetched"""

    severity = VERIFICATION
    fix = "put what the model needs into the archive"
    more = """
    A submodule is another repository at an address that the first one names. It is not followed; code that imports from
    it fails.

    Before: `vendor/models` as a submodule. After: that code as a package of the environment, or in the archive.
    """


class SourceLinksLeftOut(Kind):
    """source {url}: {count} entries ({found}) are links to folders or to nothing, and are left out"""

    severity = VERIFICATION
    fix = "put what the model needs into the archive"
    more = """
    A link to a file of the repository becomes a copy of that file. A link to a folder, or to what is not there, has
    nothing to copy.

    Before: `data` as a link to `../shared/data`. After: the files that are needed, in the archive.
    """
