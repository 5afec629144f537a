"""The story of a push: what was made and judged here → signed → sent by digest → its tag last → asked for again.

Everything that can be refused is refused before the SIF is labelled and signed, and before the first byte goes out. A
push that ends midway leaves no tag, and the next one sends only what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dlm_build import __version__
from dlm_build.doors import Doors, Options
from dlm_build.errors import UsageError
from dlm_build.job import Job
from dlm_build.journal import Journal
from dlm_build.kept import built_lock, changing_sif, with_verdict
from dlm_build.pipeline import folder_of, read
from dlm_build.progress import Event
from dlm_build.publishing.access import Access, Web
from dlm_build.publishing.admitting import Ready, Wanted, context_of, ready_of
from dlm_build.publishing.artefact import artefact_of
from dlm_build.publishing.credentials import find_credentials
from dlm_build.publishing.records import Pushed, PushedPart
from dlm_build.publishing.remote import Remote
from dlm_build.publishing.sending import push_image, push_sif
from dlm_build.publishing.signing import Signer, Signing
from dlm_build.publishing.tags import Place, image_there, refuse_taken, tag_before
from dlm_build.publishing.target import parse_target
from dlm_build.workfolder import WorkFolder


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
        ready = ready_of(Job(folder, lock, options, doors, Journal(doors.clock)), wanted)
        context = context_of(ready)
        signing = _signing(wanted, doors) if wanted.sign else None
        place = _place(wanted, context, doors, web)
        place.remote.greet()
        refuse_taken(folder, ready, signing, place)
        ready = _finished(folder, ready, signing, doors, ask)
        parts = tuple(_pushed(ready, place, doors))
        made = Pushed(dlm_build=__version__, item_id=lock.plan.item_id, context_digest=context, parts=parts)
        folder.save("pushed.json", made)
        return made


def _signing(wanted: Wanted, doors: Doors) -> Signing:
    signer = Signer(doors.programs, doors.settings)
    return Signing(signer, signer.key(wanted.key))


def _place(wanted: Wanted, context: str, doors: Doors, web: Web) -> Place:
    target = parse_target(wanted.target, context[:12], doors.settings)
    known = partial(find_credentials, target.host, doors.settings.environment, doors.programs)
    access = Access(web, target, known)
    return Place(target, access, Remote(web, target, access), doors.notify, wanted.replace)


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


def _pushed(ready: Ready, place: Place, doors: Doors) -> list[PushedPart]:
    """Both tags are looked at before anything is sent."""
    artefact = artefact_of(ready.sif) if ready.sif else None
    before = {}
    if ready.image:
        before["docker"] = tag_before(place, place.target.tag, image_there(place, ready.image))
    if artefact:
        before["sif"] = tag_before(place, place.target.sif_tag(), artefact.digest)
    parts = []
    if ready.image:
        parts.append(push_image(ready.image, ready.verdicts["docker"], before["docker"], place, doors))
    if ready.sif and artefact:
        parts.append(push_sif(ready.sif, artefact, ready.verdicts["sif"], before["sif"], place))
    return parts
