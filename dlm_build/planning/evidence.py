"""What a declared environment says of its framework: version, CUDA, or that it is for the CPU."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlm_build.planning.env_files import Conda, Declared
from dlm_build.planning.tables import Framework
from dlm_build.planning.versions import numbers

CUDA_PACKAGES = ("cudatoolkit", "pytorch-cuda", "cuda-version", "cuda-toolkit", "cuda-cudart", "cuda-runtime")
"""Conda packages whose version is CUDA's, the most telling first."""
_LINUX = {
    "os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64",
    "platform_release": "", "platform_version": "", "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
}  # fmt: skip
"""What markers are held against."""
_PYTHONS = tuple(f"3.{minor}" for minor in range(7, 20))
CPU_PACKAGES = frozenset({"cpuonly", "pytorch-cpu", "tensorflow-cpu", "mxnet-mkl"})

_FOR_CUDA = re.compile(r"(?:^|-)(?:cuda|cu)(1[0-9])(?:x|[_-][a-z0-9-]+)?$")
"""Of a wheel's name or extra: `nvidia-cudnn-cu12`, `cupy-cuda12x`, `jax-cuda12-plugin`, `[cuda12_pip]`."""


def requirements(pip: Iterable[str]) -> dict[str, Requirement]:
    """Those that are installed on Linux, whichever Python it will be; parsed, by canonical name."""
    found: dict[str, Requirement] = {}
    for one in map(Requirement, pip):
        if one.marker is None or _holds(str(one.marker)):
            same = found.setdefault(canonicalize_name(one.name), one)
            same.specifier &= one.specifier
            same.extras |= one.extras
    return found


@lru_cache(maxsize=4096)
def _holds(marker: str) -> bool:
    """One that makes no sense is left to the solver."""
    pythons = ({"python_version": python, "python_full_version": f"{python}.0"} for python in _PYTHONS)
    try:
        return any(Marker(marker).evaluate({**_LINUX, **python}) for python in pythons)
    except (UndefinedComparison, UndefinedEnvironmentName):
        return True


def is_framework(name: str, table: Framework) -> bool:
    built_for_cuda = table.name == "mxnet" and re.fullmatch(r"mxnet-cu\d+(mkl)?", name)
    return name in table.distributions or bool(built_for_cuda)


def conda_framework(declared: Declared, table: Framework) -> Conda | None:
    return next((line for line in declared.conda if is_framework(line.name, table)), None)


def pip_framework(declared: Declared, table: Framework) -> Requirement | None:
    return _framework_among(declared.pip, table)


def _framework_among(pip: Iterable[str], table: Framework) -> Requirement | None:
    return next((each for name, each in requirements(pip).items() if is_framework(name, table)), None)


def framework_of(declared: Declared, tables: Iterable[Framework]) -> Framework | None:
    """The framework that is installed, where exactly one is."""
    found = [table for table in tables if conda_framework(declared, table) or pip_framework(declared, table)]
    return found[0] if len(found) == 1 else None


def pinned_version(declared: Declared, table: Framework) -> tuple[str, str] | None:
    """The framework's version and where it stands, where one version is asked for, or is the only one allowed."""
    line = conda_framework(declared, table)
    if line and line.version and numbers(line.version):
        return line.version, line.place
    named = pip_framework(declared, table) or (None if line else _framework_among(declared.constraints, table))
    exact = [one.version for one in named.specifier if one.operator in ("==", "===")] if named else []
    version = exact[0].removesuffix(".*") if exact else ""
    return (version, declared.origin) if numbers(version) else None


def declared_python(declared: Declared) -> tuple[str, str] | None:
    """A version specifier and where it stands; also from build strings such as `py37h06a4308_0`."""
    line = declared.conda_named("python")
    if line and (asked := _specifier(line.rest)):
        return asked, line.place
    for each in declared.conda:
        if found := re.match(r"py(\d)(\d{1,2})(h|_|$)", each.build):
            return f"=={found[1]}.{found[2]}.*", f"{each.place} (its build string)"
    return None


