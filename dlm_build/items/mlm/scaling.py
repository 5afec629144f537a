"""How MLM says that values are scaled: `value_scaling` of 1.4 on, `norm_type` with `statistics` or `norm_clip` before.

    min-max   (x - minimum) / (maximum - minimum)        offset   x - value
    z-score   (x - mean) / stddev                        scale    x / value

Each is (x - mean) / std with numbers of its own, which is what the records and the harness have. Whatever is none of
them is a finding.
"""

from __future__ import annotations

import re

from dlm_build.findings.mlm_tensors import ScalingInColumns, ScalingIncomplete, ScalingNotDone, StatisticsWithoutNorm
from dlm_build.findings.reading import OtherSpelling
from dlm_build.items.document import Number, Value
from dlm_build.items.mlm.fields import rows_of_list
from dlm_build.items.node import Node
from dlm_build.items.scalars import real, reals
from dlm_build.records import Record

_LARGEST = 1e36
_SMALLEST = 1e-12
"""That anything is divided by."""
_FIELDS = {
    "min-max": ("minimum", "maximum"),
    "z-score": ("mean", "stddev"),
    "offset": ("value",),
    "scale": ("value",),
    "none": (),
}
_ALSO = {"minimum": ("min",), "maximum": ("max",), "stddev": ("std", "standard_deviation")}
_OTHER_NAMES = {
    "zscore": "z-score", "standardization": "z-score", "standardisation": "z-score", "standardize": "z-score",
    "standardise": "z-score", "standardized": "z-score", "standardised": "z-score", "standard": "z-score",
    "standard-score": "z-score", "standard-scaler": "z-score", "standardscaler": "z-score", "mean-std": "z-score",
    "z-score-normalization": "z-score", "zscore-normalization": "z-score",
    "minmax": "min-max", "min-max-scaling": "min-max", "min-max-normalization": "min-max", "minmaxscaler": "min-max",
}  # fmt: skip
_NOT_A_NUMBER = re.compile(r"[-+]?(?:nan|inf(?:inity)?|none|null)", re.IGNORECASE)


class Scaling(Record, frozen=True, kw_only=True):
    """x * factor, then (x - mean) / std."""

    factor: float | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    count: int = 0
    """How many steps say so: one for all bands, or one for each."""


class _Step(Record, frozen=True, kw_only=True):
    """(x - shift) / divisor of one band."""

    kind: str
    shift: float = 0.0
    divisor: float = 1.0


def read_scaling(node: Node) -> Scaling:
    """Of one entry of `mlm:input`. Raises ItemInvalid for numbers that cannot be divided by."""
    new = node.at("value_scaling")
    if new.value is not None:
        rows = _steps(new)
        steps = [_plain_step(row.value) for row in rows]
        return _combined([step or _step(row) for step, row in zip(steps, rows, strict=True)])
    kind = _name(node.at("norm_type"))
    if kind == "clip":
        return _by_clip(node.at("norm_clip"))
    rows = _statistics(node.at("statistics"))
    if kind in ("", "none"):
        if rows and any(row.has("mean") or row.has("minimum") for row in rows):
            node.at("statistics").find(StatisticsWithoutNorm)
        return Scaling()
    if kind not in _FIELDS:
        node.at("norm_type").find(ScalingNotDone, found=kind)
        return Scaling()
    place = node.at("statistics")
    return _combined([_step_of(row, kind) for row in rows] or [_step_of(place, kind)])


def _name(node: Node) -> str:
    text = node.value.strip().lower() if isinstance(node.value, str) else ""
    name = text.replace("_", "-").replace(" ", "-")
    if (known := _OTHER_NAMES.get(name)) is None:
        return name
    if name not in ("zscore", "minmax"):
        node.find(OtherSpelling, wanted=known)
    return known


def _plain_step(row: Value) -> _Step | None:
    """One of the two usual steps, written just as MLM has it. None for any other, which `_step` reads with all care."""
    if not isinstance(row, dict) or len(row) != 3:
        return None
    kind = row.get("type")
    if not isinstance(kind, str) or kind not in ("z-score", "min-max"):
        return None
    first, second = map(row.get, _FIELDS[kind])
    if not isinstance(first, Number) or not isinstance(second, Number):
        return None
    shift, divisor = float(first.raw), float(second.raw)
    if kind == "min-max":
        divisor -= shift
    fits = abs(shift) <= _LARGEST and _SMALLEST <= abs(divisor) <= _LARGEST
    return _Step(kind=kind, shift=shift, divisor=divisor) if fits else None


