"""Published items, as strangers published them. What is expected of each was written from reading it.

They are not part of the project; without them these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from dlm_build.checking import check_text
from dlm_build.checking.many import check_one, sources
from dlm_build.checking.records import Checked
from dlm_build.progress import silent
from dlm_build.records import Finding

CASES = Path(__file__).parents[4] / "shared" / "cases"
FOLDERS = ("dlm", "mlm", "ml-model")


class Expected(NamedTuple):
    dialect: str | None
    grade: str
    has: str
    """Codes of findings that it must have."""
    lacks: str = ""
    """Codes that would be wrong, or that its publisher did nothing for."""


_FLAGSHIP = (
    "version-is-a-number source-not-pinned share-url-inferred no-checksum no-environment no-expected-output "
    "contradiction-band-count contradiction-useful-bands contradiction-class-count contradiction-output-size "
    "sample-path-inferred tag-in-image-name image-without-digest docker-file-is-a-page assets-not-an-object"
)
_FLAGSHIP_LACKS = (
    "no-date no-framework no-sample code-not-found entry-point-unknown nothing-runs-the-weights model-has-no-address "
    "contradiction-channels-mean contradiction-final-layer-classes framework-without-recipe"
)
TABLE = {
    # The first draft. Two assets, both a NetCDF cube with the role metadata: nothing here is a model, and no image.
    "dlm/cccot03_2020-11-18_7e7a02b2_example-full-item.yml": Expected(
        "dlm/model",
        "E",
        "no-model-asset version-is-a-number no-date no-sample assets-not-an-object license-is-an-object",
        "no-checksum source-not-pinned image-without-digest no-framework id-is-a-number",
    ),
    # A zip by its type, a NetCDF file by its name; the image is a bare model server that waits for <archive.mar>;
    # an MXNet handler under PyTorch 1.5; the code at "https://github.com/". Sample and output are named.
    "dlm/cccot03_2020-11-24_2ca662f0_example-full-item.json": Expected(
        "dlm/bare",
        "E",
        "weights-are-data version-is-a-number id-is-a-number no-date contradiction-framework "
        "contradiction-useful-bands source-not-pinned command-starts-a-server image-without-digest asset-key-repeated "
        "license-is-an-object",
        "no-sample no-expected-output no-checksum contradiction-class-count contradiction-output-size no-framework",
    ),
    # The flagship: a Google Drive share, a repository without a commit, "1.5", four bands of five, five classes of
    # six, [0, 1, 3] against [2, 1, 3], 224 against 64; a sample and no output.
    "dlm/cccot03_2021-01-06_303a24dc_example-thelper-item.yml": Expected(
        "dlm/runtime", "C", f"{_FLAGSHIP} id-is-a-number", _FLAGSHIP_LACKS
    ),
    "dlm/dlmext_2023-09-05_54d60f9c_item.json": Expected(
        "dlm/runtime", "C", _FLAGSHIP, f"{_FLAGSHIP_LACKS} id-is-a-number"
    ),
    # Two models: torchvision's checkpoint of another head, and an ONNX file on a branch, which needs no code.
    "mlm/hotosm_resnet18_classification.json": Expected(
        "mlm",
        "C",
        "several-models href-moves framework-of-artifact unused-source-not-pinned no-checksum no-environment no-sample "
        "image-floats processing-not-called",
        "no-date date-from-datetime weights-need-code nothing-runs-the-weights no-framework raw-url-inferred",
    ),
    # Weights on a branch behind a /raw/ address; the entry point starts training; runtimes at "local".
    "mlm/hotosm_yolo_v8_v1.json": Expected(
        "mlm",
        "C",
        "entrypoint-trains href-moves source-not-pinned no-checksum no-sample no-environment date-from-datetime",
        "no-framework no-framework-version model-has-no-address nothing-runs-the-weights image-without-digest",
    ),
    # The model's address is a model card, its type text/html: no weights; no framework, no code.
    "mlm/stacext_main_item_basic.json": Expected(
        "mlm",
        "E",
        "model-has-no-address framework-from-artifact no-framework-version no-date no-sample",
        "no-checksum source-not-pinned href-moves image-without-digest",
    ),
    # Weights at resolve/main; code at a commit, but a line of a file and no function that runs.
    "mlm/stacext_main_item_eo_bands.json": Expected(
        "mlm",
        "C",
        "href-moves no-checksum no-sample no-environment no-date weights-need-code",
        "source-not-pinned no-framework no-framework-version raw-url-inferred model-has-no-address",
    ),
    # Weights behind Hugging Face's page about them; three inputs, two outputs; no code at all.
    "mlm/stacext_main_item_multi_io.json": Expected(
        "mlm",
        "C",
        "raw-url-inferred href-moves several-inputs several-outputs no-checksum no-sample no-date weights-need-code",
        "source-not-pinned no-framework no-framework-version model-has-no-address",
    ),
    # Weights at a commit; a framework that is a module, an entry point that is a class, a repository without commit.
    "mlm/stacext_main_item_pytorch_geo_unet.json": Expected(
        "mlm",
        "C",
        "framework-from-module no-framework-version entrypoint-is-architecture source-not-pinned no-checksum no-date "
        "no-sample no-environment",
        "href-moves raw-url-inferred model-has-no-address nothing-runs-the-weights",
    ),
    # A checkpoint on Zenodo, and nothing that loads it but the image in a link.
    "ml-model/ext_cyclone-wind-speed_item.json": Expected(
        "ml-model",
        "D",
        "nothing-runs-the-weights framework-from-artifact no-framework-version no-checksum no-date no-sample "
        "image-from-link image-without-digest",
        "model-has-no-address href-moves raw-url-inferred source-not-pinned no-assets",
    ),
    # A CatBoost model by its own words, which holds its program; nothing else.
    "ml-model/openeo_catboost.json": Expected(
        "ml-model",
        "C",
        "framework-from-artifact no-framework-version framework-without-recipe no-checksum no-date no-sample "
        "no-environment",
        "nothing-runs-the-weights model-has-no-address href-moves image-without-digest",
    ),
    # No assets, no container: a description.
    "ml-model/radiant_gold_item.json": Expected(
        "ml-model", "E", "no-assets no-framework no-date", "no-checksum nothing-runs-the-weights image-without-digest"
    ),
    # What lies beside the items and is none.
    "ml-model/ext_cyclone-wind-speed_inferencing.yml": Expected(None, "F", ""),
    "ml-model/cyclone-sample/acd_123/features.json": Expected(None, "F", ""),
    "ml-model/cyclone-sample/acd_123/stac.json": Expected(None, "F", ""),
    "ml-model/cyclone-sample/acd_123/image.jpg": Expected(None, "F", ""),
    "ml-model/openeo-catboost-weights/catboost_model.cbm.tar.gz": Expected(None, "F", ""),
}
TWINS = (
    "dlm/cccot03_2021-01-06_303a24dc_example-thelper-item.yml",
    "dlm/dlmext_2023-09-05_54d60f9c_item.json",
)


class Offline:
    """Doors for files of this disk alone."""

    notify = staticmethod(silent)

    @staticmethod
    def clock() -> float:
        return 0.0

    @staticmethod
    def stdin() -> bytes:
        raise AssertionError("stdin was read")

    @property
    def fetch(self) -> NoReturn:
        raise AssertionError("the network was asked")


def case(name: str) -> Path:
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"{path.name} of the published items is not here")
    return path


def checked(name: str) -> Checked:
    (source,) = sources([str(case(name))], Offline())
    return check_one(source)


def test_the_table_has_every_file() -> None:
    if not CASES.is_dir():
        pytest.skip("the published items are not here")
    there = {str(path.relative_to(CASES)) for folder in FOLDERS for path in (CASES / folder).rglob("*")}
    assert {name for name in there if (CASES / name).is_file()} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_it_is_read_and_graded_as_its_reader_would(name: str) -> None:
    found, wanted = checked(name), TABLE[name]
    codes = {finding.code for finding in found.findings}
    assert (found.dialect, found.grade.letter) == (wanted.dialect, wanted.grade)
    assert not set(wanted.has.split()) - codes
    assert not set(wanted.lacks.split()) & codes
    assert found.outcome == ("item-invalid" if wanted.grade == "F" else None)


@pytest.mark.parametrize("name", TABLE)
def test_every_finding_says_where_and_what_to_do(name: str) -> None:
    found = checked(name)
    for finding in found.findings:
        assert finding.message.strip()
        assert finding.line is None or (finding.line > 0 and (finding.column or 0) > 0)
        assert finding.line is not None or not finding.pointer, finding
        assert finding.hint or finding.severity != "error", finding.code
    assert len({(f.code, f.pointer, f.message) for f in found.findings}) == len(found.findings)


@pytest.mark.parametrize("name", TABLE)
def test_a_grade_says_how_to_reach_the_next(name: str) -> None:
    grade = checked(name).grade
    assert bool(grade.lifts) == (grade.letter not in ("A", "F"))
    assert bool(grade.guesses) == (grade.letter == "C")
    assert all(lift.fix and lift.pointer for lift in grade.lifts)


@pytest.mark.parametrize("name", TABLE)
def test_what_blocks_the_build_is_below_c(name: str) -> None:
    """But for the limits of this tool, which are not the item's."""
    found = checked(name)
    blocking = {f.code for f in found.findings if f.severity == "error"} - {"framework-without-recipe"}
    assert bool(blocking) == (found.grade.letter in "DEF")


