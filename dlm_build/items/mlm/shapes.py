"""The shape of a tensor with named dimensions, as MLM gives it, as batch, channels, height and width."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from msgspec.structs import replace

from dlm_build.errors import shown
from dlm_build.findings.mlm_tensors import DimensionsAssumed, DimensionsMiscounted, DimensionsUnread, SizesNotNumbers
from dlm_build.items.document import Number, Value
from dlm_build.items.limits import NUMBER
from dlm_build.items.mlm.fields import said
from dlm_build.items.node import Node
from dlm_build.items.scalars import integers
from dlm_build.records import Record

_MOST = 1 << 30
_ANY = Number("-1")
_SIDES = (("height", "width"), ("y", "x"), ("h", "w"), ("rows", "cols"), ("rows", "columns"), ("lat", "lon"),
          ("latitude", "longitude"))  # fmt: skip
_BATCH = ("batch", "b", "n", "batch_size")
_BANDS_FIRST = {2: ("batch", "bands"), 3: ("bands", "height", "width"), 4: ("batch", "bands", "height", "width")}
_BANDS_LAST = {3: ("height", "width", "bands"), 4: ("batch", "height", "width", "bands")}
_AS_ARRAY = "give the sample as an array of the model's own shape (`.npy`)"
_MEANINGS = {
    **dict.fromkeys(("batch", "batch_size", "b", "n"), "batch"),
    **dict.fromkeys(("band", "bands"), "bands"),
    **dict.fromkeys(("channel", "channels", "c"), "channel"),
    **{high: "height" for high, _ in _SIDES},
    **{wide: "width" for _, wide in _SIDES},
}
_FEW = 32
"""More channels than this, and a shape without names is read with the channels elsewhere."""


class Shape(Record, frozen=True, kw_only=True):
    """Each is None where the tensor has no such dimension, -1 where it may have any size."""

    batch: int | None = None
    channels: int | None = None
    height: int | None = None
    width: int | None = None
    axes: tuple[str, ...] = ()
    """The names of all dimensions, in order, where they are not a picture's."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """In the order batch, channels, height, width; what is not there is left out."""
        return tuple([size for size in (self.batch, self.channels, self.height, self.width) if size is not None])


def read_shape(node: Node, *, image: bool = True) -> Shape:
    """`node` has `shape` and `dim_order`. Raises ItemInvalid where a size is no number from -1 up, or is 0.

    `image`: whether it has to be one, as an input that is read from a picture has. Boxes, series and vectors are as
    good an output, and as good an input where the sample is an array.
    """
    place = _with_any_sizes(node.at("shape"))
    sizes = integers(place, -1, _MOST, '"shape": [-1, 3, 256, 256]')
    if 0 in sizes:
        raise place.invalid("has a size of 0", "write -1 for any size")
    if not sizes:
        return Shape()
    names = dimensions(node)
    if not names:
        return _unnamed(place, sizes)
    if len(names) != len(sizes):
        order = ", ".join(shown(name, 40) for name in names)
        place.find(DimensionsMiscounted, found=list(sizes), count=len(sizes), other=len(names), order=order)
        return Shape()
    shape = _with_axes(names, sizes)
    if shape is not None:
        return shape
    if image:
        order = ", ".join(shown(name, 40) for name in names)
        place.find(DimensionsUnread, found=list(sizes), order=order, fix=_renamed(names, sizes) or _AS_ARRAY)
    batch = _batch(names)
    return Shape(batch=sizes[names.index(batch)] if batch else None, axes=names)


def _renamed(names: Sequence[str], sizes: tuple[int, ...]) -> str:
    """What to call dimensions that are nearly those of an image; empty where they are others, such as time."""
    near = [get_close_matches(name, _MEANINGS, 1, 0.75) for name in names]
    meant = [_MEANINGS[found[0]] for found in near if found]
    if len(meant) < len(names):
        return ""
    if _by_names(dict(zip(meant, sizes, strict=True)), sizes):
        return f'write "dim_order": {_quoted(meant)}'
    return "give every dimension a name of its own" if len({*meant}) < len(meant) else ""


