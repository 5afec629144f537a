"""Read all the same: spellings, types and characters that are odd, and certain in their meaning."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind


class LeadingCommentLines(Kind):
    """the text begins with comments, which JSON does not have; read without"""

    severity = HYGIENE
    fix = "remove what stands before the first bracket"
    more = """
    JSON has no comments, so every other reader refuses the document at its first character. Lines of `//` and blocks
    of `/* */` before the first bracket can only be comments; they are blanked out, and every position stays what it is
    in the file.

    Before: `// DLM item` above `{"id": "coast"}`. After: `{"id": "coast"}` alone, the remark in `description`.
    """


class CommentInJson(Kind):
    """a comment stands at {found}, which JSON does not have; read without"""

    severity = HYGIENE
    fix = "remove it, or say it in a field"
    more = """
    Outside of texts nothing of JSON begins with `//` or `/*`, so what does is a comment. It is blanked out; other
    readers refuse the document.

    Before: `"links": [], // none yet`. After: `"links": []`.
    """


class TrailingComma(Kind):
    """a comma follows the last entry at {found}; read without"""

    severity = HYGIENE
    fix = "remove it"
    more = """
    JSON allows a comma between entries only, so other readers refuse the document. Before a closing bracket it has
    just one meaning, and is left out.

    Before: `"roles": ["model",]`. After: `"roles": ["model"]`.
    """


class EmptyField(Kind):
    """is empty; read as not given"""

    severity = HYGIENE
    fix = "give it a value, or leave the field out"
    more = """
    A field that is null or blank says nothing, yet looks as if something had been forgotten. It is read exactly as if
    it were not there; where that matters, another finding says so.

    Before: `"tag": null`. After: `"tag": "1.0"`, or no `tag` at all.
    """


class OtherSpelling(Kind):
    """is read as `{wanted}`"""

    severity = HYGIENE
    fix = "rename it to `{wanted}`"
    more = """
    The fields of model descriptions were renamed several times, and every old name is still about. The value is used;
    a catalogue or a validator that knows only today's name will not see it.

    Before: `"role": ["model artefact"]`. After: `"roles": ["model artefact"]`.
    """


class ContradictionSpellings(Kind):
    """says {found}, {other} says {used}, which is used"""

    severity = VERIFICATION
    fix = "keep one of the two"
    more = """
    One thing is given under two of its names, with two values. Nothing tells which of them the publisher meant, so the
    newer name wins, and the result may not be the published one.

    Before: `"docker_file": "a/Dockerfile", "dockerfile": "b/Dockerfile"`. After: `"docker_file": "a/Dockerfile"`.
    """


class NotAText(Kind):
    """should be text, but is {found}; left out"""

    severity = HYGIENE
    fix = "write a text in quotes"
    more = """
    A title, a description or a link for people is only ever shown. What cannot be shown is left out, and nothing about
    the build or the verdict depends on it.

    Before: `"title": ["Coast"]`. After: `"title": "Coast"`.
    """


class NotAList(Kind):
    """is {found}; read as a list of one"""

    severity = HYGIENE
    fix = "write [{found}]"
    more = """
    One value stands where a list belongs. It is taken for the list's only entry, which is right for a model with one
    band; for three bands a single mean is used for each.

    Before: `"normalization:mean": 0.5`. After: `"normalization:mean": [0.5]`.
    """


class NotAnObject(Kind):
    """is a list of one; its entry is used"""

    severity = HYGIENE
    fix = "remove the square brackets around it"
    more = """
    A list stands where one object belongs. With a single entry there is no doubt about what was meant.

    Before: `"dlm:data": [{"number_of_bands": 4}]`. After: `"dlm:data": {"number_of_bands": 4}`.
    """


class ListAsText(Kind):
    """is {found}; read as {value}"""

    severity = HYGIENE
    fix = "write {value}, without quotes"
    more = """
    A list stands in quotes, its entries divided by commas or spaces. Where every one of them is a number, there is no
    doubt about what was meant; stricter readers refuse it.

    Before: `"normalization:mean": "0.1, 0.2, 0.3"`. After: `"normalization:mean": [0.1, 0.2, 0.3]`.
    """


class NotABoolean(Kind):
    """is {found}; read as {value}"""

    severity = HYGIENE
    fix = "write {value}, without quotes"
    more = """
    `"no"` is a text, and most readers take any text for true. Only words and digits that certainly mean one or the
    other are read.

    Before: `"gpu": "no"`. After: `"gpu": false`.
    """


class NumberAsText(Kind):
    """is {found}; read as {value}"""

    severity = HYGIENE
    fix = "write {value}, without quotes"
    more = """
    A number stands in quotes, or as a fraction. It is read as the number it spells; stricter readers refuse it.

    Before: `"scaling_factor": "1/255"`. After: `"scaling_factor": 0.00392156862745098`.
    """


class SurroundingSpaces(Kind):
    """has spaces or line breaks around it; removed"""

    severity = HYGIENE
    fix = "remove what stands around it"
    more = """
    Spaces and line breaks at the ends of a name or an address are never part of it. A form of several lines leaves
    them, and `|` in YAML. They are removed before it is used.

    Before: `"href": " https://example.org/model.zip"`. After: `"href": "https://example.org/model.zip"`.
    """


class StraySpaces(Kind):
    """has the character {found}, which is no part of it; read as "{read}\""""

    severity = HYGIENE
    fix = "type it anew: {read}"
    more = """
    Word processors and web pages put spaces that do not break, or that have no width, between words. They come along
    with a copied name and cannot be seen. In the name of a framework and in a version they are left out; in what names
    a file, a folder, an image or a command, they are refused.

    Before: `"framework": "PyTorch"` with a zero-width space at its end. After: the same, typed.
    """


class InvisibleCharacters(Kind):
    """has control or invisible characters; removed for display"""

    severity = HYGIENE
    fix = "type the text anew, or paste it as plain text"
    more = """
    Characters without a picture of their own, and those that change the direction of writing, can make a text look
    like another one. They are left out wherever the text is shown. In a name, a path or a command they are refused.

    Before: a title pasted from a word processor, with a zero-width space in it. After: the same title, typed.
    """


class TextCut(Kind):
    """has {found} characters; cut at {limit}"""

    severity = HYGIENE
    fix = "keep it under {limit} characters, and link the rest"
    more = """
    Texts for people are shown in lists and labels of images, where a very long one hides the others. What is beyond
    the limit is not shown; nothing else depends on it.

    Before: a whole paper in `title`. After: a title, and the paper under `links`.
    """


class BackslashInPath(Kind):
    """ "{found}" has backslashes; read as /"""

    severity = HYGIENE
    fix = "write / in paths"
    more = """
    Paths in archives and addresses are written with `/` on every system. A backslash is a separator on one of them and
    a character of a name on the others; it is read as a separator.

    Before: `"name": "data\\\\sample.tif"`. After: `"name": "data/sample.tif"`.
    """
