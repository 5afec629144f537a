"""GeoPackages, made by hand as GDAL makes them: what is read of them, and what strangers put into a database."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dlm_build.judging.compare import compare
from dlm_build.judging.decode import Decoded
from dlm_build.judging.geometries import read_geometry
from dlm_build.judging.geopackage import read_geopackage
from dlm_build.records import ComparisonPolicy

SCHEMA = """
CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, last_change TEXT);
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
    organization_coordsys_id INTEGER, definition TEXT);
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER);
INSERT INTO gpkg_spatial_ref_sys VALUES ('UTM 32', 32632, 'EPSG', 32632, 'PROJCS[…]'),
    ('ours', 100000, 'NONE', 100000, 'LOCAL_CS["ours"]');
"""
COLUMNS = "fid INTEGER PRIMARY KEY, geom BLOB, class TEXT, score REAL, count INTEGER, probs TEXT"

NEAR = ("numbers near", "relative error")


def wkb(kind: int, *numbers: float, counts: tuple[int, ...] = (), order: str = "<") -> bytes:
    head = struct.pack(f"{order}BI{len(counts)}I", order == "<", kind, *counts)
    return head + struct.pack(f"{order}{len(numbers)}d", *numbers)


def blob(geometry: bytes, envelope: int = 0) -> bytes:
    return (
        b"GP\0"
        + bytes([1 | envelope << 1])
        + struct.pack("<i", 32632)
        + bytes((0, 32, 48, 48, 64)[envelope])
        + geometry
    )


def polygon(east: float, north: float, side: float = 20.0) -> bytes:
    ring = (east, north, east + side, north, east + side, north + side, east, north + side, east, north)
    return blob(wkb(3, *ring, counts=(1, 5)), envelope=1)


ROWS: list[tuple[Any, ...]] = [
    (1, polygon(500000, 5600000), "car", 0.9, 3, "[0.9, 0.1]"),
    (2, polygon(504000, 5603000), "bus", 0.8, 0, "[0.2, 0.8]"),
    (3, None, None, None, None, "none"),
]


def package(path: Path, rows: list[tuple[Any, ...]] = ROWS, *, layer: str = "found", srs: int = 32632) -> Path:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(f'{SCHEMA}CREATE TABLE "{layer}" ({COLUMNS});')
        database.execute("INSERT INTO gpkg_contents VALUES (?, 'features', ?, datetime('now'))", (layer, layer))
        database.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'GEOMETRY', ?)", (layer, srs))
        database.executemany(f'INSERT INTO "{layer}" VALUES (?, ?, ?, ?, ?, ?)', rows)
    return path


def changed(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


def checked(actual: Path, expected: Path, **policy: float) -> list[str]:
    mine, theirs = (Decoded("GeoPackage", {}, value=read_geopackage(path)) for path in (actual, expected))
    checks = compare(mine, theirs, ComparisonPolicy(task="exact", **policy))  # type: ignore[arg-type]
    assert checks
    return [f"{check.name} {check.detail}" for check in checks if not check.passed]


def with_first(*changes: tuple[int, Any]) -> list[tuple[Any, ...]]:
    row = list(ROWS[0])
    for place, value in changes:
        row[place] = value
    return [tuple(row), *ROWS[1:]]


def test_layers_are_read_as_rows_without_their_numbers(tmp_path: Path) -> None:
    ring = [[500000.0, 5600000.0], [500020.0, 5600000.0], [500020.0, 5600020.0], [500000.0, 5600020.0],
            [500000.0, 5600000.0]]  # fmt: skip
    assert read_geopackage(package(tmp_path / "out.gpkg", ROWS[:1])) == {
        "found": {
            "crs": "EPSG:32632",
            "rows": [{"geom": {"type": "Polygon", "coordinates": [ring]}, "class": "car", "score": 0.9, "count": 3,
                      "probs": [0.9, 0.1]}],
        }
    }  # fmt: skip
    own = read_geopackage(package(tmp_path / "own.gpkg", [], srs=100000))
    assert own == {"found": {"crs": 'LOCAL_CS["ours"]', "rows": []}}


def test_tables_without_places_are_layers_too(tmp_path: Path) -> None:
    table = changed(
        package(tmp_path / "out.gpkg"),
        "UPDATE gpkg_contents SET data_type = 'attributes'", "DROP TABLE found", "DROP TABLE gpkg_geometry_columns",
        'CREATE TABLE found (a TEXT, "b""c" BLOB, PRIMARY KEY (a, "b""c"))', "INSERT INTO found VALUES ('x', x'00ff')",
    )  # fmt: skip
    assert read_geopackage(table) == {"found": {"rows": [{"a": "x", 'b"c': "00ff"}]}}


def test_a_key_that_is_a_name_is_content(tmp_path: Path) -> None:
    def shares(name: str) -> Path:
        listed = "INSERT INTO gpkg_contents VALUES ('shares', 'attributes', '', '')"
        made = "CREATE TABLE shares (class TEXT PRIMARY KEY, share REAL)"
        filled = f"INSERT INTO shares VALUES ('{name}', 0.5)"
        return changed(package(tmp_path / f"{name}.gpkg"), listed, made, filled)

    told = "GeoPackage content first difference at /shares/rows/0/class"
    assert checked(shares("water"), shares("forest")) == [told]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (with_first((3, 0.90001), (1, polygon(500000.1, 5600000.1)), (5, "[0.90001, 0.1]")), []),
        (with_first((3, 0.95)), [f"{of} 2 numbers at /found/rows/*/score" for of in NEAR]),
        (with_first((2, "van")), ["GeoPackage content first difference at /found/rows/0/class"]),
        (with_first((4, 4)), ["GeoPackage content first difference at /found/rows/0/count"]),
        (with_first((3, None)), ["GeoPackage content first difference at /found/rows/0/score"]),
        (with_first((1, None)), ["GeoPackage content first difference at /found/rows/0/geom"]),
        (ROWS[:2], ["GeoPackage content first difference at /found/rows"]),
        (with_first((1, polygon(500000, 5604000))), ["shapes near 2 shapes at /found/rows/*/geom/coordinates/*"]),
        (with_first((1, polygon(500001, 5600000))), ["shapes near 2 shapes at /found/rows/*/geom/coordinates/*"]),
    ],
)  # fmt: skip
def test_features_are_compared_as_those_of_geojson(tmp_path: Path, rows: Any, told: list[str]) -> None:
    expected, output = package(tmp_path / "expected.gpkg"), package(tmp_path / "out.gpkg", rows)
    assert checked(output, expected) == told


def test_things_found_may_come_in_another_order(tmp_path: Path) -> None:
    expected = package(tmp_path / "expected.gpkg", ROWS[:2])
    output = package(tmp_path / "out.gpkg", [(1, *ROWS[1][1:]), (2, *ROWS[0][1:])])
    assert checked(output, expected) == []


def test_the_name_of_the_only_layer_is_its_files(tmp_path: Path) -> None:
    expected = package(tmp_path / "expected.gpkg")
    assert checked(package(tmp_path / "out.gpkg", layer="out"), expected) == []
    two = changed(
        package(tmp_path / "two.gpkg"), "CREATE TABLE more (id INTEGER PRIMARY KEY)",
        "INSERT INTO gpkg_contents VALUES ('more', 'attributes', '', '')",
    )  # fmt: skip
    assert checked(two, expected) == ["GeoPackage content first difference at /"]


def test_another_coordinate_system_is_another_place(tmp_path: Path) -> None:
    expected, output = package(tmp_path / "expected.gpkg"), package(tmp_path / "out.gpkg", srs=100000)
    assert checked(output, expected) == ["GeoPackage content first difference at /found/crs"]


@pytest.mark.parametrize(
    "statements",
    [("DROP TABLE gpkg_contents",), ("UPDATE gpkg_contents SET data_type = 'tiles'",), ("DELETE FROM gpkg_contents",)],
)
def test_another_database_is_compared_as_a_whole(tmp_path: Path, statements: tuple[str, ...]) -> None:
    assert read_geopackage(changed(package(tmp_path / "out.gpkg"), *statements)) is None


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (("DROP TABLE found", f"CREATE VIEW found AS {ENDLESS} SELECT i AS fid FROM n"), "not authorized"),
        (("ALTER TABLE gpkg_contents RENAME TO told", "CREATE VIEW gpkg_contents AS SELECT * FROM told"), "prohibited"),
        (("ALTER TABLE found RENAME TO kept", "CREATE VIEW found AS SELECT *, 1 AS rowid FROM kept"), "prohibited"),
        (("DROP TABLE found",), "no such table"),
        (("UPDATE sqlite_master SET sql = 'CREATE TABLE found (' WHERE name = 'found'",), "malformed"),
    ],
)  # fmt: skip
def test_nothing_of_a_database_is_run(tmp_path: Path, statements: tuple[str, ...], told: str) -> None:
    path = changed(package(tmp_path / "out.gpkg"), *statements)
    with pytest.raises(sqlite3.DatabaseError, match=told):
        read_geopackage(path)


def test_what_a_database_would_calculate_is_no_content(tmp_path: Path) -> None:
    path = changed(package(tmp_path / "out.gpkg"), "ALTER TABLE found ADD COLUMN big AS (hex(zeroblob(1 << 30)))")
    assert checked(path, package(tmp_path / "expected.gpkg")) == []


def test_a_trigger_and_a_journal_beside_it_mean_nothing(tmp_path: Path) -> None:
    path = changed(
        package(tmp_path / "out.gpkg"),
        "CREATE TRIGGER t AFTER INSERT ON found BEGIN SELECT no_such_function(NEW.geom); END",
    )
    before = path.read_bytes()
    for beside in ("-journal", "-wal"):
        Path(f"{path}{beside}").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    assert checked(path, package(tmp_path / "expected.gpkg")) == []
    assert path.read_bytes() == before


def test_a_broken_page_is_told(tmp_path: Path) -> None:
    path = package(tmp_path / "out.gpkg", [*ROWS, *((n, *ROWS[0][1:]) for n in range(4, 200))])
    raw = bytearray(path.read_bytes())
    raw[-4096:-2048] = b"\xff" * 2048
    path.write_bytes(raw)
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        read_geopackage(path)


@pytest.mark.parametrize(
    ("geometry", "read"),
    [
        (wkb(1, 1.5, 2.5), {"type": "Point", "coordinates": [1.5, 2.5]}),
        (wkb(1001, 1.5, 2.5, 3.5, order=">"), {"type": "Point Z", "coordinates": [1.5, 2.5, 3.5]}),
        (wkb(3002, *range(8), counts=(2,)), {"type": "LineString ZM", "coordinates": [[0, 1, 2, 3], [4, 5, 6, 7]]}),
        (wkb(3, counts=(0,)), {"type": "Polygon", "coordinates": []}),
        (wkb(4, counts=(2,)) + wkb(1, 1, 2) + wkb(1, 3, 4), {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}),
        (wkb(6, counts=(1,)) + wkb(3, 1, 2, 3, 4, counts=(1, 2)),
         {"type": "MultiPolygon", "coordinates": [[[[1, 2], [3, 4]]]]}),
        (wkb(7, counts=(1,)) + wkb(2001, 1, 2, 3),
         {"type": "GeometryCollection", "geometries": [{"type": "Point M", "coordinates": [1, 2, 3]}]}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("envelope", [0, 1, 4])
def test_a_geometry_is_read_as_geojson(geometry: bytes, read: dict[str, Any], envelope: int) -> None:
    assert read_geometry(blob(geometry, envelope)) == read


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "without the header"), (b"XX" + bytes(40), "without the header"), (blob(b"")[:8], "without the header"),
        (b"GP\0\x0b" + bytes(40), "without the header"), (blob(wkb(8, counts=(0,))), "of type 8"),
        (blob(wkb(4001, 1, 2)), "of type 4001"), (blob(wkb(1, 1)), "ends before"),
        (blob(wkb(2, counts=(2**32 - 1,))), "ends before"), (blob(wkb(3, counts=(2**32 - 1, 0))), "ends before"),
        (blob(wkb(5, counts=(2**32 - 1,))), "ends before"), (blob(wkb(7, counts=(1,)) * 100), "in too many others"),
    ],
)  # fmt: skip
def test_what_is_no_geometry_is_told(raw: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_geometry(raw)
