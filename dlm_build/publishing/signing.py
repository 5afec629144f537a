"""Signatures of SIF files: made and checked by Apptainer with its own keyring, over the whole file or not at all."""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import HashMismatch, InfraError, SignatureRefused, UsageError, shown
from dlm_build.proc import Finished, Programs
from dlm_build.records import Sif
from dlm_build.running.apptainer import find_engine
from dlm_build.running.sif_run import closed_to, ordinary_user
from dlm_build.sif.place import beside, settled
from dlm_build.sif.signed import check_frame, signers, without_times

SECONDS = 1800.0
_KEY = re.compile(r"(?m)^(\d+)\)\s+User:\s+(.*)$(?:\n(?!\d+\)).*)*?\n\s+Fingerprint:\s+([0-9A-Fa-f]{40})")
NEW_KEY = "make one with `apptainer key newpair`"


class Key(NamedTuple):
    """A key that can sign."""

    number: int
    """In the keyring, from 0; `apptainer sign --keyidx`."""
    fingerprint: str
    """40 upper-case hexadecimal digits."""
    name: str


class Signer:
    """Apptainer and its keyring: this user's, or that of the settings' `apptainer.user` where this is root."""

    def __init__(self, programs: Programs, settings: Settings) -> None:
        self._programs, self._settings = programs, settings
        self._engine = find_engine(settings.apptainer.program, programs)
        root = os.geteuid() == 0 and settings.apptainer.user is not None
        self._user = ordinary_user(settings, 0) if root else None

    def keys(self) -> tuple[Key, ...]:
        """All that can sign. Raises InfraError."""
        ended = self._run("key", "list", "--secret")
        if ended.status:
            raise self._failed("list its keys", ended)
        return tuple(Key(int(n), found.upper(), name.strip()) for n, name, found in _KEY.findall(ended.stdout))

    def key(self, wanted: str | None) -> Key:
        """By the end of its fingerprint (8 digits or more) or its index; the only one where None. Raises UsageError."""
        every = self.keys()
        if wanted is None:
            fits = every
        elif wanted.isdecimal() and len(wanted) < 8:
            fits = tuple(key for key in every if key.number == int(wanted))
        else:
            fits = tuple(key for key in every if len(wanted) >= 8 and key.fingerprint.endswith(_digits(wanted)))
        if len(fits) == 1:
            return fits[0]
        told = "; ".join(f"{key.number} {key.fingerprint} {shown(key.name)}" for key in every)
        if not every:
            raise UsageError("Apptainer's keyring has no key that can sign", f"{NEW_KEY}, or set APPTAINER_KEYSDIR")
        raise UsageError(
            f"{shown(wanted) if wanted else '--sign'} does not name one key; there are: {told}",
            "give --key with a fingerprint",
        )

    def sign(self, sif: Sif, key: Key, ask: Callable[[], str | None]) -> Sif:
        """The SIF signed over all its objects; nothing is done where this key has signed it already.

        `ask` gives the key's passphrase where it has one. The file that was there stays whole until the signed one is,
        verified, in its place. Raises UsageError (passphrase), InfraError or HashMismatch.
        """
        path = Path(sif.path)
        if key.fingerprint in signers(path):
            self.check(path, key.fingerprint)
            return replace(sif, signed_by=key.fingerprint)
        with beside(path) as part:
            shutil.copyfile(path, part)
            self._hand_over(part)
            self._signed(part, key, ask)
            os.chown(part, os.geteuid(), os.getegid())
            without_times(part)
            self.check(part, key.fingerprint)
            sha256, size = settled(part), part.stat().st_size
        return replace(sif, sha256=sha256, size=size, signed_by=key.fingerprint)

    def check(self, path: Path, wanted: str | None = None) -> tuple[str, ...]:
        """Fingerprints of the keys that signed all of the file, the one that ends with `wanted` among them.

        Asks no server. Raises SignatureRefused, HashMismatch for changed bytes, InfraError.
        """
        if not signers(path):
            raise SignatureRefused(f"{shown(str(path), 300)} is not signed", "give the --sha256 told by its publisher")
        count = check_frame(path)
        ended = self._run("verify", "--json", "--all", "--local", str(path))
        if ended.status:
            raise _why(path, ended)
        good = _good_signers(ended.stdout, count)
        if not good:
            raise SignatureRefused(f"{shown(str(path), 300)}: no key has signed all of it", "sign it again")
        if wanted and not any(found.endswith(_digits(wanted)) for found in good):
            raise SignatureRefused(
                f"{shown(str(path), 300)} is signed by {', '.join(good)}, not by {shown(wanted)}",
                "ask the publisher which key is his",
            )
        return good

    def _signed(self, part: Path, key: Key, ask: Callable[[], str | None]) -> None:
        argv = ("sign", "--keyidx", str(key.number), str(part))
        ended = self._run(*argv)
        locked = "private key checksum failure" in ended.stderr
        if ended.status and locked and (phrase := ask()) is not None:
            ended = self._run(*argv, stdin=f"{phrase}\n".encode())
            locked = "private key checksum failure" in ended.stderr
            if ended.status and locked:
                raise UsageError(f"that is not the passphrase of the key {key.fingerprint}", "try again")
        if ended.status and locked:
            raise UsageError(f"the key {key.fingerprint} has a passphrase", "give --passphrase-file")
        if ended.status:
            raise self._failed("sign", ended)

    def _hand_over(self, part: Path) -> None:
        if self._user is None:
            return
        os.chown(part, *self._user)
        if closed := closed_to(part.resolve(), *self._user):
            raise InfraError(
                f"the user who signs cannot reach {part.parent}: {closed} is closed to him",
                "use --output in a folder that the [apptainer] user of the settings may enter",
            )

    def _run(self, *words: str, stdin: bytes | None = None) -> Finished:
        argv = (self._engine.program, *words)
        if self._user is None:
            return self._programs.run(argv, stdin=stdin, timeout=SECONDS)
        user, group = self._user
        become = ("setpriv", "--reuid", str(user), "--regid", str(group), "--clear-groups", "--")
        env = {"HOME": pwd.getpwuid(user).pw_dir}
        return self._programs.run((*become, *argv), stdin=stdin, timeout=SECONDS, env=env)

    def _failed(self, what: str, ended: Finished) -> InfraError:
        return InfraError(f"{self._engine.kind} cannot {what}: {_fatal(ended)}", "see `apptainer key list --secret`")


