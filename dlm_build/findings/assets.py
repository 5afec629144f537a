"""The item's assets: which files there are, where, and what is promised about them."""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, HYGIENE, VERIFICATION, Kind

_EXAMPLE = '"assets": {{"model": {{"href": "https://…/model.mar", "roles": ["model artefact"]}}}}'


class NoAssets(Kind):
    """no asset has an href: there are no weights to build with"""

    severity = BUILD
    fix = f"add {_EXAMPLE}"
    more = """
    An image needs the model's bytes, and an item says where they are in `assets`. Without a single address there is
    nothing to fetch; the item is descriptive only.

    Before: `"assets": {}`. After: `"assets": {"model": {"href": "https://example.org/model.mar", "roles":
    ["model artefact"]}}`.
    """


class AssetsNotAnObject(Kind):
    """is a list; read as an object"""

    severity = HYGIENE
    fix = f"write {_EXAMPLE}"
    more = """
    STAC keeps assets in an object, each under a key of its own. A list of objects with one key each, or of assets
    themselves, is read in the order given; other STAC tools refuse it.

    Before: `"assets": [{"model": {"href": "m.zip"}}]`. After: `"assets": {"model": {"href": "m.zip"}}`.
    """


class AssetKeyRepeated(Kind):
    """is read as "{name}", since another asset is named "{found}" too"""

    severity = HYGIENE
    fix = "give each asset a key of its own"
    more = """
    The key is how a sample, an environment file or the model itself is named elsewhere in the item. Of two assets with
    one key, the later gets a number behind it.

    Before: `"assets": [{"asset": …}, {"asset": …}]`. After: `"assets": {"model": …, "sample": …}`.
    """


class RolesNotAList(Kind):
    """{what}"""

    severity = HYGIENE
    fix = 'write a list, such as ["model artefact"]'
    more = """
    `roles` is a list, since a file may have several. A single text is taken for the only role; anything else is left
    out, and the asset then is chosen by its key or its name.

    Before: `"roles": "model artefact"`. After: `"roles": ["model artefact"]`.
    """


class NoHref(Kind):
    """{what}; the asset is left out"""

    severity = VERIFICATION
    fix = 'write "href": "https://…"'
    more = """
    An asset is a file behind an address. One without an address cannot be the model, a sample or an environment, so it
    is as if it were not there. If it was to be the model, the build stops for want of one.

    Before: `"model": {"title": "weights"}`. After: `"model": {"title": "weights", "href": "https://example.org/m.zip"}`.
    """


class HrefUnreadable(Kind):
    """ "{found}" is not one address; the asset is left out"""

    severity = VERIFICATION
    fix = "give one URL per asset"
    more = """
    Several addresses in one text, an address with a line of words below it, or a text of thousands of characters, name
    no file. Which of them was meant is not guessed.

    Before: `"href": "https://a.org/m.zip, https://b.org/m.zip"`. After: two assets, each with its own `href`.
    """


class SpaceInHref(Kind):
    """ "{found}" has spaces; read as %20"""

    severity = HYGIENE
    fix = "write %20"
    more = """
    An address has no spaces; a space in a file's name is written `%20`. Other tools may cut the address there.

    Before: `"href": "https://example.org/my model.zip"`. After: `"href": "https://example.org/my%20model.zip"`.
    """


class HrefIsALocalPath(Kind):
    """ "{found}" is a path of one machine; others cannot follow it"""

    severity = VERIFICATION
    fix = "publish the file and give its URL, or a path beside the item"
    more = """
    An absolute path is the publisher's own disk. From the network such an item is refused; read from a local file, the
    path is followed, but nobody else can build from the item.

    Before: `"href": "/home/me/model.zip"`. After: `"href": "./model.zip"`, the archive beside the item.
    """


class ChecksumNotMultihash(Kind):
    """is a sha256 without the two bytes that a multihash begins with; read as one"""

    severity = HYGIENE
    fix = 'write "1220{found}"'
    more = """
    `file:checksum` is a multihash: the digest behind two bytes that say which it is, `1220` for a sha256. Sixty-four
    hexadecimal digits, alone or behind `sha256:`, are taken for a sha256 and checked.

    Before: `"file:checksum": "ab12…"`. After: `"file:checksum": "1220ab12…"`.
    """


class ChecksumUnknown(Kind):
    """is not a sha2-256 multihash: {found}; not used"""

    severity = VERIFICATION
    fix = 'write "1220" and the 64 hex digits that `sha256sum` prints'
    more = """
    The promised digest is what shows that the bytes are still those the publisher meant. One that is not understood, or
    that is too weak to mean that, is not compared; the lock keeps the sha256 of what was found today.

    Before: `"file:checksum": "md5:9e10…"`. After: `"file:checksum": "122054f5…"`.
    """


class SizeUnreadable(Kind):
    """must be a number of bytes, but is {found}; not used"""

    severity = HYGIENE
    fix = 'write the bytes as a number, such as "file:size": 451735'
    more = """
    The size lets a download that was cut off, or a web page in its place, be noticed early. The checksum says the same
    and more; without a readable size only that is compared.

    Before: `"file:size": "450 kB"`. After: `"file:size": 451735`.
    """
