"""HDF5, and NetCDF-4, which is HDF5: its variables.

Imported by the decoder's child only; what it reads is a stranger's. The reader is written in Python: no broken header
makes it write where it may not, it loads no plugin, and it opens no other file, whatever links, storage or virtual data
sets the file has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dlm_build.judging.variables import ATTRIBUTES, Variable, plain

if TYPE_CHECKING:
    import pyfive

DEPTH = 16
"""How deep groups may lie in each other; a group that lies in itself is deeper."""
MOST = 10_000
"""Variables of one file."""
_STORED, _CONTIGUOUS = (0, 1, 2), 1
"""How values may lie in the file itself: in the header, in one piece, in chunks."""
_NOWHERE = (1 << 64) - 1
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
_UNREAD = (NotImplementedError, AssertionError, ImportError, TypeError)
"""What the reader raises at a feature that it does not have, such as a link to another file or a filter of a plugin."""


def read_hdf5(path: Path, most: int) -> list[Variable] | None:
    """None for a file with what cannot be compared, or has no values of its own. Raises ValueError for one that decodes
    to more than so many bytes.
    """
    import pyfive

    try:
        with pyfive.File(str(path)) as file:
            found = list(islice(_datasets(file), MOST + 1))
            if len(found) > MOST:
                raise ValueError(f"holds more than {MOST} variables")
            size = sum(math.prod(one.shape) * one.dtype.itemsize for one in found)
            if size > most:
                raise ValueError(f"decodes to {size} bytes, more than {most}")
            return [_variable(one) for one in found]
    except _UNREAD:
        return None


def _datasets(group: pyfive.Group, depth: int = DEPTH) -> Iterator[pyfive.Dataset]:
    import pyfive

    if not depth:
        raise ValueError(f"groups nested deeper than {DEPTH}")
    for name in group:
        member = group.get_lazy_view(name)
        if isinstance(member, pyfive.Group):
            yield from _datasets(member, depth - 1)
        elif isinstance(member, pyfive.Dataset) and not _said(member, "NAME").startswith(_NO_VARIABLE):
            yield member
        elif member is None:
            raise NotImplementedError("a link that leads nowhere")


def _said(dataset: pyfive.Dataset, name: str) -> str:
    value = dataset.attrs.get(name, "")
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _variable(dataset: pyfive.Dataset) -> Variable:
    import numpy as np

    stored = dataset.id
    if stored.layout_class not in _STORED or (stored.layout_class == _CONTIGUOUS and stored.data_offset == _NOWHERE):
        raise NotImplementedError("its values are not in the file")
    values = np.asarray(dataset[()])
    if values.dtype.kind not in "biufcSO":
        raise NotImplementedError(f"{values.dtype} is neither text nor number")
    said = {name: plain(value) for name, value in dataset.attrs.items() if name in ATTRIBUTES}
    return Variable(dataset.name.strip("/"), values, said, _said(dataset, "CLASS") == "DIMENSION_SCALE")
