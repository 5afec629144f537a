"""`dlm-build migrate` and `dlm-build schema` as programs."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build.cli.main import main
from dlm_build.migrating import Migrated
from dlm_build.records import from_json
from dlm_build.schemas import MLM, dlm_schema, problems_of_item
from tests.unit.items.samples_of_items import GOOD, spoiled

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    before = signal.getsignal(signal.SIGTERM)

    def ran(*argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["dlm-build", *argv])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    yield ran
    signal.signal(signal.SIGTERM, before)


def write(path: str, item: dict[str, Any]) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(item), "utf-8")
    return path


def test_the_item_on_stdout_and_the_notes_on_stderr(run: Run) -> None:
    status, out, err = run("migrate", write("item.json", GOOD), "--to", "mlm")
    document = json.loads(out)
    assert status == 0 and problems_of_item(document) == () and document["stac_extensions"][0] == MLM
    assert "    kept  /properties/dlm:archive: MLM has no field for it\n" in err
    assert " assumed  /properties/mlm:architecture: the item does not name one\n" in err
    assert run("migrate", "item.json", "--quiet") == (0, out, "")
    assert run("migrate", "item.json", "--quiet", "-o", "-") == (0, out, "") and not Path("-").exists()


def test_to_a_file_elsewhere(run: Run) -> None:
    write("items/item.json", spoiled("assets/model/href", "./coast.mar"))
    Path("new/mlm").mkdir(parents=True)
    status, out, _ = run("migrate", "items/item.json", "-o", "new/mlm/item.json", "-q")
    document = json.loads(Path("new/mlm/item.json").read_text("utf-8"))
    assert (status, out) == (0, "") and document["assets"]["model"]["href"] == "../../items/coast.mar"
    assert [path.name for path in Path("new/mlm").iterdir()] == ["item.json"]


def test_both_as_one_record(run: Run) -> None:
    status, out, err = run("migrate", write("item.json", GOOD), "--json")
    migrated = from_json(Migrated, out.encode())
    assert (status, err) == (0, "") and migrated.document["id"] == "coast"
    assert migrated.kept and migrated.assumed and migrated.kept[0].pointer.startswith("/properties/dlm:")


def test_one_item_of_a_catalogue(run: Run) -> None:
    write("all.json", {"type": "FeatureCollection", "features": [GOOD, GOOD | {"id": "other"}]})
    status, out, _ = run("migrate", "all.json", "--id", "other", "-q")
    assert status == 0 and json.loads(out)["id"] == "other"


@pytest.mark.parametrize(
    ("item", "status", "word"),
    [(spoiled("properties/dlm:runtime/framework", "$(id)"), 7, "item-hostile"), ({"a": 1}, 6, "item-invalid")],
)
def test_what_cannot_be_read_is_not_migrated(run: Run, item: dict[str, Any], status: int, word: str) -> None:
    ended, out, err = run("migrate", write("item.json", item), "-o", "new.json")
    assert (ended, out) == (status, "") and err.startswith(word) and not Path("new.json").exists()


def test_a_file_that_cannot_be_written(run: Run) -> None:
    status, out, err = run("migrate", write("item.json", GOOD), "-o", "no/such/folder.json")
    assert (status, out) == (2, "") and "no/such/folder.json: No such file or directory" in err


def test_notes_cannot_draw_on_a_terminal(run: Run) -> None:
    item = spoiled("properties/title", "x")
    item["properties"]["dlm:data"]["\x1b[2J\u202e"] = 1
    status, out, err = run("migrate", write("item.json", item))
    assert status == 0 and "\\x1b[2J\\u202e" in err
    assert (out + err).replace("\n", "").isprintable()


@pytest.mark.parametrize(("argv", "title"), [((), "dlm-build reads it"), (("dlm",), "dlm-build reads it"),
                                             (("report",), "report"), (("check",), "check")])  # fmt: skip
def test_schemas(run: Run, argv: tuple[str, ...], title: str) -> None:
    status, out, err = run("schema", *argv)
    assert (status, err) == (0, "") and title in json.loads(out)["title"]
    if argv in ((), ("dlm",)):
        assert json.loads(out) == dlm_schema()
