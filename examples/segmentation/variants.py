"""Changed and broken copies of an example, for tests: `variants.py NAME FOLDER [--example FOLDER]`, `--list`.

Each is a folder with item.json, model.mar and expected.json (the verdict a build must end in). The item's checksum
and size are right unless that is what the variant is about. Variants named `handler-…` and `python-function` replace
the model by a few numbers and keep the environment, so that they build fast once the example is built.

The handlers do real harm where nothing limits them. Never run one outside a container.
"""

from __future__ import annotations

import argparse
import copy
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from drafts import Draft, Entry, npy, python_draft, read_draft, sealed, write_draft
from tampering import bomb, change_one_weight

DEFAULT_EXAMPLE = Path(__file__).resolve().parent.parent / "segmentation-onnx"
SYMLINK = 0o120777
GIB_PIECES = 64

Edit = Callable[[Draft], Draft]
ArrayEdit = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way of being different: the verdict it must lead to, and the edit of a good example that makes it."""

    verdict: str
    about: str
    edit: Edit
    seal: bool = True
    """Whether the item's checksum is brought in line after the edit."""


def make_variant(name: str, destination: Path, example: Path = DEFAULT_EXAMPLE) -> Path:
    """The item of the variant `name` of the example in `example`, written to `destination`, which must not exist.

    Raises KeyError on an unknown name and FileExistsError where `destination` exists.
    """
    variant = VARIANTS[name]
    draft = variant.edit(read_draft(example))
    return write_draft(sealed(draft) if variant.seal else draft, variant.verdict, destination)


def _with_properties(draft: Draft, **changes: Any) -> Draft:
    item = copy.deepcopy(draft.item)
    for name, change in changes.items():
        item["properties"][f"dlm:{name}"] = change
    return replace(draft, item=item)


def _test_file(draft: Draft) -> dict[str, str]:
    found: dict[str, str] = draft.item["properties"]["dlm:data"]["test_file"]
    return found


def _without(draft: Draft, *names: str) -> Draft:
    return replace(draft, entries={n: e for n, e in draft.entries.items() if n not in names})


def _plus(draft: Draft, name: str, entry: Entry) -> Draft:
    return replace(draft, entries={**draft.entries, name: entry})


def weights_changed(draft: Draft) -> Draft:
    """One number of the last layer's bias is another."""
    rows = draft.item["properties"]["dlm:archive"]
    (name,) = [row["name"] for row in rows if "model weight" in row["role"]]
    classes = draft.item["properties"]["dlm:outputs"]["number_of_classes"]
    return _plus(draft, name, Entry(content=change_one_weight(name, draft.entries[name].content, classes)))


def no_expected(draft: Draft) -> Draft:
    """Neither item nor archive speaks of an expected output."""
    names = _test_file(draft)
    data = draft.item["properties"]["dlm:data"] | {"test_file": {"filename": names["filename"]}}
    rows = [r for r in draft.item["properties"]["dlm:archive"] if r["name"] != names["output"]]
    return _without(_with_properties(draft, data=data, archive=rows), names["output"])


def expected_missing(draft: Draft) -> Draft:
    """The item names an expected output that the archive lacks."""
    return _without(draft, _test_file(draft)["output"])


def sample_missing(draft: Draft) -> Draft:
    """The item names a sample that the archive lacks."""
    return _without(draft, _test_file(draft)["filename"])


def _expected_edited(edit: ArrayEdit) -> Edit:
    def apply(draft: Draft) -> Draft:
        name = _test_file(draft)["output"]
        change = _edited_npy if name.endswith(".npy") else _edited_tiff
        return _plus(draft, name, Entry(content=change(draft.entries[name].content, edit)))

    return apply


def _edited_npy(content: bytes, edit: ArrayEdit) -> bytes:
    return npy(edit(np.load(io.BytesIO(content), allow_pickle=False)))


def _edited_tiff(content: bytes, edit: ArrayEdit) -> bytes:
    from rasterio.io import MemoryFile

    with MemoryFile(content) as old, old.open() as file:
        profile, bands = file.profile, edit(file.read())
    count, height, width = bands.shape
    profile |= {"count": count, "height": height, "width": width, "dtype": bands.dtype.name}
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(bands)
        result: bytes = memory.read()
    return result


def wrong_checksum(draft: Draft) -> Draft:
    """The digest of something else; the size is right."""
    item = copy.deepcopy(draft.item)
    item["assets"]["model_archive"]["file:checksum"] = "1220" + "5a" * 32
    return replace(draft, item=item)


