"""Why an item could not be read at all. The message is that of the error; these are its kinds."""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, Kind


class ItemInvalid(Kind):
    """{found}"""

    severity = BUILD
    more = """
    The document is not what a model item is, or a field of it holds something that no build can follow: broken JSON or
    YAML, a collection where an item was wanted, a number where a name belongs. The message names the file, line and
    column, the field and what stands in it.

    Nothing of the item was used; `dlm-build` ends with exit code 6 (item-invalid).
    """


class ItemHostile(Kind):
    """{found}"""

    severity = BUILD
    more = """
    The item holds something that no honest item contains: a path that climbs out of its archive, a control character
    in a name, a command hidden in a version. It may be an accident; it is refused all the same.

    Nothing of the item was used; `dlm-build` ends with exit code 7 (item-hostile).
    """


class SourceGone(Kind):
    """{found}"""

    severity = BUILD
    more = """
    The server or the disk answered, and there is no such item: a path that does not exist, an address that answers 404,
    an id that the catalogue does not have. `dlm-build` ends with exit code 9 (source-gone).
    """


class Infra(Kind):
    """{found}"""

    severity = BUILD
    more = """
    The item could not be asked for: no network, a server that failed, a disk that refused. Try again; it is not the
    item's fault. `dlm-build` ends with exit code 14 (infra).
    """


class Resource(Kind):
    """{found}"""

    severity = BUILD
    more = """
    What answered in the item's place is larger than any item: an archive, a picture, a listing without an end. It was
    not read to its end. Give the address of the item itself; `dlm-build` ends with exit code 12 (resource).
    """
