"""What the harness tells, held against what the run was given."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dlm_build.records import Run
from dlm_build.running.told import as_told

GIVEN = Run(
    end="finished", exit_status=0, detail="ended", device="gpu", device_reason="CDI device x", gpu_name="Tesla K80",
    seconds=1.0, peak_memory=50, peak_sampled=True,
)  # fmt: skip
CPU = replace(GIVEN, device="cpu", device_reason="no GPU", gpu_name=None)
GARBLED = [b"", b"{", b"[]", b'{"device": "tpu"}', b'{"device": 7}', b'{"peak_memory": "all"}', b"\xff", b"null"]


def test_a_gpu_that_was_used_is_one() -> None:
    assert as_told(GIVEN, b'{"device": "gpu"}') == GIVEN


def test_a_gpu_that_was_given_and_not_used_is_the_cpu() -> None:
    run = as_told(GIVEN, b'{"device": "cpu"}')
    assert (run.device, run.device_known, run.gpu_name) == ("cpu", True, None)
    assert run.device_reason == "given a GPU by CDI device x, the model's program computed on the CPU"


@pytest.mark.parametrize("words", [b'{"device": null}', b"{}", *GARBLED])
def test_where_nothing_tells_it_says_what_was_given(words: bytes) -> None:
    run = as_told(GIVEN, words)
    assert (run.device, run.device_known, run.gpu_name) == ("gpu", False, "Tesla K80")
    assert run.device_reason == "given by CDI device x; nothing tells whether the model's program used it"


@pytest.mark.parametrize("words", [b'{"device": "gpu"}', b'{"device": null}', *GARBLED])
def test_no_word_makes_a_gpu_of_the_cpu(words: bytes) -> None:
    assert as_told(CPU, words) == CPU


@pytest.mark.parametrize(("words", "peak"), [(b"90", 90), (b"20", 50), (b"-1", 50), (b"%d" % 10**30, 1 << 50)])
def test_memory_is_the_most_that_anybody_saw(words: bytes, peak: int) -> None:
    run = as_told(CPU, b'{"peak_memory": ' + words + b"}")
    assert (run.peak_memory, run.peak_sampled) == (peak, True)


def test_what_the_harness_alone_saw_is_not_all() -> None:
    unseen = replace(CPU, peak_memory=None, peak_sampled=False)
    assert as_told(unseen, b"") == unseen
    run = as_told(unseen, b'{"peak_memory": 90}')
    assert (run.peak_memory, run.peak_sampled) == (90, True)
