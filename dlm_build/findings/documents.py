"""Why a document is not read at all. Each of these is an error first; a check makes a finding of it."""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, Kind


class DocumentEmpty(Kind):
    """the document is empty"""

    severity = BUILD
    fix = "give a STAC item in JSON or YAML"
    more = """
    There is nothing but white space. A download that failed, or a file that was opened for writing and never written,
    looks like this.

    Before: a file of 0 bytes. After: `{"type": "Feature", "id": "coast", …}`.
    """


class DocumentTooLarge(Kind):
    """the document has more than {found}"""

    severity = BUILD
    fix = "{fix}"
    more = """
    Limits are looked at before anything is parsed, so that no document can use up memory or time. A real item has some
    kilobytes and some hundred values; one beyond the limits is something else, or carries tables that belong into files
    of their own.

    Before: ten thousand training scenes listed in the item. After: a link to a file that lists them.
    """


class DocumentTooDeep(Kind):
    """values are nested more than {found} deep"""

    severity = BUILD
    fix = "flatten this part of the item"
    more = """
    Objects and lists inside each other cost a reader stack, and a few kilobytes of brackets have crashed many. Real
    items are nested about ten deep.

    Before: `[[[[[[…]]]]]]`. After: the values in one list.
    """


class DocumentIsAPage(Kind):
    """this is a web page or XML, not an item"""

    severity = BUILD
    fix = "give the address of the item itself, e.g. the raw file and not the page that shows it"
    more = """
    Code hosts show a file inside a page, and their raw address differs from the page's. A login page or an error page
    in the item's place begins with `<` too.

    Before: `https://github.com/me/model/blob/main/item.json`. After:
    `https://raw.githubusercontent.com/me/model/main/item.json`.
    """


class DocumentHasAConflict(Kind):
    """an unresolved merge conflict at line {found}"""

    severity = BUILD
    fix = "resolve it: keep one of the two sides, and remove the lines of <<<<<<<, ======= and >>>>>>>"
    more = """
    Where two branches changed the same lines, git writes both into the file, between lines that begin with `<<<<<<<`,
    `=======` and `>>>>>>>`, for somebody to choose from. Nobody has chosen yet, so it is open what the item says. There
    may be more than one such place.

    Before: `<<<<<<< HEAD`, `"license": "MIT",`, `=======`, `"license": "Apache-2.0",`, `>>>>>>> other`, each on a line.
    After: `"license": "MIT",`.
    """


class DocumentIsAPointer(Kind):
    """this is a pointer of Git LFS, which stands in a repository for the file itself"""

    severity = BUILD
    fix = "run `git lfs pull` in the checkout, or give the address that serves the file, e.g. …/raw/…"
    more = """
    Large files of a repository are kept elsewhere, and a checkout without Git LFS has three lines in place of each:
    its version, its sha256 and its size.

    Before: `version https://git-lfs.github.com/spec/v1`. After: the item's own text.
    """


class NotJson(Kind):
    """not valid JSON: {found}; the line is `{near}`"""

    severity = BUILD
    fix = "{fix}"
    more = """
    The text cannot be parsed at the line and column that are given; the mistake may be a little before them, such as a
    comma or a quote that is missing. Comments and commas behind a last entry are left out; beyond that
    nothing is guessed, since a repair could change what the item says.

    Before: `{"id": "coast" "title": "Coast"}`. After: `{"id": "coast", "title": "Coast"}`.
    """


class NotYaml(Kind):
    """not valid YAML: {found}; the line is `{near}`"""

    severity = BUILD
    fix = "{fix}"
    more = """
    The text cannot be parsed at the line and column that are given. The commonest causes are a text with a colon that
    is not quoted, and lines of one block that do not start in the same column.

    Before: `title: model: the best`. After: `title: "model: the best"`.
    """