def _specifier(rest: str) -> str:
    """Conda's spelling as specifiers, `|` between them: `=3.7`, `==3.7.9`, `=3.7=h12`, `>=3.6.*,<3.9`, `=3.7|3.8`."""
    version = re.split(r"(?<=[^=<>!~,|])=| ", rest, maxsplit=1)[0]
    return "|".join(",".join(filter(None, map(_clause, one.split(",")))) for one in version.split("|"))


def _clause(text: str) -> str:
    """Conda's stars say nothing behind an order; behind an equals sign, alone or two, any patch is meant."""
    version = text.lstrip("=<>!~")
    operator, plain = text.removesuffix(version), version.rstrip(".*")
    if operator not in ("", "=", "=="):
        return text if operator == "!=" else f"{operator}{plain}"
    return plain and (f"=={plain}.*" if plain.count(".") < 2 else f"=={plain}")


def declared_cuda(declared: Declared, *, wheels: bool = False) -> tuple[str, str] | None:
    """CUDA as `X.Y` or `X` and where it stands. `wheels`: also what wheels say that no table knows."""
    for name in CUDA_PACKAGES:
        line = declared.conda_named(name)
        if line and line.version and numbers(line.version):
            return ".".join(line.version.split(".")[:2]), line.place
    for name in requirements(declared.pip):
        if found := re.fullmatch(r"mxnet-cu(\d{1,2})(\d)(mkl)?", name):
            return f"{found[1]}.{found[2]}", declared.origin
    cuda = _cuda_of_wheels(declared) if wheels else None
    return (cuda, declared.origin) if cuda else None


def _cuda_of_wheels(declared: Declared) -> str | None:
    """By the version of CUDA's own, by a local version such as `+cu121`, else by names and extras."""
    installed = requirements(declared.pip)
    for name, each in installed.items():
        exact = [one.version for one in each.specifier if one.operator == "=="]
        if re.fullmatch(r"nvidia-cuda-runtime(-cu\d+)?", name) and exact and len(numbers(exact[0])) >= 2:
            return ".".join(map(str, numbers(exact[0])[:2]))
    if declared.local_cuda:
        return declared.local_cuda
    told = [(name, *each.extras) for name, each in installed.items() if not name.startswith("nvidia-nccl-")]
    words = [word for row in told for word in row]  # XGBoost's wheels for CPUs bring NCCL, too
    return next((found[1] for word in words if (found := _FOR_CUDA.search(word))), None)


def asks_for_gpu(declared: Declared) -> str | None:
    """Where an environment of no known framework installs what is built for GPUs."""
    if evidence := declared_cuda(declared, wheels=True):
        return evidence[1]
    for line in declared.conda:
        if line.name.endswith("-gpu") or "cuda" in line.rest:
            return line.place
    return declared.origin if any(name.endswith("-gpu") for name in requirements(declared.pip)) else None


def for_cpu(declared: Declared, table: Framework) -> str | None:
    """Where the environment says that its framework is the build without CUDA; None where it does not."""
    for line in declared.conda:
        if line.name in CPU_PACKAGES or (is_framework(line.name, table) and _is_cpu_build(line)):
            return line.place
    installed = requirements(declared.pip)
    only_cpu = {"onnxruntime": "onnxruntime", "mxnet": "mxnet", "tensorflow": "tensorflow-cpu"}.get(table.name)
    for name in installed:
        if name in CPU_PACKAGES or (name == only_cpu and f"{name}-gpu" not in installed):
            return declared.origin
    named = declared.conda_named("onnxruntime") if table.name == "onnxruntime" else None
    return named.place if named and "cuda" not in named.rest and declared_cuda(declared) is None else None


def _is_cpu_build(line: Conda) -> bool:
    """TensorFlow's are called by what they calculate with; of PyTorch, builds for CUDA too have MKL in their names."""
    return "cpu" in line.rest or line.build.startswith(("mkl", "eigen"))


def with_cudnn(pip: Iterable[str]) -> bool:
    """Whether wheels bring cuDNN."""
    return any(re.fullmatch(r"nvidia-cudnn-cu\d+", name) for name in requirements(pip))


def bring_cuda(extras: Iterable[str]) -> bool:
    """Whether extras of a framework are the wheels of CUDA; `cuda12_local` is none of them."""
    return any(re.fullmatch(r"and-cuda|cudnn|cuda\d*(?:[_-]pip)?", extra) for extra in extras)
