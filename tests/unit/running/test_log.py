from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlm_build.running.log import TAIL_CHARACTERS, Log, follow


def test_a_short_log_is_kept_whole() -> None:
    log = Log(100)
    log.add(b"one\n")
    log.add(b"two\n")
    assert log.content() == b"one\ntwo\n"


@given(chunks=st.lists(st.binary(max_size=40), max_size=30), limit=st.integers(2, 60))
def test_both_ends_are_kept_and_the_cut_is_counted(chunks: list[bytes], limit: int) -> None:
    log, said = Log(limit), b"".join(chunks)
    for chunk in chunks:
        log.add(chunk)
    half = limit // 2
    if len(said) <= 2 * half:
        assert log.content() == said
    else:
        cut = f"\n[… {len(said) - 2 * half} bytes cut …]\n".encode()
        assert log.content() == said[:half] + cut + said[-half:]


def test_words_to_us_are_told_apart_and_not_shown() -> None:
    log = Log(1000, "mark-1")
    assert log.told() == b""
    for chunk in (b"half a line\nmark-1 fir", b"st\nmark-2 not ours\nmore\n\nmark-1 last\n"):
        log.add(chunk)
    assert log.told() == b"last"
    assert log.content() == b"half a linemark-2 not ours\nmore\n"
    assert Log(1000).told() == b""


def test_the_tail_can_be_shown() -> None:
    log = Log(1000)
    log.add("a\x1b[31m\x07b\u202ec\r\nd\té\xff".encode("latin-1", "replace"))
    assert log.tail() == "a\ufffd[31m\ufffdb?c\nd\t\ufffd\ufffd"


def test_the_tail_is_short() -> None:
    log = Log(1 << 20)
    log.add(b"x" * 500_000 + b"end")
    assert len(log.tail()) == TAIL_CHARACTERS
    assert log.tail().endswith("end")


def broken(problem: Exception) -> Iterator[bytes]:
    yield b"first"
    raise problem


@pytest.mark.parametrize("problem", [OSError("gone"), ConnectionResetError(), ValueError("closed file")])
def test_a_broken_connection_ends_the_log_and_says_so(problem: Exception) -> None:
    log = Log(1000)
    follow(broken(problem), log).join(5)
    assert log.content() == b"first\n[the engine stopped sending]\n"
