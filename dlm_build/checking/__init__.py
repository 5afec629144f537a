"""`dlm-build check`: what an item lacks to be built and to be verified, and how far it leads.

check_text(text, origin) -> Checked      pure, for any text
grade(item) -> Grade                     A to F, and what would lift it

module            what it knows
records           Checked, Grade, Summary: what a check says
weights, parts    what an item gives of what it takes to build a model again
refusals          what a build would refuse, by its own rules
recipes           whether dlm-build itself can build for the framework
grading           the letter, its guesses, and the way to the next one
check             one text to one Checked
many, workers     many of them, several at a time, in processes that end with this one
left_out          files of a folder that are no items
online            `--online`: what the servers say; asking is about one address, images about the container images
explaining        what a code means, at length
formats/          a check as a list, JSON, SARIF, JUnit, Markdown, HTML
"""

from __future__ import annotations

from dlm_build.checking.check import check_text
from dlm_build.checking.grading import grade

__all__ = ["check_text", "grade"]
