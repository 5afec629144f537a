from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlm_build.config import load_settings
from dlm_build.errors import UsageError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_defaults_need_no_file(tmp_path: Path) -> None:
    settings = load_settings(None, {"HOME": str(tmp_path), "PATH": "/bin", "SECRET_TOKEN": "x"})
    assert settings.store == str(tmp_path / ".cache" / "dlm-build")
    assert settings.environment == {"HOME": str(tmp_path), "PATH": "/bin"}


def test_without_home_the_system_knows_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {os.getuid(): SimpleNamespace(pw_dir=str(tmp_path))}
    monkeypatch.setattr("dlm_build.config.pwd.getpwuid", known.__getitem__)
    assert load_settings(None, {}).store == str(tmp_path / ".cache" / "dlm-build")
    known.clear()
    assert load_settings(None, {}).store == "/.cache/dlm-build"


def test_file_named_by_option_wins_over_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, 'store = "/a"\n[docker]\nhost = "unix:///x.sock"\n')
    settings = load_settings(path, {"DLM_BUILD_CONFIG": "/nowhere"})
    assert settings.store == "/a"
    assert settings.environment["DOCKER_HOST"] == settings.docker.host == "unix:///x.sock"


def test_docker_host_of_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[docker]\nhost = "unix:///x.sock"\n')
    settings = load_settings(path, {"DOCKER_HOST": "unix:///y.sock"})
    assert settings.environment["DOCKER_HOST"] == settings.docker.host == "unix:///y.sock"


def test_default_file_is_found(tmp_path: Path) -> None:
    (tmp_path / ".config" / "dlm-build").mkdir(parents=True)
    write(tmp_path / ".config" / "dlm-build", "[limits]\nseconds = 5\n")
    assert load_settings(None, {"HOME": str(tmp_path)}).limits.seconds == 5


def test_the_settings_page_shows_a_file_that_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    settings = load_settings(write(tmp_path, page.split("```toml")[1].split("```")[0]), {})
    assert settings.limits.pids == 1024 and settings.channels.mirrors["conda-forge"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[limits]\nseconds = 0", "limits.seconds"),
        ("[limits]\nmemory = -1", "limits.memory"),
        ("store = ", "not TOML"),
        ("[dokcer]\n", "dokcer"),
        ("[limits]\npids = 'many'\n", "pids"),
        ("[environment]\nA = 'b'\n", "environment"),
    ],
)
def test_bad_settings_name_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        load_settings(write(tmp_path, text), {})
    assert str(tmp_path) in caught.value.message and caught.value.hint


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_settings(tmp_path / "none.toml", {})
