"""GeoPackage: layers as rows, so that features are compared as those of GeoJSON are.

Imported by the decoder's child only; what it reads is a stranger's. SQLite is let read tables and nothing else: no view
or trigger of the file's own is followed, no other file opened, not even a journal beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from dlm_build.judging.geometries import read_geometry
from dlm_build.judging.tables import json_value

_LAYERS = frozenset(("features", "attributes"))
LENGTH = 16 << 20
"""Bytes of one value, or of one row."""
_SAFE = ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "temp_store = MEMORY")
_CONTENTS = "SELECT table_name, data_type FROM gpkg_contents ORDER BY table_name"
_PLACE = """
SELECT g.column_name, s.organization, s.organization_coordsys_id, s.definition
FROM gpkg_geometry_columns AS g JOIN gpkg_spatial_ref_sys AS s ON s.srs_id = g.srs_id WHERE g.table_name = ?
"""


def read_geopackage(path: Path) -> dict[str, Any] | None:
    """Each layer by its name: its coordinate system and its rows, without the numbers that SQLite gives these.

    None for another database, and for one that holds more than rows, such as tiles.
    """
    with closing(_opened(path)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_contents'").fetchone():
            return None
        layers = dict(database.execute(_CONTENTS))
        if not layers or not _LAYERS.issuperset(layers.values()):
            return None
        return {name: _layer(database, name, placed=kind == "features") for name, kind in layers.items()}


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    for pragma in _SAFE:
        database.execute(f"PRAGMA {pragma}")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LENGTH)
    database.text_factory = lambda raw: raw.decode(errors="backslashreplace")
    database.set_authorizer(_may)
    return database


def _may(action: int, first: str | None, _second: str | None, _database: str | None, inner: str | None) -> int:
    """Read tables, ask for a table's columns; call no function, and do nothing on behalf of a view."""
    reads = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ) and inner is None
    asks = action == sqlite3.SQLITE_PRAGMA and first == "table_info"
    return sqlite3.SQLITE_OK if reads or asks else sqlite3.SQLITE_DENY


def _layer(database: sqlite3.Connection, name: str, *, placed: bool) -> dict[str, Any]:
    found = database.execute(_PLACE, (name,)).fetchone() if placed else None
    geometry, *crs = found or ("",)
    rows = list(_rows(database, _quoted(name), geometry))
    return {"crs": _system(*crs), "rows": rows} if found else {"rows": rows}


def _system(organization: str, number: int, definition: str) -> str:
    """In the numbers of whoever keeps it; what nobody keeps in its own words."""
    return definition if organization.upper() in ("NONE", "") else f"{organization.upper()}:{number}"


def _rows(database: sqlite3.Connection, table: str, geometry: str) -> Iterator[dict[str, Any]]:
    """A key that is a name, and no number of the row, is content."""
    columns = database.execute(f"PRAGMA table_info({table})").fetchall()
    keys = [(name, kind.upper()) for _, name, kind, _, _, key in columns if key]
    kept = [name for _, name, *_ in columns if [(name, "INTEGER")] != keys]
    chosen = ", ".join(map(_quoted, kept)) or "NULL"
    for row in database.execute(f"SELECT {chosen} FROM {table} ORDER BY rowid"):  # noqa: S608 - quoted, both
        yield {name: _value(value, name == geometry) for name, value in zip(kept, row, strict=False)}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(value: Any, is_geometry: bool) -> Any:
    """A geometry as GeoJSON has it, other bytes in hexadecimal digits; lists and objects as what they say."""
    if isinstance(value, bytes):
        return read_geometry(value) if is_geometry else value.hex()
    return json_value(value) if isinstance(value, str) else value
