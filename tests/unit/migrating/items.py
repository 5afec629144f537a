"""Every item that is migrated in tests: fixtures, examples, and published ones where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dlm_build.items.reading import item_of, load
from dlm_build.migrating import Migrated, migrate
from dlm_build.records import Item

ROOT = Path(__file__).parents[3]
CASES = ROOT.parent / "shared" / "cases"
ITEMS = ROOT / "tests" / "unit" / "items"
OURS = (
    *sorted((ITEMS / "generations").iterdir()),
    *sorted((ITEMS / "published").iterdir()),
    *sorted((ROOT / "examples").glob("*/item.json")),
)
DLM_CASES = (
    "dlm/cccot03_2020-11-18_7e7a02b2_example-full-item.yml",
    "dlm/cccot03_2020-11-24_2ca662f0_example-full-item.json",
    "dlm/cccot03_2021-01-06_303a24dc_example-thelper-item.yml",
    "dlm/dlmext_2023-09-05_54d60f9c_item.json",
)
OTHER_CASES = (
    "mlm/hotosm_resnet18_classification.json",
    "mlm/hotosm_yolo_v8_v1.json",
    "mlm/stacext_main_item_basic.json",
    "mlm/stacext_main_item_eo_bands.json",
    "mlm/stacext_main_item_multi_io.json",
    "mlm/stacext_main_item_pytorch_geo_unet.json",
    "ml-model/ext_cyclone-wind-speed_item.json",
    "ml-model/openeo_catboost.json",
    "ml-model/radiant_gold_item.json",
)


def of_text(text: str, origin: str = "item.json", place: str | None = None) -> tuple[Item, Migrated]:
    document = load(text, origin)
    item = item_of(document)
    return item, migrate(item, document, place)


def of(content: dict[str, Any], origin: str = "item.json", place: str | None = None) -> Migrated:
    return of_text(json.dumps(content), origin, place)[1]


def of_file(path: Path) -> tuple[Item, Migrated]:
    return of_text(path.read_text("utf-8"), str(path))
