"""The story of a lock: conda, then pip around it, then the installer, the base images, and all bytes into the store."""

from __future__ import annotations

from importlib.metadata import version

from msgspec.structs import replace

from dlm_build import __version__
from dlm_build.config import Settings
from dlm_build.errors import BaseGone, SourceGone
from dlm_build.locking.conda import solve_conda
from dlm_build.locking.explicit import read_explicit
from dlm_build.locking.fetching import completed, fill_store
from dlm_build.locking.installer import installer_wheels
from dlm_build.locking.outside import Outside, Resolver
from dlm_build.locking.pip import solve_pip, target_of, wheels_by_hash
from dlm_build.locking.published import read_published
from dlm_build.locking.uv import Uv
from dlm_build.locks import is_explicit
from dlm_build.progress import Event
from dlm_build.records import BaseImage, Lock, Package, Plan
from dlm_build.store import Store


def make_lock(plan: Plan, outside: Outside) -> Lock:
    """Turn every name of `plan` into bytes, and bring those bytes into the store.

    Raises EnvironmentUnsolvable, ItemInvalid, Unpinned or ItemHostile for the environment, BaseGone for a dead base
    pin, HashMismatch for other bytes, InfraError (naming the setting) for channel, index or registry out of reach.
    """
    store, notify = outside.store, outside.notify
    notify(Event(step="lock", text="resolving the base images"))
    base, installer_base = (_alive(image, outside.registry) for image in (plan.base, plan.installer_base))
    uv = Uv(outside.programs, store, outside.settings)
    notify(Event(step="lock", text="solving the environment"))
    packages = environment_packages(plan, uv, store, outside.settings)
    installer = installer_wheels(uv)
    lock = Lock(
        plan=plan,
        base=base,
        installer_base=installer_base,
        packages=packages,
        installer=installer,
        created_by=_makers(),
    )
    fill_store(lock, outside.fetch, store, notify)
    return replace(
        lock,
        packages=tuple(completed(package, store) for package in packages),
        installer=tuple(completed(package, store) for package in installer),
    )


def _alive(image: BaseImage, registry: Resolver) -> BaseImage:
    """Asked before anything is solved, since another base may mean another glibc. Raises BaseGone."""
    try:
        return registry.resolve(image)
    except SourceGone as problem:
        raise BaseGone(problem.message, problem.hint, image.index_digest or image.digest) from problem


def environment_packages(plan: Plan, uv: Uv, store: Store, settings: Settings) -> tuple[Package, ...]:
    """The environment in install order: conda topologically, then wheels by name."""
    if plan.environment.lock_text is not None:
        return _as_published(plan, plan.environment.lock_text, uv, store, settings)
    conda = solve_conda(plan, settings, store.root / "channels")
    return (*conda, *solve_pip(plan, conda, uv))


def _as_published(plan: Plan, text: str, uv: Uv, store: Store, settings: Settings) -> tuple[Package, ...]:
    """The publisher's lock; where this site has an index of its own, wheels come from there, by hash."""
    origin = plan.environment.origin
    if is_explicit(text):
        packages = read_explicit(text, origin, settings, store.root / "channels")
    else:
        packages = read_published(text, origin, settings)
    conda = [package for package in packages if package.manager == "conda"]
    wheels = sorted((p for p in packages if p.manager == "pip"), key=lambda package: package.name)
    if wheels and (settings.index.url or settings.index.find_links):
        wheels = list(wheels_by_hash(wheels, target_of(plan, conda), uv, origin))
    return (*conda, *wheels)


def _makers() -> str:
    return f"dlm-build {__version__}, py-rattler {version('py-rattler')}, uv {version('uv')}"