def _step(row: Node) -> _Step | None:
    """None where it cannot be done."""
    row.object('{"type": "z-score", "mean": 0.5, "stddev": 0.2}')
    said = row.at("type")
    if said.value is None and row.has("type"):
        return _Step(kind="none")
    kind = _name(said)
    if kind in _FIELDS:
        return _step_of(row, kind)
    expression = row.at("expression").value
    detail = f" {expression}" if isinstance(expression, str) else ""
    row.find(ScalingNotDone, found=(kind or "a scaling without a type") + detail)
    if kind.startswith("clip"):  # the other values stay what they are
        return _Step(kind="none")
    return None


def _step_of(row: Node, kind: str) -> _Step | None:
    values = [_number(row, name) for name in _FIELDS[kind]]
    if None in values:
        missing = [name for name, value in zip(_FIELDS[kind], values, strict=True) if value is None]
        row.find(ScalingIncomplete, found=kind, field=" and ".join(missing))
        return None
    match kind, [value for value in values if value is not None]:
        case "min-max", (low, high):
            return _Step(kind=kind, shift=low, divisor=_divisor(row, "maximum", high - low))
        case "z-score", (mean, deviation):
            return _Step(kind=kind, shift=mean, divisor=_divisor(row, "stddev", deviation))
        case "offset", (value,):
            return _Step(kind=kind, shift=value)
        case "scale", (value,):
            return _Step(kind=kind, divisor=_divisor(row, "value", value))
        case _:
            return _Step(kind=kind)


def _number(row: Node, name: str) -> float | None:
    place = _place(row, name)
    if isinstance(place.value, str) and _NOT_A_NUMBER.fullmatch(place.value.strip()):
        return None
    return real(place, -_LARGEST, _LARGEST)


def _place(row: Node, name: str) -> Node:
    return row.get(name, *_ALSO[name]) if name in _ALSO else row.at(name)


def _divisor(row: Node, name: str, value: float) -> float:
    if abs(value) < _SMALLEST:
        raise _place(row, name).invalid("makes the values be divided by 0", "correct it, or leave the scaling out")
    return value


def _combined(steps: list[_Step | None]) -> Scaling:
    """Nothing where one of them cannot be done: half a scaling is worse than none."""
    done = [step for step in steps if step is not None]
    if not done or len(done) < len(steps):
        return Scaling()
    mean = tuple([step.shift for step in done])
    std = tuple([step.divisor for step in done])
    kinds, divisors = {step.kind for step in done}, {*std}
    if kinds <= {"scale", "min-max"} and not any(mean) and len(divisors) == 1:
        return Scaling(factor=1 / std[0], count=len(done))
    plain = "z-score" not in kinds
    return Scaling(
        mean=() if plain and not any(mean) else mean,
        std=() if plain and divisors == {1.0} else std,
        count=len(done),
    )


def _steps(node: Node) -> list[Node]:
    """One row a band, or one for all; an object of lists, alone or in a list, is turned into rows."""
    rows = node.rows()
    one = rows[0] if len(rows) == 1 else node
    if columns := _columns(one):
        one.find(ScalingInColumns, count=len(columns))
        return columns
    return rows_of_list(node)


def _statistics(node: Node) -> list[Node]:
    """One row a band; an object of lists, as the drafts had it, is turned into rows."""
    return _columns(node) or ([] if node.absent else rows_of_list(node))


def _columns(node: Node) -> list[Node]:
    """The rows of an object of lists, one number of each list in each; what stands alone counts for all of them."""
    if not isinstance(node.value, dict) or not any(isinstance(one, list) for one in node.value.values()):
        return []
    members = node.members()
    columns = {name: column.rows() for name, column in members if isinstance(column.value, list)}
    alone = {name: member.value for name, member in members if name not in columns}
    length = max(map(len, columns.values()))
    rows = [{name: column[i].value for name, column in columns.items() if i < len(column)} for i in range(length)]
    return [Node(node.log, node.pointer, {**alone, **row}) for row in rows]


def _by_clip(node: Node) -> Scaling:
    """Each band is divided by its value; that the result is cut to 0..1 besides is not done."""
    node.find(ScalingNotDone, found="clip to 0..1 after the division")
    return Scaling(std=reals(node, _SMALLEST, _LARGEST, '"norm_clip": [255, 255, 255]'))
