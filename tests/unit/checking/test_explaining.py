"""Every code can be explained; a wrong one leads to the right one."""

from __future__ import annotations

import pytest

from dlm_build.checking.explaining import explain, explain_all
from dlm_build.errors import UsageError
from dlm_build.findings.kinds import every_kind

OF_CHECKS = sorted(
    code
    for code, kind in every_kind().items()
    if kind.__module__ in ("dlm_build.findings.completeness", "dlm_build.findings.unreadable")
)


@pytest.mark.parametrize("code", every_kind())
def test_every_code_has_a_rank_and_a_message(code: str) -> None:
    explained = explain(code)
    assert explained.rank
    assert explained.message
    assert "{" not in explained.message.replace("{…}", "")
    assert explained.fix != "…"


@pytest.mark.parametrize("code", OF_CHECKS)
def test_what_checks_find_is_explained_at_length(code: str) -> None:
    explained = explain(code)
    assert explained.paragraphs
    assert all(len(paragraph) > 40 for paragraph in explained.paragraphs)


@pytest.mark.parametrize(
    ("wrong", "right"), [("no-chekcsum", "no-checksum"), ("No_Checksum ", None), ("checksum", "no-checksum")]
)
def test_a_wrong_code_leads_to_the_right_one(wrong: str, right: str | None) -> None:
    if right is None:
        assert explain(wrong).code == "no-checksum"
        return
    with pytest.raises(UsageError) as refused:
        explain(wrong)
    assert right in refused.value.hint


@pytest.mark.parametrize("wrong", ["", "\x1b[31m", "x" * 10_000])
def test_nonsense_is_refused_with_a_way_on(wrong: str) -> None:
    with pytest.raises(UsageError) as refused:
        explain(wrong)
    assert refused.value.message.isprintable()
    assert refused.value.hint


def test_all_codes_are_listed_by_rank() -> None:
    rows = [(one.code, one.rank, one.message) for one in explain_all().findings]
    assert len(rows) == len(every_kind())
    assert ("source-gone", "blocks the build", "source gone: …") in rows
    ranks = [rank for _, rank, _ in rows]
    assert ranks == sorted(ranks, key=list(dict.fromkeys(ranks)).index)
