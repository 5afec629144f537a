"""The pip part of an environment: solved by uv around what conda already provides; wheels only."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence

from msgspec.structs import replace
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from dlm_build.errors import EnvironmentUnsolvable, HashMismatch, ItemInvalid, PythonUnfit, shown
from dlm_build.locking.names import name_table, provided
from dlm_build.locking.uv import Request, Unsolvable, Uv, pinned
from dlm_build.locking.wheels import Entry, Target, best, supported_tags
from dlm_build.records import Package, Plan

_OF_PYTHON = re.compile(r"matching Python|does not satisfy Python|the current Python version|Requires-Python")
"""Where uv says that Python is why."""
_NO_WHEEL = re.compile(
    r"(?<!\S)([A-Za-z0-9][\w.-]*(?:[<>=!~][\w.,<>=!~+*-]+)?)\s+ha(?:s|ve) no usable wheels", re.ASCII
)
"""Where it keeps that to itself, since what lacks a wheel has a source archive."""
_MINORS = range(7, 15)
"""Of the Pythons that a plan may choose."""
_BRING_CUDA = frozenset({"torch", "xgboost"})
"""Their wheels require CUDA's libraries as wheels; conda's builds do not."""


def solve_pip(plan: Plan, conda: Sequence[Package], uv: Uv) -> tuple[Package, ...]:
    """One wheel per distribution that conda does not provide, sorted by name.

    Raises EnvironmentUnsolvable with uv's explanation, ItemInvalid for a requirement that is not name and version,
    InfraError when the index cannot be reached.
    """
    spec = plan.environment
    if not spec.pip:
        return ()
    known = provided(conda)
    request = Request(
        requirements=tuple(_requirement(line, spec.origin) for line in spec.pip),
        target=target_of(plan, conda),
        constraints=known,
        bounds=tuple(_requirement(line, spec.origin) for line in spec.constraints or ()),
        as_of=plan.instant,
        stand_ins=_BRING_CUDA & known.keys(),
    )
    entries = _entries(request, uv, spec.origin)
    wanted = [entry for entry in entries if canonicalize_name(entry.name) not in known]
    return tuple(_chosen(entry, request.target, spec.origin) for entry in sorted(wanted, key=lambda e: e.name))


def _entries(request: Request, uv: Uv, origin: str) -> tuple[Entry, ...]:
    """What conda provides may be in the way as the index has it, or has not: it is asked again without looking there.

    Only then, since what is not looked at has no extras.
    """
    try:
        return uv.lock(request, f"index (for {origin})")
    except Unsolvable as problem:
        talk = str(problem)
        named = frozenset(name for name in request.constraints if name in talk)
        if named <= request.stand_ins:
            raise _unsolvable(request, talk, uv, origin) from problem
    return _entries(replace(request, stand_ins=request.stand_ins | named), uv, origin)


def target_of(plan: Plan, conda: Sequence[Package]) -> Target:
    """The Python that conda brings, else the plan's, on the plan's glibc."""
    python = next((package.version for package in conda if package.name == "python"), plan.python)
    return Target(python=python, glibc=plan.environment.glibc)


def wheels_by_hash(pins: Sequence[Package], target: Target, uv: Uv, origin: str) -> tuple[Package, ...]:
    """The same wheels with the URLs that this site's index gives them.

    Raises HashMismatch when the index has no wheel of that sha256, InfraError when it cannot be reached.
    """
    if not pins:
        return ()
    request = Request(requirements=pinned([(pin.name, pin.version) for pin in pins]), target=target, dependencies=False)
    try:
        entries = uv.lock(request, origin)
    except Unsolvable as problem:
        raise EnvironmentUnsolvable(
            f"{origin}: the package index lacks a pinned wheel:\n{problem}",
            "put the wheels it names into the index or a `[index] find_links` folder",
        ) from problem
    offered = {wheel.sha256: wheel for entry in entries for wheel in entry.wheels}
    return tuple(_same(pin, offered, origin) for pin in pins)


def _same(pin: Package, offered: dict[str, Package], origin: str) -> Package:
    if pin.sha256 not in offered:
        raise HashMismatch(
            f"{origin}: the package index has no wheel of {pin.name} {pin.version} with sha256 {pin.sha256}",
            f"{pin.filename} must be the pinned one; put it into the index or a `[index] find_links` folder",
        )
    found = offered[pin.sha256]
    return replace(pin, url=found.url, filename=found.filename, channel=found.channel)


def _requirement(line: str, origin: str) -> str:
    """Name, extras, versions and markers only: a URL or an option would choose another server."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement as problem:
        raise ItemInvalid(
            f"{origin}: {shown(line)} is not a Python requirement",
            "write it as name and version, e.g. `numpy>=1.20,<2`",
        ) from problem
    if requirement.url:
        raise ItemInvalid(
            f"{origin}: {shown(line)} names a URL", "name a version that is on the package index, e.g. `name==1.2`"
        )
    return str(requirement)


