"""What servers said when they were asked (`check --online`)."""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, HYGIENE, VERIFICATION, Kind


class ModelNotServed(Kind):
    """ "{found}" {what}"""

    severity = BUILD
    fix = "{how}"
    more = """
    The server was asked for the first bytes of the model, as a build asks: without an account, by a plain GET. It
    answered that the file is not there, or that it is not for everybody. A build from this item fails today.

    Before: an address that answers 404 or 403. After: an address that serves the file, such as a deposit in an archive
    of data.
    """


class AssetNotServed(Kind):
    """ "{found}" {what}"""

    severity = VERIFICATION
    fix = "{how}"
    more = """
    The server was asked as a build would ask. Nothing that a build needs lies here, but whoever wants this asset cannot
    have it.

    Before: an address that answers 404 or 403. After: an address that serves the file.
    """


class NeededNotServed(Kind):
    """ "{found}" {what}"""

    severity = BUILD
    fix = "{how}"
    more = """
    The server was asked as a build would ask. The item names this file as its sample, its expected output or its
    environment, so a build fetches it, and stops where it is not there.

    Before: an address that answers 404 or 403. After: one that serves the file; or an item that does not name it.
    """


class ModelIsAnotherThing(Kind):
    """ "{found}" {what}"""

    severity = BUILD
    fix = "{how}"
    more = """
    The server answers, and what it sends is surely not a model: its first bytes are those of a web page, of a pointer,
    or of an error, whatever media type it or the item declares. A build stops there, and never takes it for weights.

    Before: `https://drive.google.com/file/d/…/view`. After: an address whose first bytes are the file's.
    """


class NeededIsAnotherThing(Kind):
    """ "{found}" {what}"""

    severity = BUILD
    fix = "{how}"
    more = """
    The server answers with a web page, a pointer or an error in place of the sample, the expected output or the
    environment that the item names, as its first bytes tell. A build fetches it, and stops there.

    Before: the page about `sample.tif`. After: the address of `sample.tif` itself.
    """


class AssetIsAnotherThing(Kind):
    """ "{found}" {what}"""

    severity = VERIFICATION
    fix = "{how}"
    more = """
    The server answers with a web page, a pointer or an error in place of the file, as its first bytes tell.

    Before: the page about `sample.tif`. After: the address of `sample.tif` itself.
    """


class SizeDiffers(Kind):
    """the server has {served} bytes, and the item promises {found}"""

    severity = BUILD
    fix = 'write "file:size": {served}, where the file was changed on purpose; else serve the one that was meant'
    more = """
    The file is not the one that the item was written for. A build compares the size, and the digest where there is one,
    and stops at the first difference.

    Before: `"file:size": 1234` of a file that was replaced. After: the size and the checksum of the file that is there.
    """


class ChecksumDiffers(Kind):
    """the server says that the file's sha256 is {served}, and the item promises {found}"""

    severity = BUILD
    fix = 'write "file:checksum": "1220{served}", where the file was changed on purpose; else serve what was meant'
    more = """
    Some servers tell the sha256 of a file beside it. This one differs from the promised one, so a build would stop when
    the last byte has come.

    Before: a `file:checksum` of an older file. After: that of the file that is served.
    """


class CouldNotBeAsked(Kind):
    """ "{found}" could not be asked: {why}"""

    severity = HYGIENE
    fix = "{how}"
    more = """
    No answer came: the network, a proxy, a name that does not resolve, a server that is busy or slow. That says nothing
    about the item, and does not change its grade; ask again later, or from another place.

    Nothing in the item needs to be changed for it.
    """


class AddressNotAllowed(Kind):
    """ "{found}" is not asked: {why}"""

    severity = BUILD
    fix = "{how}"
    more = """
    Addresses in an item come from a stranger. They must be https, without credentials, and lead to public addresses,
    also after redirects; a build refuses the others. Hosts of your own are allowed in the settings
    (`network.allow_hosts`).

    Before: `"href": "http://10.0.0.7/model.zip"`. After: `"href": "https://example.org/model.zip"`.
    """