def test_the_twins_of_the_flagship_say_the_same() -> None:
    """The later one says `id` and `datetime` otherwise, and has no other field that matters more or less."""
    yaml, json_ = (
        {(f.code, f.pointer, f.message, f.hint) for f in checked(name).findings if f.pointer != "/id"} for name in TWINS
    )
    assert yaml == json_


@pytest.mark.parametrize("name", [name for name, one in TABLE.items() if name.endswith(".json") and one.dialect])
def test_written_as_yaml_it_says_the_same(name: str) -> None:
    text = case(name).read_text("utf-8")
    origin = str(case(name))
    other = check_text(f"---{as_yaml(json.loads(text, parse_float=Raw, parse_int=Raw))}\n", origin)
    found = check_text(text, origin)
    assert [_without_place(one) for one in other.findings] == [_without_place(one) for one in found.findings]
    assert (other.grade, other.sha256) == (found.grade, found.sha256)


class Raw(str):
    """A number as it was written."""

    __slots__ = ()


def _without_place(finding: Finding) -> tuple[str, ...]:
    return finding.code, finding.severity, finding.pointer, finding.message, finding.hint


def as_yaml(value: Any, indent: str = "") -> str:
    """Block style; texts in double quotes, which YAML reads as JSON does."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{json.dumps(key)}:{as_yaml(one, indent + '  ')}" for key, one in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}-{as_yaml(one, indent + '  ')}" for one in value)
    return f" {value if isinstance(value, Raw) else json.dumps(value)}"
