"""The items that checks are timed on are valid, and the broken ones are not: else nothing would be compared."""

from __future__ import annotations

import json
from pathlib import Path

from dlm_build.checking import check_text
from dlm_build.schemas import MLM, problems_of_item
from tests.benchmarks.check_items import MLM_SCHEMA, broken, item, write_items


def test_they_are_valid_and_no_two_are_alike() -> None:
    assert MLM_SCHEMA == MLM
    texts = {json.dumps(item(number)) for number in (0, 1, 9_999)}
    assert len(texts) == 3
    assert not [problem for text in texts for problem in problems_of_item(json.loads(text))]


def test_each_broken_one_breaks_one_schema() -> None:
    by_stac, by_mlm = ({problem.schema for problem in problems_of_item(one)} for one in broken())
    assert MLM not in by_stac and by_stac
    assert by_mlm == {MLM}


def test_a_check_reads_them(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    found = [check_text(path.read_text(), str(path)) for path in sorted((tmp_path / "valid").iterdir())]
    assert [(one.dialect, one.grade.letter) for one in found] == [("mlm", "C")] * 3
