"""Layers laid over each other, as one stream of entries: each layer is read once, and nothing is unpacked.

The top layer comes first. What it holds, or takes away, hides what lies below: so every entry that is met and not
hidden is final, and its bytes can go where they belong at once. Folders come last, when their own entry is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from posixpath import dirname
from typing import Protocol

from dlm_build.errors import shown
from dlm_build.unpacking.tar_entries import BrokenLayer, Content, Entry, Kind

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_HINT = "build the image again, or use another base"


class Layer(Protocol):
    """One layer; may be read more than once."""

    @property
    def size(self) -> int:
        """Bytes to be read, as far as they are worth showing."""
        ...

    def entries(self) -> Iterable[tuple[Entry, Content]]:
        """In the layer's own order; a content must be taken before the next entry, or not at all."""
        ...


def merged(layers: Sequence[Layer]) -> Iterator[tuple[Entry, Content]]:
    """The file system of `layers`, the lowest first in the list, in an order that they alone decide.

    A hard link follows the file it shares its content with; folders come at the end, sorted by path, the root first.
    Raises BrokenLayer for a layer that has a path twice or links to nothing.
    """
    state = _Merge()
    for number in reversed(range(len(layers))):
        yield from state.layer(layers[number], layers[: number + 1])
    yield from state.folders()


class _Merge:
    """What the layers read so far hold and hide."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._folders: dict[str, Entry] = {}
        self._above: set[str] = set()
        """Folders that something lies in."""
        self._gone: set[str] = set()
        """Paths that are no more, with all below them, as far as lower layers have them."""
        self._emptied: set[str] = set()
        """Folders whose content in lower layers is no more."""

    def layer(self, layer: Layer, below: Sequence[Layer]) -> Iterator[tuple[Entry, Content]]:
        added: dict[str, Kind] = {}
        gone: set[str] = set()
        emptied: set[str] = set()
        covered: dict[str, bool] = {"": "" in self._emptied}
        for entry, content in layer.entries():
            folder, _, name = entry.path.rpartition("/")
            if name == OPAQUE:
                emptied.add(folder)
            elif name.startswith(WHITEOUT):
                gone.add(f"{folder}/{name[len(WHITEOUT) :]}".lstrip("/"))
            elif entry.kind == "folder":
                self._take_folder(entry, folder, added, covered)
            elif not self._hidden(entry.path, folder, covered):
                _refuse_twice(entry, added)
                self._refuse_file_above(entry)
                added[entry.path] = entry.kind
                self._note_folders(folder)
                if entry.kind == "hardlink" and added.get(entry.target) not in ("file", "hardlink"):
                    yield from _copied(entry, below)
                elif entry.kind != "device":
                    yield entry, content
        self._kinds |= added
        self._gone |= gone
        self._emptied |= emptied

    def folders(self) -> Iterator[tuple[Entry, Content]]:
        """Those that are there only because something lies in them, too."""
        for path in sorted({"", *self._folders, *self._above}):
            yield self._folders.get(path) or Entry(path, "folder", 0o755), iter(())

    def _note_folders(self, path: str) -> None:
        while path and path not in self._above:
            self._above.add(path)
            path = dirname(path)

    def _take_folder(self, entry: Entry, above: str, added: dict[str, Kind], covered: dict[str, bool]) -> None:
        if entry.path in self._folders or not entry.path:
            self._folders.setdefault(entry.path, entry)
        elif not self._hidden(entry.path, above, covered):
            _refuse_twice(entry, added)
            added[entry.path] = "folder"
            self._folders[entry.path] = entry
            self._note_folders(above)

    def _refuse_file_above(self, entry: Entry) -> None:
        """Docker would follow a link here, and write into the folder it leads to."""
        if entry.path in self._above:
            raise BrokenLayer(
                f"a layer writes below {shown(entry.path)}, which is no folder in the layers under it", _HINT
            )

    def _hidden(self, path: str, folder: str, covered: dict[str, bool]) -> bool:
        """By a higher layer: itself, or by a folder above it."""
        return path in self._kinds or path in self._gone or self._covered(folder, covered)

    def _covered(self, folder: str, covered: dict[str, bool]) -> bool:
        """Whether higher layers leave nothing of what this one has inside `folder`."""
        known = covered.get(folder)
        if known is None:
            known = (
                folder in self._gone
                or folder in self._emptied
                or self._kinds.get(folder, "folder") != "folder"
                or self._covered(dirname(folder), covered)
            )
            covered[folder] = known
        return known


def _refuse_twice(entry: Entry, added: dict[str, Kind]) -> None:
    if entry.path in added and (added[entry.path], entry.kind) != ("folder", "folder"):
        raise BrokenLayer(f"a layer has {shown(entry.path)} twice", _HINT)


def _copied(link: Entry, below: Sequence[Layer]) -> Iterator[tuple[Entry, Content]]:
    """A link to a file that is hidden, or lies in a lower layer: looked for again, and then a file of its own."""
    for layer in reversed(below):
        for entry, content in layer.entries():
            if entry.path == link.target and entry.kind in ("file", "symlink"):
                yield entry._replace(path=link.path), content
                return
    raise BrokenLayer(f"{shown(link.path)} is a link to nothing", _HINT)
