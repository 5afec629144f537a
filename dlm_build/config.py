"""Site settings: what this machine's operator decides, from a TOML file and the environment, read once.

Nothing else in dlm-build looks at the environment. A setting that cannot be followed is a UsageError that names the
file and the key.
"""

from __future__ import annotations

import os
import pwd
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from dlm_build.errors import UsageError
from dlm_build.records import Limits, Record

PASSED_ON = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY",
    "CUDA_VISIBLE_DEVICES", "APPTAINER_KEYSDIR", "SINGULARITY_KEYSDIR",
    "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CACHE_DIR", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS",
)  # fmt: skip
"""The environment programs that dlm-build starts may see; tokens and keys of other tools stay out."""


class Docker(Record, frozen=True, kw_only=True):
    host: str | None = None
    """Engine address, e.g. `unix:///run/docker.sock`, where DOCKER_HOST is not set; None: the user's current Docker
    context tells, or else the default socket."""


class Apptainer(Record, frozen=True, kw_only=True):
    """How SIF files are run."""

    program: str | None = None
    """`apptainer` or `singularity` by name or path; None: whichever is on PATH, in this order."""
    user: str | None = None
    """The ordinary user that runs the model where dlm-build itself runs as root."""


class Registry(Record, frozen=True, kw_only=True):
    mirrors: tuple[str, ...] = ()
    """Base URLs tried before the registry itself, e.g. `http://127.0.0.1:5000`."""
    plain_http: bool = False
    """Whether the registry itself speaks http; one on this machine (localhost, 127.0.0.1) always may."""


class Bases(Record, frozen=True, kw_only=True):
    override: str | None = None
    """`repository@sha256:…` used for every model."""
    pins: dict[str, str] = {}
    """`repository:tag` → the digest this site serves for it."""


class Channels(Record, frozen=True, kw_only=True):
    mirrors: dict[str, tuple[str, ...]] = {}
    """Channel name → base URLs (https://, http://, file://) used instead of the channel."""
    allowed: tuple[str, ...] = ("conda-forge", "pytorch", "nvidia", "defaults", "bioconda")
    """Channels an item may name."""


class Index(Record, frozen=True, kw_only=True):
    url: str | None = None
    """Python package index; None: uv's own default."""
    find_links: tuple[str, ...] = ()


class Network(Record, frozen=True, kw_only=True):
    allow_hosts: tuple[str, ...] = ()
    """`host` or `host:port` an item's hrefs may name although it is private or plain http."""


class Settings(Record, frozen=True, kw_only=True):
    """All of it, with defaults that work on a laptop with the public internet."""

    store: str = ""
    docker: Docker = Docker()
    apptainer: Apptainer = Apptainer()
    registries: dict[str, Registry] = {}
    bases: Bases = Bases()
    channels: Channels = Channels()
    index: Index = Index()
    network: Network = Network()
    limits: Limits = Limits()
    environment: dict[str, str] = {}
    """Not read from the file: the part of the process environment that programs may see."""


def load_settings(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The file given, else $DLM_BUILD_CONFIG, else ~/.config/dlm-build/config.toml where it exists."""
    chosen = _chosen_file(path, environ)
    settings = _parsed(chosen) if chosen else Settings()
    kept = {name: environ[name] for name in PASSED_ON if name in environ}
    host = kept.get("DOCKER_HOST") or settings.docker.host
    if host:
        kept["DOCKER_HOST"] = host
    return msgspec.structs.replace(
        settings, store=settings.store or str(_default_store(environ)), docker=Docker(host=host), environment=kept
    )


def _chosen_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    if path is not None:
        return path
    if named := environ.get("DLM_BUILD_CONFIG"):
        return Path(named)
    home = Path(environ.get("XDG_CONFIG_HOME") or _home(environ) / ".config")
    default = home / "dlm-build" / "config.toml"
    return default if default.is_file() else None


def _default_store(environ: Mapping[str, str]) -> Path:
    cache = Path(environ.get("XDG_CACHE_HOME") or _home(environ) / ".cache")
    return cache / "dlm-build"


def _home(environ: Mapping[str, str]) -> Path:
    """Batch jobs and cron may come without HOME; the system knows it all the same, of users it knows."""
    if told := environ.get("HOME"):
        return Path(told)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/")


def _parsed(path: Path) -> Settings:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise UsageError(
            f"settings file {path}: {problem.strerror}", "give an existing file with --config"
        ) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UsageError(f"settings file {path} is not TOML: {problem}", "correct that line") from problem
    if "environment" in table:
        raise UsageError(f"settings file {path}: `environment` is not a setting", "remove it")
    try:
        return msgspec.convert(table, Settings)
    except msgspec.ValidationError as problem:
        raise UsageError(f"settings file {path}: {problem}", "correct that key; see docs/settings.md") from problem