def _unsolvable(request: Request, talk: str, uv: Uv, origin: str) -> EnvironmentUnsolvable:
    head = f"{origin}: no set of wheels satisfies the pip requirements"
    conda = f"\n  (conda provides {_listed(request, talk)})" if _listed(request, talk) else ""
    hint = f"change one of the requirements named above, or take that package from conda{_called_there(talk)}"
    unfit = f"{head} with Python {request.target.python}:\n{talk}{conda}"
    if _OF_PYTHON.search(talk):
        return PythonUnfit(unfit, hint)
    if found := _with_wheels(request, talk, uv, origin):
        lacking, other = found
        hint = f"ask for another Python, such as python={other}, or for another version"
        return PythonUnfit(f"{unfit}\n  ({lacking} has wheels for Python {other})", hint)
    if request.as_of is None:
        return EnvironmentUnsolvable(f"{head}:\n{talk}{conda}", hint)
    date = request.as_of.isoformat()
    try:
        uv.lock(replace(request, as_of=None), origin)
    except Unsolvable:
        return EnvironmentUnsolvable(f"{head} as of {date}, nor without that date:\n{talk}{conda}", hint)
    return EnvironmentUnsolvable(
        f"{head} as of {date}; without that date they can be satisfied:\n{talk}{conda}",
        "lock with a later date (--as-of DATE or --as-of now), or ask for versions that existed then",
    )


def _with_wheels(request: Request, talk: str, uv: Uv, origin: str) -> tuple[str, str] | None:
    """What has no wheel for this Python, and another Python that it has one for; None where it has none for any."""
    lacking = _NO_WHEEL.search(talk)
    if lacking is None:
        return None
    own = request.target.minor[1]
    for minor in sorted(set(_MINORS) - {own}, key=lambda minor: (abs(minor - own), minor)):
        python = f"3.{minor}"
        asked = replace(
            request, requirements=(lacking[1],), target=replace(request.target, python=python), constraints={},
            bounds=(), stand_ins=frozenset(), dependencies=False,
        )  # fmt: skip
        with contextlib.suppress(Unsolvable):
            uv.lock(asked, origin)
            return lacking[1], python
    return None


def _called_there(talk: str) -> str:
    """What conda calls the package that has no wheel, where it calls it otherwise."""
    lacking = _NO_WHEEL.search(talk)
    name = canonicalize_name(re.split(r"[<>=!~]", lacking[1])[0]) if lacking else ""
    names = {distribution: conda for conda, held in name_table().items() for distribution in held}
    other = names.get(name, name)
    return f", which calls it {other}" if other != name else ""


def _listed(request: Request, talk: str) -> str:
    named = [f"{name} {version}" for name, version in sorted(request.constraints.items()) if name in talk]
    return ", ".join(named)


def _chosen(entry: Entry, target: Target, origin: str) -> Package:
    wheel = best(entry.wheels, supported_tags(target))
    if wheel is None:
        raise PythonUnfit(
            f"{origin}: {shown(entry.name)} {shown(entry.version)} has no wheel for Python {target.python} "
            f"and glibc {target.glibc}",
            "ask for a version that has one, or take the package from conda",
        )
    return wheel
