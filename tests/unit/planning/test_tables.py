from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from dlm_build.errors import InfraError
from dlm_build.oci import is_digest
from dlm_build.planning import data
from dlm_build.planning.tables import parse_tables
from tests.unit.planning.inputs import tables

FOLDER = resources.files(data)
FRAMEWORKS = (FOLDER / "frameworks.json").read_bytes()
BASES = (FOLDER / "bases.json").read_bytes()
COLLECTED = Path(__file__).parents[4] / "shared" / "data"


def bases_with(**changed: object) -> bytes:
    document = json.loads(BASES)
    document["rows"][0] |= changed
    return json.dumps(document).encode()


def test_the_shipped_tables_are_whole() -> None:
    loaded = tables()
    assert {table.name for table in loaded.frameworks} == {"pytorch", "tensorflow", "mxnet", "onnxruntime"}
    assert len(loaded.framework("pytorch").rows) == 50
    assert all(is_digest(row.digest) for row in loaded.bases)
    assert all(row.sources for row in loaded.bases)


def test_a_digest_twice_under_one_tag_would_be_a_copying_error() -> None:
    seen = [(row.repository, row.tag, row.digest) for row in tables().bases]
    assert len(seen) == len(set(seen))


def test_rows_of_a_framework_ascend() -> None:
    for table in tables().frameworks:
        versions = [tuple(map(int, row.version.split("."))) for row in table.rows if row.version != "1.8.2"]
        assert versions == sorted(versions), table.name


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:" + "g" * 64, "md5:" + "a" * 32, "sha256:" + "a" * 64 + "\n"]
)
def test_a_row_without_a_sha256_digest_is_an_error(digest: str) -> None:
    with pytest.raises(InfraError, match="no sha256 digest"):
        parse_tables(FRAMEWORKS, bases_with(digest=digest))


@pytest.mark.parametrize("changed", [{"trust": "hearsay"}, {"kind": "guess"}, {"state": "ill"}, {"colour": "red"}])
def test_what_the_table_does_not_know_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(InfraError, match=r"bases\.json .* damaged"):
        parse_tables(FRAMEWORKS, bases_with(**changed))


def test_a_framework_without_rows_is_refused() -> None:
    document = json.loads(FRAMEWORKS)
    document["frameworks"][0]["rows"] = []
    with pytest.raises(InfraError, match="pytorch has no rows"):
        parse_tables(json.dumps(document).encode(), BASES)


def test_half_a_file_is_refused() -> None:
    with pytest.raises(InfraError, match=r"frameworks\.json"):
        parse_tables(FRAMEWORKS[:1000], BASES)


def test_suspect_arm_and_deleted_rows_are_not_usable() -> None:
    rows = tables().bases
    assert not any(
        row.usable for row in rows if row.trust == "suspect" or not row.use_for_amd64 or row.state != "present"
    )
    assert sum(row.trust == "suspect" for row in rows) == 4


def test_the_files_name_no_package_index() -> None:
    for raw in (FRAMEWORKS, BASES):
        assert not re.search(rb"https?://|pypi\.org|pythonhosted|download\.pytorch|anaconda\.(org|com)", raw)


@pytest.mark.skipif(not COLLECTED.is_dir(), reason="the collected facts are not beside this repository")
def test_the_files_are_what_the_script_makes_of_the_facts() -> None:
    from dlm_build.planning.data.make import bases_text, frameworks_text

    facts = json.loads((COLLECTED / "framework_compat.json").read_text("utf-8"))
    digests = json.loads((COLLECTED / "cuda_digests.json").read_text("utf-8"))
    assert frameworks_text(facts).encode() == FRAMEWORKS
    assert bases_text(facts, digests).encode() == BASES
