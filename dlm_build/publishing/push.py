"""The story of a push: what was made and judged here → signed → sent by digest → its tag last → asked for again.

Everything that can be refused is refused before the SIF is labelled and signed, and before the first byte goes out. A
push that ends midway leaves no tag, and the next one sends only what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from dlm_build import __version__
from dlm_build.doors import Doors, Options
from dlm_build.errors import HashMismatch, InfraError, Outcome, UsageError, shown
from dlm_build.fetching.sending import Part
from dlm_build.kept import (
    built_engines,
    built_lock,
    changing_sif,
    kept_image,
    kept_sif,
    label_of,
    wants_label,
    with_verdict,
)
from dlm_build.pipeline import folder_of, read
from dlm_build.progress import Event, Notify
from dlm_build.publishing.access import Access, Web
from dlm_build.publishing.artefact import CONFIG, MANIFEST_TYPE, Artefact, artefact_of, digest_of
from dlm_build.publishing.credentials import find_credentials
from dlm_build.publishing.records import Pushed, PushedPart
from dlm_build.publishing.refusals import engine_refused
from dlm_build.publishing.remote import Blob, Remote
from dlm_build.publishing.signing import Key, Signer
from dlm_build.publishing.target import Target, parse_target
from dlm_build.records import Image, Lock, Record, Report, Sif, Verdict
from dlm_build.sif.signed import signers
from dlm_build.verifying import VERIFIED, Made, Verified, in_docker, in_sif
from dlm_build.workfolder import WorkFolder

Kind = Literal["docker", "sif"]
NOT_VERIFIED = "not verified"


class Wanted(Record, frozen=True, kw_only=True):
    """What the operator asked for."""

    target: str
    """`registry/path[:tag]`; the tag is the context's digest where none is given."""
    to: tuple[Kind, ...] = ()
    """Empty: what is there."""
    sign: bool = False
    key: str | None = None
    unverified: bool = False
    replace: bool = False


class Ready(NamedTuple):
    """What goes out, and what is known of it."""

    image: Image | None
    sif: Sif | None
    verdicts: dict[str, str]
    """Engine to verdict."""
    label: Verdict | None = None
    """What the SIF is to be labelled with."""


class Signing(NamedTuple):
    """Who signs, and with what."""

    signer: Signer
    key: Key


class Place(NamedTuple):
    """Where it goes."""

    target: Target
    access: Access
    remote: Remote
    notify: Notify
    replace: bool


def push_item(
    href: str, options: Options, wanted: Wanted, doors: Doors, web: Web, ask: Callable[[], str | None]
) -> Pushed:
    """Push what the work folder of ITEM holds. `ask` gives the passphrase of a key that has one.

    Raises UsageError for what may not be pushed or what the registry refuses, HashMismatch, InfraError.
    """
    if wanted.key and not wanted.sign:
        raise UsageError("--key says which key signs", "add --sign")
    item = read(href, doors, options)
    folder = WorkFolder(folder_of(item, options))
    lock = built_lock(folder, item, "dlm-build build")
    with folder.owned():
        ready = _ready(folder, lock, options, wanted, doors)
        context = _context(ready)
        signing = _signing(wanted, doors) if wanted.sign else None
        place = _place(wanted, context, doors, web)
        place.remote.greet()
        _refuse_taken(folder, ready, signing, place)
        ready = _finished(folder, ready, signing, doors, ask)
        parts = tuple(_pushed(ready, place, doors))
        made = Pushed(dlm_build=__version__, item_id=lock.plan.item_id, context_digest=context, parts=parts)
        folder.save("pushed.json", made)
        return made


# --- what may go out ---------------------------------------------------------------------------------------------


def _ready(folder: WorkFolder, lock: Lock, options: Options, wanted: Wanted, doors: Doors) -> Ready:
    chosen = wanted.to or built_engines(folder)
    if wanted.sign and "sif" not in chosen:
        raise UsageError("--sign signs a SIF, and none is pushed", "make one with `dlm-build build --to docker,sif`")
    image, sif, label, verdicts = None, None, None, {}
    if "docker" in chosen:
        image = kept_image(folder, lock, doors)
        known = _verdict(in_docker(image, lock.plan, folder, options, doors), folder)
        verdicts["docker"] = _admitted(known, image.reference, wanted, "docker", folder)
    if "sif" in chosen:
        sif = kept_sif(folder, lock)
        label = _verdict(in_sif(sif, lock.plan, folder, options, doors), folder)
        verdicts["sif"] = _admitted(label, sif.path, wanted, "sif", folder)
    return Ready(image, sif, verdicts, label)


def _verdict(made: Made, folder: WorkFolder) -> Verdict | None:
    """Of the very image or SIF; None where it was never judged."""
    kept = folder.load(VERIFIED[made.engine], Verified)
    return kept.verdict if kept and made.digest in kept.key else None


