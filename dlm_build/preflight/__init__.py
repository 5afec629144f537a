"""What SIF files need of a machine: looked at before anything long begins, one line each for `doctor`."""

from __future__ import annotations

from dlm_build.preflight.driver import driver_lines
from dlm_build.preflight.engine import engine_lines
from dlm_build.preflight.line import Line, Look
from dlm_build.preflight.packing import packing_lines
from dlm_build.preflight.processor import processor_line

__all__ = ["Line", "Look", "sif_lines"]


def sif_lines(look: Look) -> list[Line]:
    """Every line about SIF files, in the order in which a person would mend them."""
    engine = engine_lines(look)
    unpacks = any(line.name == "FUSE" and line.state != "ok" for line in engine)
    return [*engine, *packing_lines(look, unpacks=unpacks), *driver_lines(look), processor_line(look)]
