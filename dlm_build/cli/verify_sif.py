"""`dlm-build verify-sif`: a SIF from anywhere against what its publisher told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

EXAMPLES = """
\b
Examples:
  dlm-build verify-sif coast.sif --sha256 44136fa355b3…     every byte is as it was pushed
  dlm-build verify-sif coast.sif --key 65A26A98275439FF…    all of it is signed by this key of your keyring
  dlm-build verify-sif coast.sif                            all of it is signed by a key of your keyring

\b
Exit codes:
  0 it is the right file      2 no file, or nothing to check it by      10 changed, damaged, or signed otherwise
  14 it cannot be read, or no Apptainer
"""


def _sha256(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    text = value.lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise click.BadParameter("write 64 hexadecimal digits")
    return text


def _key(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    digits = value.replace(" ", "").removeprefix("0x").removeprefix("0X")
    if not re.fullmatch(r"[0-9A-Fa-f]{16,40}", digits):
        raise click.BadParameter("write the fingerprint: hexadecimal digits, at least the last 16")
    return digits


@click.command("verify-sif", epilog=EXAMPLES, short_help="Check a SIF file by its sha256, its signature, or both.")
@click.argument("file", metavar="FILE")
@click.option("--sha256", metavar="HEX", callback=_sha256, help="What the file's sha256 must be.")
@click.option("--key", metavar="FINGERPRINT", callback=_key, help="The key that must have signed it.")
@click.option("--config", metavar="FILE", help="Site settings [~/.config/dlm-build/config.toml].")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="Only errors.")
def verify_sif(**given: Any) -> None:
    """Check a SIF file by its sha256, by its signature, or both. Nothing is run, and no server is asked."""
    from dlm_build.cli.commands import emit, failing_as_json, settings_of
    from dlm_build.errors import shown
    from dlm_build.proc import RealPrograms
    from dlm_build.publishing.checking import check_sif

    settings = settings_of(given)
    programs = RealPrograms(settings.environment)
    with failing_as_json(given):
        checked = check_sif(Path(given["file"]), programs, settings, sha256=given["sha256"], key=given["key"])
    if given["as_json"]:
        emit(checked)
    elif not given["quiet"]:
        signed = f", signed by {', '.join(checked.signed_by)}" if checked.signed_by else ""
        click.secho("ok", fg="green", bold=True, nl=False)
        click.echo(f"  {shown(checked.path, 300)}: sha256 {checked.sha256}{signed}")
