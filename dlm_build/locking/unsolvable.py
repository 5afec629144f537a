"""Why no set of packages satisfies an environment: what is absent, and whether one requirement, or the date, is why."""

from __future__ import annotations

from msgspec.structs import replace

from dlm_build.errors import EnvironmentUnsolvable, PythonUnfit, shown
from dlm_build.locking.solver import Indexes, Question, every_build, solved
from dlm_build.locking.specs import match_of, name_of
from dlm_build.locking.talk import trimmed

_TRIALS = 6
"""Requirements that are left out in turn to find the one to blame."""

_NAMED = 12
"""Requirements that are told by name of those that no package answers."""


def unsolvable(question: Question, indexes: Indexes, talk: str) -> EnvironmentUnsolvable:
    """What to raise where the solver found nothing and said `talk`."""
    reason = trimmed(talk.removeprefix("Cannot solve the request because of: "))
    reason += _also_absent(talk, _absent(question, indexes))
    names = ", ".join(channel.name for channel in indexes.channels)
    spec, other = _culprit(question, indexes)
    if spec:
        reason += f"\n  But for {shown(spec)} there is a solution, with {name_of(spec)} {other}."
    if name_of(spec) == "python":
        head = f"{question.origin}: no set of packages from {names} has this Python:"
        return PythonUnfit(f"{head}\n{reason}", f"ask for another, such as python={_minor(other)}")
    if question.as_of is None:
        return EnvironmentUnsolvable(
            f"{question.origin}: no set of packages from {names} satisfies the environment:\n{reason}",
            "change one of the requirements named above",
        )
    date = question.as_of.isoformat()
    head = f"{question.origin}: no set of packages from {names} satisfies the environment as of {date}"
    if _versions(replace(question, as_of=None), indexes) is not None:
        return EnvironmentUnsolvable(
            f"{head}; without that date it can be solved:\n{reason}",
            "lock with a later date (--as-of DATE or --as-of now), or ask for versions that existed then",
        )
    return EnvironmentUnsolvable(
        f"{head}, nor without that date:\n{reason}", "change one of the requirements named above"
    )


def _culprit(question: Question, indexes: Indexes) -> tuple[str, str]:
    """The one requirement that may have any version but the one it asks for, and which; Python is tried first.

    Empty where no single one is to blame.
    """
    pinned = sorted((spec for spec in question.specs if spec != name_of(spec)), key=lambda s: name_of(s) != "python")
    for spec in pinned[:_TRIALS]:
        rest = tuple(name_of(one) if one == spec else one for one in question.specs)
        found = _versions(replace(question, specs=rest), indexes)
        if found is not None:
            return spec, found.get(name_of(spec), "")
    return "", ""


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _also_absent(talk: str, absent: list[str]) -> str:
    """The solver stops at the first requirement that no package answers; people want to mend them all at once."""
    untold = [spec for spec in absent if name_of(spec) not in talk]
    named = ", ".join(shown(spec) for spec in untold[:_NAMED])
    more = f" and {len(untold) - _NAMED} more" if len(untold) > _NAMED else ""
    return f"\n  No package answers these either: {named}{more}." if untold else ""


def _absent(question: Question, indexes: Indexes) -> list[str]:
    """The requirements that no package of the channels answers, whatever its date."""
    wanted = {spec: match_of(spec, question.origin) for spec in question.specs}
    records = every_build(sorted({name_of(spec) for spec in wanted}), indexes.bases.values(), indexes.cache)
    return [spec for spec, match in wanted.items() if not any(match.matches(record) for record in records)]


def _versions(question: Question, indexes: Indexes) -> dict[str, str] | None:
    """Of the solution by package; None where there is none."""
    from rattler.exceptions import SolverError

    try:
        records = solved(question, indexes)
    except SolverError:
        return None
    return {record.name.normalized: str(record.version) for record in records}
