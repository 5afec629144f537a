"""The grammar of a conda requirement, as far as it is taken: a name with versions and builds, maybe a channel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dlm_build.errors import ItemInvalid, shown
from dlm_build.records import EnvironmentSpec

if TYPE_CHECKING:
    from rattler import MatchSpec

_SPEC = re.compile(r"(?:(?P<channel>[A-Za-z0-9_./-]+)::)?(?P<rest>[A-Za-z0-9_][A-Za-z0-9_.=<>!~*|,+ ()-]*)")


def parsed_spec(text: str, spec: EnvironmentSpec) -> tuple[str | None, str]:
    """Channel and requirement. URLs and bracket syntax could name other servers, so they are refused."""
    found = _SPEC.fullmatch(text.strip())
    if not found:
        raise ItemInvalid(
            f"{spec.origin}: {shown(text)} is not a requirement dlm-build takes",
            "write it as `name version build`, e.g. `numpy >=1.20,<2`, without URL or brackets",
        )
    if found["channel"] and found["channel"] not in spec.channels:
        raise ItemInvalid(
            f"{spec.origin}: {shown(text)} names channel {found['channel']}, which `channels` does not list",
            "add it to `channels`",
        )
    return found["channel"], found["rest"].strip()


def match_of(spec: str, origin: str) -> MatchSpec:
    """As conda reads it: the solver's own strict reading refuses `name=version=build`, the form of every export."""
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        return MatchSpec(spec, strict=False)
    except InvalidMatchSpecError as problem:
        raise ItemInvalid(
            f"{origin}: the requirement {shown(spec)} cannot be read: {shown(str(problem))}",
            "write it as `name version build`, e.g. `numpy >=1.20,<2`",
        ) from problem


def name_of(spec: str) -> str:
    return re.split(r"[\s=<>!~|,(*]", spec, maxsplit=1)[0].lower()
