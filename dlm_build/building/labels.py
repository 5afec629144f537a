"""What the image's labels say. They are the one place besides `dlm.json` that an item's own words reach."""

from __future__ import annotations

import unicodedata

from dlm_build.oci import BASE_DIGEST
from dlm_build.records import Lock

LIMIT = 1000
"""Characters of one label's value."""
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

MICROARCH = "x86_64-microarch-level"


def labels(lock: Lock) -> dict[str, str]:
    """Labels by name, sorted; empty ones left out."""
    plan = lock.plan
    made = {
        "org.opencontainers.image.title": plan.title or plan.item_id,
        "org.opencontainers.image.licenses": plan.license,
        "org.opencontainers.image.created": plan.as_of,
        "org.opencontainers.image.base.name": f"{lock.base.repository}:{lock.base.tag}",
        BASE_DIGEST: lock.base.digest,
        "org.opencontainers.image.source": plan.source.address if plan.source else None,
        "org.opencontainers.image.revision": plan.source.commit if plan.source else None,
        "dlm.item.id": plan.item_id,
        "dlm.item.sha256": plan.item_sha256,
        "dlm.archive.sha256": plan.archive.sha256,
        "dlm.framework": " ".join(filter(None, (plan.framework, plan.framework_version))),
        "dlm.cpu": processor_needed(lock),
        "dlm.lock": lock.digest,
    }
    cleaned = {name: clean(value) for name, value in made.items() if value}
    return {name: value for name, value in sorted(cleaned.items()) if value}


def processor_needed(lock: Lock) -> str | None:
    """The level that the environment was solved for, e.g. `x86-64-v3`; None where its packages do not say.

    conda's packages for one level ask for `_x86_64-microarch-level`, whose version is that level.
    """
    named = (row for row in lock.packages if row.manager == "conda" and row.name.lstrip("_") == MICROARCH)
    levels = [int(row.version) for row in named if row.version in ("1", "2", "3", "4")]
    return None if not levels else "x86-64" if max(levels) == 1 else f"x86-64-v{max(levels)}"


def clean(text: str) -> str:
    """`text` in NFC on one line, without control, invisible or direction-changing characters."""
    spaced = " ".join(text.split())
    kept = (character for character in spaced if unicodedata.category(character) not in _INVISIBLE)
    return unicodedata.normalize("NFC", "".join(kept))[:LIMIT].strip()