def truncated(draft: Draft) -> Draft:
    """The first 60 % of the archive; the checksum is that of the stump, so only the format can tell."""
    content = draft.archive()
    return replace(draft, raw=content[: len(content) * 6 // 10])


def archive_missing(draft: Draft) -> Draft:
    """The item's href names a file that is not there."""
    item = copy.deepcopy(draft.item)
    item["assets"]["model_archive"]["href"] = "./elsewhere.mar"
    return replace(draft, item=item)


def zip_bomb(draft: Draft) -> Draft:
    """Thirty GiB of zeros, openly declared, in 30 MB."""
    content = draft.archive()
    for number in range(10):
        content = bomb(content, f"padding-{number}.bin", 3 * GIB_PIECES)
    return replace(draft, raw=content)


def lying_zip_bomb(draft: Draft) -> Draft:
    """A member that claims 1,000 bytes and unpacks to two GiB."""
    return replace(draft, raw=bomb(draft.archive(), "padding.bin", 2 * GIB_PIECES, declared=1_000))


def _member(name: str, content: bytes, mode: int | None = None) -> Edit:
    entry = Entry(content=content) if mode is None else Entry(content=content, mode=mode)
    return lambda draft: _plus(draft, name, entry)


def _not_a_zip(draft: Draft) -> Draft:
    page = b"<!DOCTYPE html>\n<title>Sign in</title>\n<p>Sign in to download model.mar\n"
    return replace(draft, raw=page)


def _empty(draft: Draft) -> Draft:
    return replace(draft, raw=b"")


def _handler(name: str) -> Edit:
    return lambda draft: python_draft(draft, name)


def _variant(verdict: str, about: str, edit: Edit, seal: bool = True) -> Variant:
    return Variant(verdict=verdict, about=about, edit=edit, seal=seal)


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "unchanged": _variant("matches", "a plain copy", lambda draft: draft),
        "weights-changed": _variant("mismatch", "one number of the weights differs", weights_changed),
        "no-expected": _variant("ran", "no expected output is promised", no_expected),
        "expected-missing": _variant("ran", "the promised expected output is absent", expected_missing),
        "expected-other-shape": _variant(
            "mismatch", "the expected output lacks its last row", _expected_edited(lambda a: a[..., :-1, :])
        ),
        "expected-other-dtype": _variant(
            "matches", "the same labels as uint16", _expected_edited(lambda a: a.astype(np.uint16))
        ),
        "sample-missing": _variant("item-invalid", "the promised sample is absent", sample_missing),
        "wrong-checksum": _variant("hash-mismatch", "the item has another digest", wrong_checksum, seal=False),
        "truncated": _variant("item-invalid", "60 % of the archive, digest of the stump", truncated),
        "empty-archive": _variant("item-invalid", "an archive of no bytes", _empty),
        "not-a-zip": _variant("item-invalid", "a sign-in page instead of an archive", _not_a_zip),
        "archive-missing": _variant("source-gone", "the href leads nowhere", archive_missing),
        "traversal-member": _variant("item-hostile", "../ in a member's name", _member("../escaped.txt", b"out\n")),
        "absolute-member": _variant("item-hostile", "a member from /", _member("/tmp/escaped.txt", b"out\n")),
        "symlink-member": _variant("item-hostile", "a symbolic link", _member("link.txt", b"/etc/hostname", SYMLINK)),
        "zip-bomb": _variant("item-hostile", "30 GiB in 30 MB", zip_bomb),
        "zip-bomb-lying": _variant("item-hostile", "2 GiB declared as 1,000 bytes", lying_zip_bomb),
        "python-function": _variant("matches", "a few numbers behind an honest handler", _handler("works")),
        "handler-crashes": _variant("model-error", "raises", _handler("crashes")),
        "handler-hangs": _variant("timeout", "never answers, ignores SIGTERM", _handler("hangs")),
        "handler-eats-memory": _variant("resource", "takes 64 GiB", _handler("eats_memory")),
        "handler-fork-bomb": _variant("resource", "starts 20,000 processes", _handler("fork_bomb")),
        "handler-writes-forever": _variant("resource", "writes 10 GiB", _handler("writes_forever")),
        "handler-uses-network": _variant("model-error", "needs a route out", _handler("uses_network")),
    }
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=sorted(VARIANTS))
    parser.add_argument("folder", nargs="?", type=Path, help="where to; must not exist")
    parser.add_argument("--example", type=Path, default=DEFAULT_EXAMPLE, help="the good example to start from")
    parser.add_argument("--list", action="store_true", help="names, verdicts and what they are about")
    options = parser.parse_args()
    if options.list:
        for name, variant in VARIANTS.items():
            print(f"{name:24} {variant.verdict:14} {variant.about}")
    elif options.name and options.folder:
        print(make_variant(options.name, options.folder, options.example))
    else:
        parser.error("give NAME and FOLDER, or --list")


if __name__ == "__main__":
    main()