def _with_any_sizes(place: Node) -> Node:
    """With -1 for null and for names, as exporters write a size that may be any."""
    values = place.values()
    odd = [value for value in values if value is None or (isinstance(value, str) and not _is_number(value))]
    if not odd:
        return place
    sizes: list[Value] = [_ANY if value in odd else value for value in values]
    read = ", ".join(size.raw if isinstance(size, Number) else shown(str(size), 40) for size in sizes)
    place.find(SizesNotNumbers, found=", ".join(shown(str(value or "null"), 40) for value in odd), read=f"[{read}]")
    return Node(place.log, place.place, sizes)


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text.strip()) is not None


def _named_as(count: int) -> str:
    """As many names as there are dimensions, ready to paste."""
    more = ("time",) if count == 5 else tuple(f"dim_{place}" for place in range(1, count - 3))
    order = _BANDS_FIRST.get(count) or (("batch", *more, "bands", "height", "width") if count > 4 else ("bands",))
    return f'"dim_order": {_quoted(order)}'


def _quoted(names: Collection[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def has_sides(names: tuple[str, ...], sizes: Sequence[object]) -> bool:
    """Whether a result has height and width, by name, or by its number of dimensions where it has no names."""
    return bool(_sides(names)) if names else len(sizes) in _BANDS_LAST


def is_map_of_labels(names: tuple[str, ...]) -> bool:
    """Whether a result has height and width by name, and no dimension besides but the batch."""
    sides = _sides(names)
    return bool(sides) and {*names}.difference(sides).issubset(_BATCH)


def _sides(names: Collection[str]) -> tuple[str, ...]:
    """The names of height and width; nothing where they are not both there."""
    for height, width in _SIDES:
        if height in names and width in names:
            return height, width
    return ()


def _batch(names: Collection[str]) -> str | None:
    for name in _BATCH:
        if name in names:
            return name
    return None


def dimensions(structure: Node) -> tuple[str, ...]:
    """Names of dimensions in lower case; `bchw`, as the drafts had it, is one letter each."""
    node = said(structure, "dim_order", "dim_names", "axes")
    if isinstance(node.value, str):
        text = node.value.strip()
        words = text.replace(",", " ").split()
        return tuple(word.lower() for word in (words if len(words) > 1 else text))
    return tuple([row.strip().lower() if isinstance(row, str) else "" for row in node.values()])


def _with_axes(names: tuple[str, ...], sizes: tuple[int, ...]) -> Shape | None:
    """None where they are neither a picture's nor rows and columns."""
    shape = _by_names(dict(zip(names, sizes, strict=True)), sizes)
    return shape if shape is None or _sides(names) else replace(shape, axes=names)


def _by_names(by_name: dict[str, int], sizes: tuple[int, ...]) -> Shape | None:
    """None where they are not the dimensions of an image."""
    height, width = _sides(by_name) or (None, None)
    batch = _batch(by_name)
    rest = by_name.keys() - {batch, height, width}
    if len(by_name) != len(sizes) or len(rest) > 1:
        return None
    return Shape(
        batch=by_name[batch] if batch else None,
        channels=by_name[rest.pop()] if rest else None,
        height=by_name[height] if height else None,
        width=by_name[width] if width else None,
    )


def usual_order(sizes: Sequence[int]) -> tuple[str, ...]:
    """Names for dimensions without any: bands first, or last where only that makes sense; none where it is unusual."""
    last = len(sizes) in _BANDS_LAST and 0 < sizes[-1] <= _FEW < abs(sizes[-3])
    return (_BANDS_LAST if last else _BANDS_FIRST).get(len(sizes), ())


def _unnamed(place: Node, sizes: tuple[int, ...]) -> Shape:
    order = usual_order(sizes)
    if not order:
        fix = f"add {_named_as(len(sizes))}, and {_AS_ARRAY}"
        place.find(DimensionsUnread, found=list(sizes), order="no names", fix=fix)
        return Shape()
    place.find(DimensionsAssumed, found=list(sizes), order=", ".join(order), names=_quoted(order))
    return _with_axes(order, sizes) or Shape()