class AsideNotAllowed(Kind):
    """ "{found}" is not asked: {why}; a build does without it"""

    severity = HYGIENE
    fix = "{how}"
    more = """
    Addresses of this kind are never asked for a stranger's item, as `address-not-allowed` says. This one is for people,
    or names nothing that a build uses, so it does not stop the build.

    Before: `"thumbnail": {"href": "http://10.0.0.7/view.png"}`. After: `"href": "https://example.org/view.png"`.
    """


class NotAllAsked(Kind):
    """{count} addresses are named; the first {asked} were asked"""

    severity = HYGIENE
    fix = "publish what a model needs, and give the rest an item of its own"
    more = """
    An item with thousands of addresses could make dlm-build ask thousands of servers. So only the first ones of an item
    are asked; a build asks those of the others that it needs.

    Before: a model with ten thousand assets. After: a model with its weights, its sample and its environment.
    """


class ImageDigest(Kind):
    """the image {found} is {digest} today"""

    severity = HYGIENE
    fix = 'write "{pinned}"'
    more = """
    A tag moves; a digest does not. The registry was asked what the tag means now. Where that is still the image the
    result was made with, its digest is worth more than the tag: it is evidence about CUDA, Python and the framework.

    Before: `"image_name": "me/model", "tag": "1.0"`. After: `"image_name": "docker.io/me/model@sha256:…"`.
    """


class ImageGone(Kind):
    """the image {found} is not there: {why}"""

    severity = VERIFICATION
    fix = "correct the name, or make the image public; it is evidence, and a build does without it"
    more = """
    The registry was asked as anybody may, without an account. dlm-build makes images of its own; a published one only
    tells more about the environment, and is a last resort for those who cannot rebuild.

    Before: `"image_name": "my-model:latest"`, which was never pushed. After: `"docker.io/me/my-model@sha256:…"`.
    """


class ImageNotAsked(Kind):
    """the image {found} was not asked for: {why}"""

    severity = HYGIENE
    fix = "name an image of a public registry; it is evidence, and a build does without it"
    more = """
    A registry is asked over https and at a public address, unless it is a mirror of the settings. Whether the image is
    there is not known.

    Before: `"image_name": "127.0.0.1:5000/me/model"`. After: `"image_name": "docker.io/me/model@sha256:…"`.
    """


class SourceNotThere(Kind):
    """{why}"""

    severity = BUILD
    fix = "{how}"
    more = """
    The repository, or the commit, was asked for with git, as a build does, without an account. A commit counts only if
    it is in the history of a branch or a tag: one that a forced push replaced, or that only a fork has, may vanish.

    Before: a repository that was made private. After: a public one, and a commit of its main branch.
    """


class UnusedSourceNotThere(Kind):
    """{why}; the model runs without this code, and a build leaves it out"""

    severity = HYGIENE
    fix = "{how}"
    more = """
    As `source-not-there`, of code that nothing in the item runs: the weights hold their own program. Readers still want
    to see it.

    Before: a repository that was made private. After: a public one, and a commit of its main branch.
    """


class SourceStandsAt(Kind):
    """source {url}: {named} is {found} today"""

    severity = HYGIENE
    fix = "{fix}"
    more = """
    The item names a branch, a tag or nothing at all, so a build has to be told which commit to take. This is what the
    repository has now. It need not be the code that the published result was made with.

    Before: `"model_src_url": "https://github.com/me/model"`. After: the same with its `"model_commit_hash"`.
    """


class AllowedHere(Kind):
    """ "{found}" is asked here, since the settings of this site allow its host; others refuse it"""

    severity = VERIFICATION
    fix = "give a public https address, if the item is for others too"
    more = """
    Of addresses that an item gives, only public ones are asked, over https, unless `network.allow_hosts` names the
    host. So this item can be built here. The grade, which is about the item, counts the address as a guess.

    Before: `"href": "http://models.example.internal/model.zip"`. After: `"href": "https://example.org/model.zip"`.
    """
