"""The table of bar 3: every DLM item migrates to what the schemas of STAC and MLM allow, and says the same model."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from dlm_build.items import read_item
from dlm_build.migrating.kept import FIELDS
from dlm_build.migrating.text import written
from dlm_build.records import Item
from dlm_build.schemas import ITEM, MLM, problems, problems_of_item
from dlm_build.schemas.offline import known, schema_of

from .items import CASES, DLM_CASES, OTHER_CASES, OURS, of_file, of_text

pytestmark = pytest.mark.filterwarnings("error")


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.fixture(params=[*OURS, *(CASES / case for case in (*DLM_CASES, *OTHER_CASES))], ids=named)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    if not found.exists():
        pytest.skip(f"{found} is not here: published items are no part of the project")
    return found


@pytest.fixture(params=[*OURS, *(CASES / case for case in DLM_CASES)], ids=named)
def dlm_path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    if not found.exists():
        pytest.skip(f"{found} is not here: published items are no part of the project")
    return found


def test_the_schemas_of_stac_and_mlm_allow_it(path: Path) -> None:
    document = of_file(path)[1].document
    assert problems(document, ITEM) == () and problems(document, MLM) == () and problems_of_item(document) == ()
    assert document["stac_version"] == "1.1.0" and document["stac_extensions"][0] == MLM


def test_the_libraries_of_others_accept_it(path: Path) -> None:
    """MLM's own models, the STAC library's, and another validator of schemas."""
    import pystac
    from pystac.extensions.mlm import MLMExtension
    from stac_model.schema import MLModelProperties

    document = of_file(path)[1].document
    told = document["properties"]
    model = MLModelProperties(**_without_nodata(told))
    assert model.name == told["mlm:name"] and len(model.input) == len(told["mlm:input"])
    item = pystac.Item.from_dict(document)
    extension: Any = MLMExtension.ext(item)
    assert extension.architecture == told["mlm:architecture"]
    assert [one.to_dict()["name"] for one in extension.input] == [one["name"] for one in told["mlm:input"]]
    assert list(_another_validator().iter_errors(document)) == []


def _without_nodata(properties: dict[str, Any]) -> dict[str, Any]:
    """MLM's models do not take the mark of classes that are no data, which its schema and published examples have."""
    made = copy.deepcopy(properties)
    for output in made["mlm:output"]:
        for one in output.get("classification:classes", ()):
            one.pop("nodata", None)
    return made


def _another_validator() -> Any:
    from jsonschema import Draft7Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT7

    rows = [(uri, Resource.from_contents(schema_of(uri), DRAFT7)) for uri in known()]
    registry: Any = Registry().with_resources(rows)
    return Draft7Validator(schema_of(MLM), registry=registry)


def test_reading_it_gives_the_same_model(dlm_path: Path) -> None:
    item, migrated = of_file(dlm_path)
    again = read_item(written(migrated.document), str(dlm_path))
    assumed = " ".join(note.reason for note in migrated.assumed)
    for field in FIELDS:
        one, other = field.of(item), field.of(again)
        if field.path == ("sample",) and item.sample and again.sample:
            one, other = (
                (given.input, given.expected, given.atol, given.rtol) for given in (item.sample, again.sample)
            )
        if one in (None, ()) and other not in (None, ()):
            assert f"take {'.'.join(field.path)} to be" in assumed, field.path
        else:
            assert one == other, field.path
    assert not [note for note in migrated.dropped if "comes back" in note.reason]
    assert again.dialect == "mlm" and (again.id, again.title) == (item.id, item.title or again.title)


def test_every_asset_is_there_again(dlm_path: Path) -> None:
    item, migrated = of_file(dlm_path)
    again = {asset.key: asset for asset in read_item(written(migrated.document), str(dlm_path)).assets}
    for asset in item.assets:
        other = again.pop(asset.key)
        assert (other.href, other.published, other.sha256, other.size) == (
            asset.href,
            asset.published,
            asset.sha256,
            asset.size,
        )
        assert (other.media_type, other.title) == (asset.media_type, asset.title)
        assert set(asset.roles) <= set(other.roles)
    assert again.keys() <= {"source-code", "container"}


def test_the_same_text_each_time(path: Path) -> None:
    first, second = written(of_file(path)[1].document), written(of_file(path)[1].document)
    assert first == second and json.loads(first)


def test_migrating_twice_changes_nothing_of_the_model(dlm_path: Path) -> None:
    once = of_file(dlm_path)[1].document
    text = written(once)
    item, twice = of_text(text, str(dlm_path))
    again: Item = read_item(written(twice.document), str(dlm_path))
    assert (item.runtime, item.inputs, item.outputs, item.archive) == (
        again.runtime,
        again.inputs,
        again.outputs,
        again.archive,
    )
    assert twice.document["properties"]["mlm:input"] == once["properties"]["mlm:input"]
