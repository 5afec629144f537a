"""Which key signs, and what Apptainer's answers mean; Apptainer itself answers in the engine tests."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from dlm_build.cli.commands import failing_as_json
from dlm_build.config import Settings
from dlm_build.errors import HashMismatch, InfraError, SignatureRefused, UsageError
from dlm_build.proc import Finished
from dlm_build.publishing.checking import check_sif
from dlm_build.publishing.signing import Signer
from dlm_build.records import Report, from_json, to_json
from dlm_build.sif.signed import without_times
from dlm_build.store import sha256_of
from tests.unit.sif.test_sif_file import written
from tests.unit.sif.test_signed import ADA, BOB, signed

KEYS = f"""\
Private key listing (/home/ada/.apptainer/keys/pgp-secret):

0)  User:              Ada (work) <ada@example.org>
    Creation time:     2026-11-22 19:57:06 +0000 UTC
    Fingerprint:       {ADA}
    Length (in bits):  4096

1)  User:              Bob \x1b[31m() <bob@example.org>
    Creation time:     2026-11-22 19:57:06 +0000 UTC
    Fingerprint:       {BOB}
    Length (in bits):  4096

"""
VERSION = "apptainer version 1.4.5\n"


class Programs:
    """Apptainer with words → (status, stdout, stderr); what it was not told fails the test."""

    def __init__(self, answers: Mapping[tuple[str, ...], tuple[int, str, str]]) -> None:
        self.answers = {("--version",): (0, VERSION, ""), **answers}

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
        stdin: bytes | Iterable[bytes] | None = None, timeout: float = 3600.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:  # fmt: skip
        words = tuple(argv[1:])
        key = next(known for known in self.answers if words[: len(known)] == known)
        status, out, err = self.answers[key]
        return Finished(argv=tuple(argv), status=status, stdout=out, stderr=err, seconds=0.0)


def signer(*, keys: str = KEYS, verify: tuple[int, str, str] = (1, "", "")) -> Signer:
    listed = {("key", "list", "--secret"): (0, keys, ""), ("verify", "--json", "--all", "--local"): verify}
    return Signer(Programs(listed), Settings())


def verified(*rows: tuple[str, bool, bool]) -> tuple[int, str, str]:
    told = [{"Signer": {"Fingerprint": key.lower(), "KeyCheck": known, "DataCheck": good}} for key, known, good in rows]
    return 0, json.dumps({"Signatures": 1, "SignerKeys": told}), ""


def failed(said: str) -> tuple[int, str, str]:
    return 255, '{"Signatures": 1, "SignerKeys": null}', f"INFO:    Verifying\nFATAL:   Failed to verify: {said}\n"


@pytest.fixture
def sif(tmp_path: Path) -> Path:
    path = signed(tmp_path / "m.sif", ADA)
    without_times(path)
    return path


@pytest.mark.parametrize(("wanted", "found"), [("0", ADA), ("1", BOB), (ADA, ADA), (ADA[-8:].lower(), ADA),
                                               ("0x" + BOB, BOB)])  # fmt: skip
def test_one_key_is_meant(wanted: str, found: str) -> None:
    assert signer().key(wanted).fingerprint == found


@pytest.mark.parametrize("wanted", [None, "2", "EF" * 20, "CD", "99999999"])
def test_no_key_or_several_are_told_apart(wanted: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        signer().key(wanted)
    assert ADA in caught.value.message and BOB in caught.value.message and "\x1b" not in caught.value.message


def test_an_empty_keyring_and_a_single_key() -> None:
    with pytest.raises(UsageError, match="no key") as caught:
        signer(keys="Private key listing (/x):\n\n").key(None)
    assert "key newpair" in caught.value.hint
    assert signer(keys=KEYS.partition("1)")[0]).key(None).fingerprint == ADA


def test_all_objects_by_a_known_key(sif: Path) -> None:
    assert signer(verify=verified(*[(ADA, True, True)] * 3)).check(sif, ADA[-16:]) == (ADA,)


@pytest.mark.parametrize("rows", [[], [(ADA, True, True)] * 2, [(ADA, False, True)] * 3,
                                  [(ADA, True, True), (ADA, True, False), (ADA, True, True)]])  # fmt: skip
def test_success_over_a_part_is_no_success(sif: Path, rows: list[tuple[str, bool, bool]]) -> None:
    with pytest.raises(SignatureRefused, match="all of it"):
        signer(verify=verified(*rows)).check(sif)


def test_another_key_than_the_one_wanted(sif: Path) -> None:
    with pytest.raises(SignatureRefused, match=f"signed by {ADA}, not by {BOB}"):
        signer(verify=verified(*[(ADA, True, True)] * 3)).check(sif, BOB)


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("integrity: signature object 4 not valid: openpgp: signature made by unknown entity", SignatureRefused, ADA),
        ("integrity: object 1: object not signed", SignatureRefused, "only in part"),
        ("integrity: signature not found for object group 1", SignatureRefused, "only in part"),
        ("integrity: data object integrity compromised: 2", HashMismatch, "changed after"),
        ("openpgp: invalid signature: RSA verification failure", HashMismatch, "changed after"),
        ("while opening keyring: permission denied", InfraError, "cannot be checked"),
    ],
)
def test_what_apptainer_says(sif: Path, said: str, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind, match=told) as caught:
        signer(verify=failed(said)).check(sif)
    assert type(caught.value) is kind


def test_no_signature_and_no_json(sif: Path, tmp_path: Path) -> None:
    with pytest.raises(SignatureRefused, match="is not signed"):
        signer().check(written(tmp_path / "plain.sif"))
    with pytest.raises(InfraError, match="cannot read"):
        signer(verify=(0, "Container is signed", "")).check(sif)


def test_what_is_told_of_a_file_can_be_written_whatever_its_name(sif: Path, tmp_path: Path) -> None:
    odd = sif.rename(tmp_path / "latin-1 \udce9.sif")
    told = check_sif(odd, Programs({}), Settings(), sha256=sha256_of(odd))
    assert b"latin-1 \\\\udce9.sif" in to_json(told)


def test_a_file_is_checked_by_what_is_given(sif: Path, tmp_path: Path) -> None:
    good = Programs({("verify",): verified(*[(ADA, True, True)] * 3)})
    told = check_sif(sif, good, Settings())
    assert (told.signed_by, told.by) == ((ADA,), ("signature",))
    assert check_sif(sif, Programs({}), Settings(), sha256=told.sha256).by == ("sha256",)
    assert check_sif(sif, good, Settings(), sha256=told.sha256, key=ADA).by == ("sha256", "signature")
    with pytest.raises(HashMismatch, match="has sha256"):
        check_sif(sif, Programs({}), Settings(), sha256="0" * 64)
    plain = written(tmp_path / "plain.sif")
    with pytest.raises(UsageError, match="no sha256 was given"):
        check_sif(plain, Programs({}), Settings())
    with pytest.raises(SignatureRefused):
        check_sif(plain, good, Settings(), key=ADA)
    with pytest.raises(HashMismatch, match="is no SIF") as no_sif:
        check_sif(Path(__file__), good, Settings())
    assert "where it was published" in no_sif.value.hint
    plain.write_bytes(plain.read_bytes()[:-1])
    with pytest.raises(HashMismatch, match="has sha256") as cut:
        check_sif(plain, Programs({}), Settings(), sha256=told.sha256)
    assert "cut short" in cut.value.hint
    for nowhere in ("none", "plain.sif/below", "n" * 300):
        with pytest.raises(UsageError, match="no file"):
            check_sif(tmp_path / nowhere, good, Settings())


@pytest.mark.parametrize("method", ["open", "stat"])
def test_a_file_that_cannot_be_read_is_not_called_another(
    sif: Path, method: str, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Its own mode refuses to open it, that of a folder above it even a look."""

    def refused(path: Path, *_how: object, **_more: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, method, refused)
    with pytest.raises(InfraError) as caught:
        check_sif(sif, Programs({}), Settings(), sha256="0" * 64)
    assert caught.value.message == f"cannot read {sif}: Permission denied" and caught.value.exit_code == 14
    with pytest.raises(SystemExit) as ended, failing_as_json({"as_json": True}):
        check_sif(sif, Programs({}), Settings())
    told = from_json(Report, capsysbinary.readouterr().out)
    assert (ended.value.code, told.verdict.summary) == (14, caught.value.message)