class CharacterRefused(Kind):
    """the character {found} may not stand in YAML; the line is `{near}`"""

    severity = BUILD
    fix = "remove it, or write it escaped inside double quotes"
    more = """
    YAML excludes most control characters. One of them in a text file is the trace of a broken copy, or is there to
    confuse a terminal.

    Before: a NUL byte in a title. After: the title without it.
    """


class DuplicateKey(Kind):
    """the key "{found}" is given twice"""

    severity = BUILD
    fix = "keep one of them"
    more = """
    Of two values under one key, one reader takes the first and another the last: what one person reviewed need not be
    what another builds. JSON leaves it open, so it is refused.

    Before: `{"run": "predict in.tif", "run": "predict other.tif"}`. After: `{"run": "predict in.tif"}`.
    """


class NumberRefused(Kind):
    """{found} is {what}"""

    severity = BUILD
    fix = "use an ordinary number, or null, or leave the field out; quote it if it is text"
    more = """
    NaN and Infinity are no JSON, and integers beyond 64 bits or numbers that read as infinity turn into something else
    in most programs. Nothing about a model needs them.

    Before: `"nodata_value": NaN`. After: `"nodata_value": null`.
    """


class SecondDocument(Kind):
    """a second document begins; the line is `{near}`"""

    severity = BUILD
    fix = "keep one item in the file"
    more = """
    A YAML file may hold several documents, divided by `---`. Which of them is the item is not guessed.

    Before: two items in one file. After: a file for each.
    """


class YamlAlias(Kind):
    """the alias *{found} is not read; the line is `{near}`"""

    severity = BUILD
    fix = "write the value out here"
    more = """
    An alias repeats a value that stands elsewhere, and a few lines of aliases of aliases unfold to millions of values.
    An item has no need of them.

    Before: `b: *x`. After: `b: {name: data}`.
    """


class YamlTag(Kind):
    """the tag {found} is not read; the line is `{near}`"""

    severity = BUILD
    fix = "remove the tag"
    more = """
    Tags tell a YAML reader to make objects of its own language, and some readers run code for them. An item is plain
    data.

    Before: `version: !!str 1.10`. After: `version: "1.10"`.
    """


class KeyNotText(Kind):
    """a key is a list or an object; the line is `{near}`"""

    severity = BUILD
    fix = "quote the key"
    more = """
    YAML allows anything for a key, JSON texts only, and an item is JSON at heart.

    Before: `? [a, b] : c`. After: `"a, b": c`.
    """


class NotAnItem(Kind):
    """this is {found}, not a model item"""

    severity = BUILD
    fix = "{fix}"
    more = """
    Collections, catalogues, answers of a search and manifests look much like items, and hold none or many. What it is
    and the ids inside are named, so that the right one can be given.

    Before: `dlm-build check catalog.json`. After: `dlm-build check catalog.json#coast`, or the address of one item.
    """


class NotAModelItem(Kind):
    """this is not a model item: {found}"""

    severity = BUILD
    fix = "{fix}"
    more = """
    It may well be a STAC item, of a scene for instance; but no field of a dialect that describes models is in it, in
    its properties or at its assets.

    Before: `"properties": {"datetime": "2021-01-31T00:00:00Z"}`. After: the same with `"mlm:framework": "PyTorch"` and
    the other fields of MLM, or with `dlm:runtime`.
    """


class FieldInvalid(Kind):
    """{found}"""

    severity = BUILD
    fix = "{fix}"
    more = """
    A field that decides something holds what it cannot: a list for a name, a size below zero, a version that is a
    sentence. Reading on would mean to guess, so the item is refused as a whole, at the first such field.

    Before: `"height": -64`. After: `"height": 64`.
    """


class FieldHostile(Kind):
    """{found}"""

    severity = BUILD
    fix = "{fix}"
    more = """
    No honest item has this: a line break in a folder's name, a command substitution in a tag, a path that leaves the
    archive. Such text is harmless only as long as nobody pastes it anywhere, so nothing of the item is used.

    Before: `"working_dir": "/w$(id)"`. After: `"working_dir": "/workspace"`.
    """
