"""What is found while the files and the code behind an item are fetched."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind


class LfsPointerFollowed(Kind):
    """ "{found}" serves a Git LFS pointer; the object it names was fetched from {url}"""

    severity = HYGIENE
    fix = 'write "{url}"'
    more = """
    A repository with Git LFS keeps a few lines in place of a large file: the sha256 and the size of an object stored
    elsewhere. The raw address serves those lines. dlm-build fetched the object, and its bytes have that sha256.

    Before: `https://raw.githubusercontent.com/me/model/v1/net.pth`. After:
    `https://github.com/me/model/raw/v1/net.pth`, which leads to the object.
    """


class SourceLeftOut(Kind):
    """source {url}: the item names {found}, and nothing in it runs that code; it is left out"""

    severity = VERIFICATION
    fix = "{fix}"
    more = """
    A model of ONNX or TorchScript runs from its file alone: the item has no command and no handler, and its environment
    is not declared in the source only. Code that may change under the item is then better kept out of the image. If the
    item names a full commit, or with `--allow-unpinned`, the code is put beside the model, provided that it can be
    fetched.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with its `"model_commit_hash"`.
    """


class SourcePinnedByDate(Kind):
    """source {url}: the item names {named}; {found} of {day}, inferred as the last commit of {branch} before {place}
    ({date}), was taken and is locked"""

    severity = VERIFICATION
    fix = "{fix}"
    more = """
    If an item names a branch, or neither branch nor commit, `--allow-unpinned` takes the code as it was at the item's
    date: the commit that the branch pointed to then is more likely what the publisher ran than the code of today. It is
    found in the branch's own history, so a branch that was rewritten since may give another commit.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with its `"model_commit_hash"`.
    """


class SourcePinnedToday(Kind):
    """source {url}: the item names {named}{why}; {found} was found and is locked"""

    severity = VERIFICATION
    fix = "{fix}"
    more = """
    With `--allow-unpinned`, today's commit is taken if the item has no date, if all of its code is younger than that
    date, or if it names a tag. Nobody promised that this commit made the published result.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with its `"model_commit_hash"`.
    """
