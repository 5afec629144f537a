"""The Dockerfile, the Apptainer definition and their README from templates.

Only digests, fixed places and numbers reach a template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlm_build.building.layout import ENVIRONMENT, GENERATED
from dlm_build.container_layout import INPUT, LAUNCHER, OUTPUT, PREFIX, ROOT, USER, USER_ID
from dlm_build.oci import DIGEST, HOST, PATH
from dlm_build.records import BaseImage

if TYPE_CHECKING:
    from jinja2 import Environment

_REFERENCE = re.compile(rf"{HOST}/{PATH}@{DIGEST}")
_TREE = re.compile(r"(?:source|model|dlm)-[0-9a-f]{32}")
INSTALL = (
    "python3", "-I", "-B", "/environment/install_environment.py",
    "--lock", "/environment/lock.json", "--packages", "/packages", "--prefix", PREFIX,
)  # fmt: skip

COMMAND = ("info",)
"""What the container does when it is told nothing."""


def dockerfile_text(base: BaseImage, installer_base: BaseImage, trees: Sequence[str]) -> str:
    """The Dockerfile; `trees` are copied in this order, one layer each."""
    return templates().get_template("Dockerfile.j2").render(
        **_parts(base, installer_base, trees),
        root=ROOT,
        user=USER,
        entrypoint=[LAUNCHER],
    )  # fmt: skip


def definition_text(base: BaseImage, installer_base: BaseImage, trees: Sequence[str]) -> str:
    """The same image as an Apptainer definition; its sections also become the SIF's scripts."""
    return templates().get_template("Apptainer.def.j2").render(
        **_parts(base, installer_base, trees),
        home=dict(ENVIRONMENT)["HOME"],
        launcher=LAUNCHER,
        input=INPUT,
        output=OUTPUT,
    )  # fmt: skip


def _parts(base: BaseImage, installer_base: BaseImage, trees: Sequence[str]) -> dict[str, Any]:
    """What both say, since both make the same image."""
    return {
        "generated": GENERATED,
        "base": _checked(_REFERENCE, base.reference),
        "installer_base": _checked(_REFERENCE, installer_base.reference),
        "trees": [_checked(_TREE, name) for name in trees],
        "install": INSTALL,
        "environment": ENVIRONMENT,
        "command": COMMAND,
    }


def readme_text(trees: Sequence[str]) -> str:
    return templates().get_template("README.md.j2").render(
        generated=GENERATED, trees=[_checked(_TREE, name) for name in trees], user=str(USER_ID)
    )  # fmt: skip


def _checked(grammar: re.Pattern[str], value: str) -> str:
    if not grammar.fullmatch(value):
        raise AssertionError(f"not a value for a Dockerfile: {value!a}")
    return value


def template_folders() -> list[Path]:
    """Inside the package first (a wheel), then beside it (a checkout)."""
    package = Path(__file__).resolve().parent.parent
    return [package / "dockerfile_templates", package.parent / "dockerfile_templates"]


def templates() -> Environment:
    """The templates of this package; what they are not given is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(template_folders()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - a Dockerfile is not HTML; every value is matched against a grammar
    )
    made.filters["exec_form"] = lambda argv: json.dumps(list(argv))
    return made
