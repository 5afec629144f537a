"""`push` and `verify-sif`: words on the command line that must not come to nothing."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from dlm_build.cli.push import _passphrase
from dlm_build.cli.verify_sif import _key
from dlm_build.errors import UsageError

FINGERPRINT = "65A26A98275439FF9DA4D0D3D8A9C1B2E3F40516"


@pytest.mark.parametrize("text", [FINGERPRINT, f"0x{FINGERPRINT}", " ".join((FINGERPRINT[:20], FINGERPRINT[20:]))])
def test_a_fingerprint_is_its_digits(text: str) -> None:
    assert _key(click.Context(click.Command("c")), click.Option(["--key"]), text) == FINGERPRINT


@pytest.mark.parametrize(
    "text", ["", " " * 8, "0x      ", "0x12345 ", FINGERPRINT[-8:], FINGERPRINT[-15:], "coast-key", f"{FINGERPRINT}0"]
)
def test_what_would_name_any_key_names_none(text: str) -> None:
    with pytest.raises(click.BadParameter, match="at least the last 16"):
        _key(click.Context(click.Command("c")), click.Option(["--key"]), text)


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty"), (b"\xff\xfe\n", "is no UTF-8 text"), (None, "cannot be read")]
)
def test_a_passphrase_file_without_one_is_told(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "phrase"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        _passphrase({"passphrase_file": str(path)})()


def test_a_passphrase_is_the_first_line_with_its_blanks(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text(" open sesame \nnote\n")
    assert _passphrase({"passphrase_file": str(tmp_path / "phrase")})() == " open sesame "