def _admitted(verdict: Verdict | None, what: str, wanted: Wanted, engine: Kind, folder: WorkFolder) -> str:
    """The verdict in words. Raises UsageError for what nobody should pull."""
    if verdict is None:
        if wanted.unverified:
            return NOT_VERIFIED
        raise _unjudged(shown(what, 300), engine, folder)
    if verdict.outcome == Outcome.MISMATCH:
        raise UsageError(
            f"{shown(what, 300)} does not give the output that the item promises: {verdict.summary}",
            "a mismatch is never pushed; mend the item, or its expected output",
        )
    return label_of(verdict)


def _unjudged(what: str, engine: Kind, folder: WorkFolder) -> UsageError:
    """With how its last run ended, where that gave nothing to judge: of such a run only the report tells."""
    report = folder.load("report.json", Report)
    ran = [end.verdict for end in (report.engines if report else ()) if end.engine == engine and end.run]
    as_it_is = "push it as it is with --unverified"
    if not ran:
        fix = f"run `dlm-build verify ITEM --to {engine}` first; or {as_it_is}"
        return UsageError(f"{what} was not verified", fix)
    message = f"{what} could not be verified, its run ended in {ran[0].outcome}: {ran[0].summary}"
    return UsageError(message, f"mend the model; or {as_it_is}")


def _context(ready: Ready) -> str:
    digests = {made.context_digest for made in (ready.image, ready.sif) if made}
    if len(digests) != 1:
        raise UsageError("the image and the SIF were made of different things", "build both: `--to docker,sif`")
    return digests.pop()


def _place(wanted: Wanted, context: str, doors: Doors, web: Web) -> Place:
    target = parse_target(wanted.target, context[:12], doors.settings)
    access = Access(
        web, target, lambda: find_credentials(target.host, doors.settings.environment, doors.programs)
    )  # fmt: skip
    return Place(target, access, Remote(web, target, access), doors.notify, wanted.replace)


def _signing(wanted: Wanted, doors: Doors) -> Signing:
    signer = Signer(doors.programs, doors.settings)
    return Signing(signer, signer.key(wanted.key))


def _refuse_taken(folder: WorkFolder, ready: Ready, signing: Signing | None, place: Place) -> None:
    """A tag in use, as far as it can be told before the SIF has its last bytes. Raises UsageError."""
    if ready.image:
        _free(place, place.target.tag, _image_there(place, ready.image))
    if ready.sif and not place.replace:
        tag = place.target.sif_tag()
        there = place.remote.tagged(tag)
        unlabelled = ready.label is not None and wants_label(folder, ready.sif, ready.label)
        if there and not _may_become(there, ready.sif, unlabelled, signing, place):
            raise _in_use(place, tag, there, "what would be pushed")


def _may_become(there: str, sif: Sif, unlabelled: bool, signing: Signing | None, place: Place) -> bool:
    """Whether the SIF, once it is labelled and signed, may be the artefact `there`: a new signature tells the hour."""
    if signing and signing.key.fingerprint not in signers(Path(sif.path)):
        return False
    artefact = artefact_of(replace(sif, signed_by=signing.key.fingerprint) if signing else sif)
    if unlabelled:
        return _notes(place.remote.manifest(there)) == _notes(artefact.manifest)
    return artefact.digest == there


def _notes(manifest: bytes) -> object:
    """What an artefact says of itself, whatever the label in its file is."""
    return _decoded(manifest).get("annotations")


def _finished(
    folder: WorkFolder, ready: Ready, signing: Signing | None, doors: Doors, ask: Callable[[], str | None]
) -> Ready:
    """With the SIF as it goes out: labelled, then signed."""
    if ready.sif is None:
        return ready
    sif = with_verdict(folder, ready.sif, ready.label) if ready.label else ready.sif
    if signing:
        signer, key = signing
        doors.notify(Event(step="push", text=f"signing the SIF with {key.fingerprint}"))
        sif = changing_sif(folder, lambda kept: signer.sign(kept, key, ask))
    return ready._replace(sif=sif)


# --- on its way --------------------------------------------------------------------------------------------------


def _pushed(ready: Ready, place: Place, doors: Doors) -> list[PushedPart]:
    """Both tags are looked at before anything is sent."""
    artefact = artefact_of(ready.sif) if ready.sif else None
    before = {}
    if ready.image:
        before["docker"] = _free(place, place.target.tag, _image_there(place, ready.image))
    if artefact:
        before["sif"] = _free(place, place.target.sif_tag(), artefact.digest)
    parts = []
    if ready.image:
        parts.append(_push_image(ready.image, ready.verdicts["docker"], before["docker"], place, doors))
    if ready.sif and artefact:
        parts.append(_push_sif(ready.sif, artefact, ready.verdicts["sif"], before["sif"], place))
    return parts


def _free(place: Place, tag: str, digest: str) -> str | None:
    """The digest that the tag leads to, which is ours or may be replaced. Raises UsageError."""
    there = place.remote.tagged(tag)
    if there is not None and there != digest and not place.replace:
        raise _in_use(place, tag, there, digest)
    return there


