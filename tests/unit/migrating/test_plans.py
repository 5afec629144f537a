"""A migrated item is planned as it was: the same decisions, whatever the words they rest on."""

from __future__ import annotations

import pytest

from dlm_build.items import read_item
from dlm_build.migrating.text import written
from tests.unit.planning.inputs import conda, plan
from tests.unit.planning.test_generations import ENVIRONMENT, PATHS, content

from .items import ITEMS, ROOT, of_file


@pytest.mark.parametrize("name", ["runtime.json", "report.json", "engine.json", "engine.yml", "bare.json", "model.yml"])
def test_of_every_generation(name: str) -> None:
    item, migrated = of_file(ITEMS / "generations" / name)
    again = read_item(written(migrated.document), item.origin)
    before, after = (content(plan(one, ENVIRONMENT, paths=PATHS)) for one in (item, again))
    assert after == before


@pytest.mark.parametrize(
    ("example", "weights"), [("segmentation-onnx", "model.onnx"), ("segmentation-pytorch", "weights.pt")]
)
def test_of_the_examples(example: str, weights: str) -> None:
    item, migrated = of_file(ROOT / "examples" / example / "item.json")
    again = read_item(written(migrated.document), item.origin)
    environment = conda("channels: [conda-forge]\ndependencies: [python=3.10, onnxruntime=1.20.1, pytorch=2.1.0]")
    paths = tuple(sorted(row.name for row in item.archive)) or (weights, "sample.tif", "expected.tif")
    before, after = (content(plan(one, environment, paths=paths)) for one in (item, again))
    assert after == before
