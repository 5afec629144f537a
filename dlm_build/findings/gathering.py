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
    is not declared in the source only. Code that may change under the item is then better not in the image. With a full
    commit, or with `--allow-unpinned`, it goes in beside the model, where it can be had.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with its `"model_commit_hash"`.
    """


class SourcePinnedByDate(Kind):
    """source {url}: the item names {named}; {found} of {day}, inferred as the last commit of {branch} before {place}
    ({date}), was taken and is locked"""

    severity = VERIFICATION
    fix = "{fix}"
    more = """
    With `--allow-unpinned`, code that is named by a branch or not at all is taken as it was at the item's date: the
    commit that the branch pointed to then is more likely what the publisher ran than the code of today. The date is
    that of the item, the order that of the branch itself; a branch that was rewritten since may have another past.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with its `"model_commit_hash"`.
    """


class SourcePinnedToday(Kind):
    """source {url}: the item names {named}{why}; {found} was found and is locked"""

    severity = VERIFICATION
    fix = "{fix}"
    more = """
    With `--allow-unpinned`, the commit of today is taken where the item has no date, where its code is younger than
    its date, or where it names a tag. Nobody promised that this commit made the published result.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with its `"model_commit_hash"`.
    """
