"""What an address really leads to, as far as its words tell."""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, HYGIENE, VERIFICATION, Kind


class RawUrlInferred(Kind):
    """ "{found}" is {what}; inferred from it, {url} is fetched in its place"""

    severity = HYGIENE
    fix = 'write "{url}"'
    more = """
    The address that a browser shows for a file is often a page about the file, with menus around it. Whoever fetches
    it by program gets HTML and not the weights. For hosts that document where the file itself is, dlm-build fetches
    that; the item keeps what was published.

    Before: `https://github.com/me/model/blob/v1/model.mar`. After: `https://github.com/me/model/raw/v1/model.mar`.
    """


class ShareUrlInferred(Kind):
    """ "{found}" is {what}; inferred from it, {url} is tried in its place, and may answer with a page instead"""

    severity = VERIFICATION
    fix = "{instead}"
    more = """
    A share page is for people. The service may serve the file at another address, and may also ask for a
    confirmation that the file was not scanned for viruses, stop after some downloads a day, or change the address.
    A page is never taken for weights: its first bytes give it away, and the build stops.

    Before: `https://drive.google.com/file/d/…/view`. After: a release, or a deposit such as
    `https://zenodo.org/records/…/files/model.zip?download=1`, with its `file:checksum`.
    """


class ModelHasNoAddress(Kind):
    """ "{found}" is {what}: there is no address of the model's file"""

    severity = BUILD
    fix = "{instead}"
    more = """
    Weights are fetched with a plain GET: without an account, a browser or a program of the host. This text does not say
    for certain which address would serve them, and dlm-build does not guess.

    Before: `https://huggingface.co/me/model`. After:
    `https://huggingface.co/me/model/resolve/<commit>/model.safetensors`.
    """


class NamedFileIsNone(Kind):
    """ "{found}" is {what}; a build needs the file itself, and refuses it"""

    severity = BUILD
    fix = "{instead}"
    more = """
    The environment, the sample and its expected output are fetched with a plain GET, as the weights are. A page about
    them, a repository or a container image holds them for people, or for another program.

    Before: an asset `{"href": "https://github.com/me/model", "roles": ["environment"]}`. After:
    `{"href": "https://github.com/me/model/raw/v1/environment.yml", "roles": ["environment"]}`.
    """


class HrefNamesNoFile(Kind):
    """ "{found}" is {what}; nothing can be fetched from it"""

    severity = HYGIENE
    fix = "{instead}"
    more = """
    An asset is a file, but this href names none, so nothing can use the asset. The build does not need it.

    Before: `"href": "available upon request"`. After: the address of the file, or no asset.
    """


class HrefMoves(Kind):
    """ "{found}" follows {ref}, so the model's bytes may change under the same item"""

    severity = VERIFICATION
    fix = 'name a commit in place of {ref}, or add "file:checksum": "1220…" of the file'
    more = """
    A branch, and a host's "latest", serve other bytes tomorrow. The lock keeps the sha256 of what was fetched, so a
    rebuild notices the change; only a commit in the address, or a checksum in the item, says what was meant.

    Before: `.../resolve/main/model.pth`. After: `.../resolve/0123456789abcdef0123456789abcdef01234567/model.pth`.
    """


class HrefEnds(Kind):
    """the address is signed for a time, and then ends"""

    severity = VERIFICATION
    fix = "publish the file at an address that needs no signature"
    more = """
    A signature in an address opens a private file for hours or days. After that the host answers 403, and the model
    cannot be fetched any more. The signature also is a secret that everybody who reads the item has.

    Before: `https://bucket.s3.amazonaws.com/model.zip?X-Amz-Signature=…`. After: the same file made public, or a copy
    in an archive of data.
    """


class CommitFromUrl(Kind):
    """the commit {found}, inferred from the address of the source, is used"""

    severity = HYGIENE
    fix = 'write "model_commit_hash": "{found}"'
    more = """
    The address names all digits of a commit, so the source is pinned as well as by a field of its own. A field is
    easier to find, and stays when the address is shortened.

    Before: `"model_src_url": "https://github.com/me/model/tree/0123…"`. After: the repository's address, and
    `"model_commit_hash": "0123…"`.
    """


class HttpsInferred(Kind):
    """ "{found}" can only be opened with an ssh key; {url}, inferred from it, is asked instead"""

    severity = HYGIENE
    fix = 'write "{url}"'
    more = """
    An ssh address opens only for those whose key its host knows. The large code hosts serve a public repository to
    everybody at an https address, so that one is taken. Whether another host does so, nobody can tell.

    Before: `git@github.com:me/model.git`. After: `https://github.com/me/model`.
    """


class ContradictionCommit(Kind):
    """the address names the commit {found}, and a field of its own says {used}, which is used"""

    severity = VERIFICATION
    fix = "keep one of the two"
    more = """
    Two commits are two programs. The field that is there to name the commit is believed; where the address was meant,
    another code is built than was published.

    Before: `"model_src_url": "https://github.com/me/model/tree/0123…", "model_commit_hash": "89ab…"`. After: the
    repository's address and one commit.
    """


class SourceHasNoRepository(Kind):
    """ "{found}" is {what}, not a git repository; it is asked all the same"""

    severity = VERIFICATION
    fix = "link the repository, e.g. https://github.com/me/my-model, and its commit"
    more = """
    The code is fetched with git, at one commit. An archive's record, a DOI or a share page has no commits. Where the
    model's code is part of its archive, no source is needed.

    Before: `"model_src_url": "https://doi.org/10.5281/zenodo.…"`. After: the repository that the record was made from,
    with the commit of the release; or the code inside the model archive.
    """