def _in_use(place: Place, tag: str, there: str, ours: str) -> UsageError:
    return UsageError(
        f"{place.target.repository}:{tag} is {there} already, not {ours}",
        "push under another tag, so that who pulled this one can pull it again; or move the tag with --replace",
    )


def _image_there(place: Place, image: Image) -> str:
    """The digest the image has, or will have, at the registry.

    An engine without the containerd store knows only the configuration's; then the tag's own is taken where its image
    has that configuration.
    """
    if image.digest != image.config_digest or (there := place.remote.tagged(place.target.tag)) is None:
        return image.digest
    return there if _config_of(_decoded(place.remote.manifest(there))) == image.config_digest else image.digest


def _push_image(image: Image, verdict: str, before: str | None, place: Place, doors: Doors) -> PushedPart:
    target = place.target
    known = place.access.credentials  # a registry may let anybody read, and ask only who writes
    place.notify(Event(step="push", text=f"pushing {image.reference} to {target.repository}:{target.tag}"))
    told = doors.engine.push(image, target.repository, target.tag, known.for_engine() if known else {}, place.notify)
    if told.problem:
        raise engine_refused(target, told.problem, known=known is not None)
    if told.digest is None:
        raise InfraError("the Docker engine does not tell what it pushed", "see `dlm-build doctor`")
    manifest = _decoded(_asked_back(place, target.tag, told.digest))
    _refuse_another(image, told.digest, manifest, target)
    return PushedPart(
        kind="image",
        reference=f"{target.repository}:{target.tag}",
        digest=told.digest,
        size=_size(manifest),
        verdict=verdict,
        sent=told.sent,
        present=told.present,
        tagged=before != told.digest,
        replaced=before if before != told.digest else None,
        pull=f"docker pull {target.repository}@{told.digest}",
    )


def _refuse_another(image: Image, digest: str, manifest: dict[str, Any], target: Target) -> None:
    """Raises HashMismatch where the registry now has another image than the one that the verdict is of.

    Its manifest tells, or its configuration where the engine knows no more of it.
    """
    config = image.config_digest or image.digest
    if digest == image.digest or (config == image.digest and _config_of(manifest) == config):
        return
    raise HashMismatch(
        f"{target.repository}:{target.tag} is {digest} after the push, and not the image {image.digest} that was built",
        "take that tag back at the registry; then build again, and let no other process tag or push images meanwhile",
    )


def _config_of(manifest: dict[str, Any]) -> str | None:
    config = manifest.get("config")
    return config.get("digest") if isinstance(config, dict) else None


def _push_sif(sif: Sif, artefact: Artefact, verdict: str, before: str | None, place: Place) -> PushedPart:
    target, remote, tag = place.target, place.remote, place.target.sif_tag()
    layer = Blob(f"sha256:{sif.sha256}", Part(Path(sif.path), 0, sif.size))
    sent = [remote.put_blob(blob, place.notify) for blob in (Blob(digest_of(CONFIG), CONFIG), layer)]
    if remote.tagged(artefact.digest) is None:
        remote.put_manifest(artefact.manifest, MANIFEST_TYPE, artefact.digest)
    if before != artefact.digest:
        remote.put_manifest(artefact.manifest, MANIFEST_TYPE, tag)
    _asked_back(place, tag, artefact.digest)
    http = "--no-https " if target.plain_http else ""
    return PushedPart(
        kind="sif",
        reference=f"{target.repository}:{tag}",
        digest=artefact.digest,
        size=sif.size,
        sha256=sif.sha256,
        verdict=verdict,
        signed_by=sif.signed_by,
        sent=sum(sent),
        present=len(sent) - sum(sent),
        tagged=before != artefact.digest,
        replaced=before if before != artefact.digest else None,
        pull=f"apptainer pull {http}{Path(sif.path).name} oras://{target.repository}@{artefact.digest}",
    )


def _asked_back(place: Place, tag: str, digest: str) -> bytes:
    """The manifest as the registry gives it for the digest, to which the tag leads. Raises HashMismatch."""
    there, manifest = place.remote.tagged(tag), place.remote.manifest(digest)
    if there != digest or digest_of(manifest) != digest:
        raise HashMismatch(
            f"{place.target.repository}:{tag} is {there} after the push, not {digest}",
            "somebody else pushes to this tag, or the registry changes manifests; use another tag or registry",
        )
    return manifest


def _decoded(manifest: bytes) -> dict[str, Any]:
    with suppress(msgspec.DecodeError, RecursionError):
        return msgspec.json.decode(manifest, type=dict[str, Any])
    raise InfraError("the registry's manifest is not a JSON object", "see what stands before the registry")


def _size(manifest: dict[str, Any]) -> int:
    layers = manifest.get("layers")
    return sum(int(row.get("size", 0)) for row in layers or () if isinstance(row, dict))
