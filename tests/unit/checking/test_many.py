"""Many items: lists, folders, order, several at a time."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from dlm_build.catalogues import SourceText, Unread
from dlm_build.checking.many import check_all, check_asking, check_one, sources
from dlm_build.checking.records import Checked, LeftOut
from dlm_build.errors import InfraError, SourceGone, UsageError
from dlm_build.findings.kinds import HYGIENE
from dlm_build.records import Finding
from tests.unit.checking.made import changed, complete
from tests.unit.checking.test_published import Offline


def written(path: Path, **changes: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(changed(**changes)), "utf-8")
    return str(path)


def ids(*given: str) -> list[str | None]:
    return [check_one(source).id for source in sources(given, Offline())]


def test_a_list_names_one_a_line(tmp_path: Path) -> None:
    one, two = written(tmp_path / "a b.json", id="one"), written(tmp_path / "#two.json", id="two")
    listed = tmp_path / "list.txt"
    listed.write_text(f"# mine\n\n{two}\r\n  {one}  \n#\n", "utf-8")
    assert ids(f"@{listed}", one) == ["two", "one", "one"]


@pytest.mark.parametrize("raw", [None, b"\xff\xfe\x00"])
def test_a_list_that_cannot_be_read_stops(tmp_path: Path, raw: bytes | None) -> None:
    listed = tmp_path / "list.txt"
    if raw is not None:
        listed.write_bytes(raw)
    with pytest.raises(UsageError, match=r"list\.txt"):
        ids(f"@{listed}")


def test_a_folder_gives_all_of_its_items_by_name(tmp_path: Path) -> None:
    for name in ("b/item.json", "a.yaml", "c.json", ".hidden/item.json", "readme.md"):
        written(tmp_path / name, id=name)
    assert ids(str(tmp_path)) == ["a.yaml", "b/item.json", "c.json"]


def test_what_is_not_there_is_an_f_among_the_others(tmp_path: Path) -> None:
    there = written(tmp_path / "a.json", id="a")
    found = [check_one(source) for source in sources([str(tmp_path / "none.json"), there], Offline())]
    assert [(one.grade.letter, one.outcome) for one in found] == [("F", "source-gone"), ("A", None)]


@pytest.mark.parametrize("text", ["[]", '{"type": "FeatureCollection", "features": []}', None])
def test_what_leads_to_no_item_is_an_f_too(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "none"
    if text is None:
        path.mkdir()
    else:
        path.write_text(text)
    (source,) = sources([str(path)], Offline())
    checked = check_one(source)
    assert (checked.grade.letter, len(checked.findings)) == ("F", 1)


def test_no_server_is_asked_because_of_what_stands_in_a_file(tmp_path: Path) -> None:
    beside = written(tmp_path / "a.json", id="a")
    links = [{"rel": "item", "href": href} for href in ("https://example.org/items/b.json", "./a.json")]
    catalogue = tmp_path / "catalog.json"
    catalogue.write_text(json.dumps({"type": "Catalog", "stac_version": "1.0.0", "id": "c", "links": links}), "utf-8")
    away, here = (check_one(source) for source in sources([str(catalogue)], Offline()))
    assert (here.origin, here.grade.letter) == (beside, "A")
    assert (away.grade.letter, away.outcome) == ("F", "infra")
    (finding,) = away.findings
    assert "links to https://example.org/items/b.json, which is on the network" in finding.message
    assert "--online" in finding.hint


def test_how_it_was_found_is_a_finding() -> None:
    note = Finding(code="only-one-inside", severity=HYGIENE, pointer="", message="is the only one")
    source = SourceText(text=json.dumps(complete()), origin="a.json", notes=(note,))
    assert [finding.code for finding in check_one(source).findings] == ["only-one-inside"]


def many(count: int) -> Iterator[SourceText | Unread]:
    for number in range(count):
        if number % 7 == 3:
            yield Unread(f"{number}.json", SourceGone("gone", "look elsewhere"))
        else:
            yield SourceText(text=json.dumps(changed(id=f"n{number}")), origin=f"{number}.json")


def test_several_processes_give_the_same_in_the_same_order() -> None:
    assert list(check_all(many(50), jobs=2)) == list(check_all(many(50)))


def test_processes_that_cannot_be_started_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_order: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("dlm_build.checking.workers.ProcessPoolExecutor.submit", refused)
    with pytest.raises(InfraError, match="cannot start a process that checks items: Too many open files"):
        list(check_all(many(2), jobs=2))


def test_several_processes_take_a_path_that_is_no_text() -> None:
    odd = [SourceText(text=json.dumps(complete()), origin="latin-1 \udce9/item.json")]
    assert list(check_all(odd, jobs=2)) == list(check_all(odd))


def test_a_process_that_is_killed_is_infra_and_says_what_to_do() -> None:
    results = check_all(many(2000), jobs=2)
    next(results)
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(InfraError, match="one of 2 processes that checked items was ended") as caught:
        list(results)
    assert "--jobs" in caught.value.hint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "a closed terminal"])
def test_what_a_terminal_sends_to_all_is_for_the_first_process_alone(number: signal.Signals) -> None:
    results = check_all(many(200), jobs=2)
    next(results)
    for child in multiprocessing.active_children():
        assert child.pid is not None
        os.kill(child.pid, number)
    assert len(list(results)) == 199


def test_an_interrupted_check_waits_for_no_process() -> None:
    children = list[BaseProcess]()

    def interrupted() -> Iterator[SourceText | Unread]:
        yield from many(100)
        children.extend(multiprocessing.active_children())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(check_all(interrupted(), jobs=2))
    assert [child.exitcode for child in children] == [-signal.SIGKILL] * 2


def checking(told: Connection) -> None:
    """Stops in the middle, with two processes that wait for more to do."""
    results = check_all(many(200), jobs=2)
    next(results)
    told.send([child.pid for child in multiprocessing.active_children()])
    time.sleep(60)


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells who is alive")
def test_a_killed_check_leaves_no_process_behind() -> None:
    context = multiprocessing.get_context("spawn")
    told, teller = context.Pipe(duplex=False)
    first = context.Process(target=checking, args=(teller,))
    first.start()
    assert told.poll(60)
    pids = told.recv()
    first.kill()
    first.join()
    until = time.monotonic() + 20
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(pids) == 2 and not any(map(is_alive, pids))


def test_a_check_that_asks_keeps_the_order_too() -> None:
    assert list(check_asking(many(20), check_one, jobs=4)) == list(check_all(many(20)))


def test_nothing_is_read_before_it_is_wanted() -> None:
    read: list[int] = []

    def counted() -> Iterator[SourceText | Unread]:
        for number, source in enumerate(many(1000)):
            read.append(number)
            yield source

    results = check_all(counted())
    next(results)
    assert len(read) == 1


# --- files of a folder that are no items -------------------------------------------------------------------------


def folder_of(tmp_path: Path, **files: str) -> str:
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text, "utf-8")
    return str(tmp_path)


NO_ITEMS = {
    "package__json": (
        '{"name": "viewer", "version": "1.0.0", "dependencies": {}}',
        "an object with name, version, dependencies",
    ),
    "schema__json": (
        '{"$schema": "https://json-schema.org/draft-07/schema#", "$id": "x", "properties": {"mlm": {}}}',
        "a JSON Schema",
    ),
    "map__geojson": (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "a"},'
        ' "geometry": null}]}',
        "a FeatureCollection, such as a search answers",
    ),
    "empty__geojson": (
        '{"type": "FeatureCollection", "features": []}',
        "a FeatureCollection, such as a search answers",
    ),
    "collection__json": (
        '{"type": "Collection", "stac_version": "1.0.0", "id": "c", "links": [], "extent": {}}',
        "a STAC Collection with the id c",
    ),
    "catalog__json": (
        '{"type": "Catalog", "stac_version": "1.0.0", "id": "c", "links": []}',
        "a STAC Catalog with the id c",
    ),
    "field__geojson": ('{"type": "Feature", "properties": {"name": "a"}, "geometry": null}', "another document"),
    "numbers__json": ("[1, 2, 3]", "a list of 3 entries"),
    "environment__yml": ("name: me\nchannels: [conda-forge]\ndependencies: [python]\n", "a conda environment file"),
    "tsconfig__json": ('{"strict": true, // always\n}', "an object with strict"),
    "broken__json": ('{"strict": true "a"}', "no document that can be read"),
    "site__yml": ("theme: !!python/name:material.x\n", "no document that can be read"),
}


@pytest.mark.parametrize("name", NO_ITEMS)
def test_a_file_of_a_folder_that_is_no_item_is_left_out(tmp_path: Path, name: str) -> None:
    text, what = NO_ITEMS[name]
    folder = folder_of(tmp_path, **{name: text})
    (result,) = check_all(sources([folder], Offline()))
    assert result == LeftOut(origin=str(tmp_path / name.replace("__", ".")), what=what)


@pytest.mark.parametrize("name", NO_ITEMS)
def test_the_same_file_named_itself_is_an_f(tmp_path: Path, name: str) -> None:
    folder_of(tmp_path, **{name: NO_ITEMS[name][0]})
    results = list(check_all(sources([str(tmp_path / name.replace("__", "."))], Offline())))
    assert results and all(isinstance(one, Checked) and one.grade.letter == "F" for one in results)


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "Feature", "stac_version": "1.0.0", "properties": {}, "assets": {}}',  # a scene
        '{"type": "Feature", "properties": {}, "assets": {"model": {"href": "m.onnx"}}}',
        '{"type": "Feature", "properties": {"mlm:name": "x",}',  # broken
        "properties:\n  engine:\n model: [\n",  # broken, of a draft
        '{"type": "Feature", "properties": {"mlm:name": "x"}, "assets": "text"}',
    ],
)
def test_what_may_be_an_item_is_an_f_in_a_folder_too(tmp_path: Path, text: str) -> None:
    folder = folder_of(tmp_path, item__json=text)
    (result,) = check_all(sources([folder], Offline()))
    assert isinstance(result, Checked) and result.grade.letter == "F"


def test_several_processes_leave_out_the_same(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, **{name: text for name, (text, _) in NO_ITEMS.items()})
    written(tmp_path / "z.json", id="z")
    one, two = (list(check_all(sources([folder], Offline()), jobs=jobs)) for jobs in (1, 2))
    assert one == two == list(check_asking(sources([folder], Offline()), check_one, jobs=2))
    assert [type(result) for result in one].count(LeftOut) == len(NO_ITEMS)