class Signing(NamedTuple):
    """Who signs, and with what."""

    signer: Signer
    key: Key


def _digits(text: str) -> str:
    return text.upper().removeprefix("0X").replace(" ", "")


def _good_signers(text: str, count: int) -> tuple[str, ...]:
    """Those whose key is known and who signed each of `count` objects."""
    try:
        rows: list[Any] = msgspec.json.decode(text, type=dict[str, Any])["SignerKeys"] or []
        good = [
            str(row["Signer"]["Fingerprint"]).upper()
            for row in rows
            if row["Signer"]["KeyCheck"] is True and row["Signer"]["DataCheck"] is True
        ]
    except (msgspec.DecodeError, KeyError, TypeError):
        raise InfraError("`apptainer verify --json` says what this version cannot read", "update apptainer") from None
    return tuple(one for one in dict.fromkeys(good) if good.count(one) == count)


def _why(path: Path, ended: Finished) -> HashMismatch | InfraError:
    name, told = shown(str(path), 300), _fatal(ended)
    if "unknown entity" in told:
        claimed = ", ".join(signers(path))
        return SignatureRefused(
            f"{name} is signed by a key that this keyring does not know, said to be {claimed}",
            "compare it with the fingerprint its publisher tells, then `apptainer key import` (or pull) the key",
        )
    if "not signed" in told or "signature not found" in told:
        return SignatureRefused(f"{name} is signed only in part: {told}", "do not use it; ask its publisher")
    if "integrity" in told or "signature" in told or "openpgp" in told:
        return HashMismatch(f"{name} was changed after it was signed: {told}", "get the file again")
    return InfraError(f"the signature of {name} cannot be checked: {told}", "see `apptainer verify`")


def _fatal(ended: Finished) -> str:
    lines = [line for line in ended.stderr.splitlines() if "FATAL" in line or "ERROR" in line]
    return shown(" | ".join(line.partition(":")[2].strip() for line in lines[-2:]) or ended.tail(2), 300)
