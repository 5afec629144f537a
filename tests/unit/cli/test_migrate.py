"""`dlm-build migrate` and `dlm-build schema` as programs."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build.cli.main import main
from dlm_build.errors import InfraError
from dlm_build.migrating import Migrated
from dlm_build.migrating.folder import AllMoved, Names
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


# --- many --------------------------------------------------------------------------------------------------------


@pytest.fixture
def items(run: Run) -> str:
    """Two items of one id in folders of their own, one of another, one that is hostile, and a schema."""
    write("items/a/item.json", spoiled("assets/model/href", "./coast.mar"))
    write("items/b/item.json", GOOD)
    write("items/c.json", GOOD | {"id": "../../etc/Küste 1"})
    write("items/d.json", spoiled("properties/dlm:runtime/framework", "$(id)"))
    write("items/schema.json", {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"})
    return "items"


def test_all_of_a_folder_into_another(run: Run, items: str) -> None:
    status, out, err = run("migrate", items, "--into", "new/mlm")
    assert (status, err) == (7, ""), "of the first that could not be written"
    lines = [line.partition(":")[0] for line in out.splitlines()]
    assert lines == [
        "new/mlm/coast.json  from items/a/item.json", "new/mlm/coast-2.json  from items/b/item.json",
        "new/mlm/etc-K-ste-1.json  from items/c.json", "item-hostile", "  fix",
        "3 written, 1 not, 1 left out as no items",
    ]  # fmt: skip
    found = {path.name: json.loads(path.read_text("utf-8")) for path in Path("new/mlm").iterdir()}
    assert sorted(found) == ["coast-2.json", "coast.json", "etc-K-ste-1.json"]
    assert all(problems_of_item(document) == () for document in found.values())
    assert found["coast.json"]["assets"]["model"]["href"] == "../../items/a/coast.mar"
    assert found["etc-K-ste-1.json"]["id"] == "../../etc/Küste 1"
    assert not run("migrate", items, "--into", "new/mlm", "-q")[1]
    assert len([*Path("new/mlm").iterdir()]) == 3, "written anew, and not beside"


def test_all_as_one_record(run: Run, items: str) -> None:
    status, out, err = run("migrate", f"{items}/a", f"{items}/d.json", "gone.json", "--into", "new", "--json")
    done = from_json(AllMoved, out.encode())
    assert (status, err) == (7, "") and [one.origin for one in done.items[:2]] == ["items/a/item.json", "items/d.json"]
    moved, hostile, gone = done.items
    assert moved.file == "new/coast.json" and moved.kept and moved.assumed and not moved.problem
    assert hostile.file is None and hostile.outcome == "item-hostile" and hostile.fix
    assert gone.outcome == "source-gone" and "gone.json" in gone.problem


def test_the_items_of_a_catalogue_have_files_of_their_own(run: Run) -> None:
    write("all.json", {"type": "FeatureCollection", "features": [GOOD, GOOD | {"id": "other"}]})
    assert run("migrate", "all.json", "--into", "new", "-q")[0] == 0
    assert sorted(path.name for path in Path("new").iterdir()) == ["coast.json", "other.json"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("items", "--into", "items/new"), "--into items/new lies in items"),
        (("items/b/item.json", "items/c.json"), "several items go into a folder"),
        (("items", "--into", "new", "--id", "coast"), "--id is for one item"),
        (("items", "--into", "new", "-o", "x.json"), "--output is for one item"),
        (("items/b", "--into", "items/c.json/new"), "items/c.json/new: Not a directory"),
    ],
)
def test_what_does_not_go_together(run: Run, items: str, argv: tuple[str, ...], told: str) -> None:
    status, out, err = run("migrate", *argv)
    assert (status, out) == (2, "") and told in err and not Path("new").exists()


def test_an_item_is_not_replaced_by_what_is_made_of_it(run: Run) -> None:
    before = Path(write("items/coast.json", GOOD)).read_bytes()
    status, _, err = run("migrate", "items/coast.json", "--into", "items")
    assert status == 2 and "is the item itself" in err and Path("items/coast.json").read_bytes() == before


def test_a_disk_that_is_full_ends_it_at_once(run: Run, items: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise InfraError("new/coast.json: No space left on device")

    monkeypatch.setattr("dlm_build.cli.migrate_into.write_file", full)
    status, out, err = run("migrate", items, "--into", "new")
    assert (status, out) == (14, "") and err.count("No space left") == 1


def test_names_of_files() -> None:
    names = Names()
    assert [names.of(one) for one in ("a", "A", "a-2", "..", "", "x/y", "é" * 300, "b" * 300)] == [
        "a.json", "A-2.json", "a-2-2.json", "item.json", "item-2.json", "x-y.json", "item-3.json", f"{'b' * 120}.json",
    ]  # fmt: skip
