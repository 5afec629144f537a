"""Where model hubs keep one file, by the address of the page that shows it."""

from __future__ import annotations

from msgspec.structs import replace

from dlm_build.hrefs.record import Href, Web, may_move, plain_ref, ref_of

_FILE = "link one file of it: .../resolve/<commit>/<path>"
_OWN = frozenset({
    "docs", "papers", "blog", "collections", "models", "organizations", "join", "login", "pricing", "learn", "tasks",
    "chat", "posts", "settings", "new", "search",
})  # fmt: skip
_KINDS = frozenset({"datasets", "spaces"})
_LOGIN = "Kaggle shows it to those who sign in; publish the file where anybody may fetch it"


def huggingface(web: Web) -> Href | None:
    """huggingface.co. `resolve` serves the file itself, where `raw` may serve a Git LFS pointer."""
    first = 1 if web.at(0) in _KINDS else 0
    if web.at(0) in ("api", *_OWN) or len(web.segments) <= first:
        return None if web.at(0) == "api" else Href(kind="page", reason="a page of Hugging Face", instead=_FILE)
    verbs = ("blob", "resolve", "raw", "tree", "commit", "commits", "blame", "discussions", "edit")
    cut = next((n for n in (first + 1, first + 2) if web.at(n) in verbs), None)
    home = f"https://huggingface.co/{'/'.join(web.segments[: cut or first + 2])}"
    if cut is None:
        return Href(kind="repository", reason="a model card, without weights", instead=_FILE, repository=home)
    what, after = web.at(cut), web.segments[cut + 1 :]
    ref, taken = ref_of(after)
    found = Href(
        kind="folder", reason="Hugging Face's page about a folder or commit", instead=_FILE,
        repository=home, ref=plain_ref(ref), moves=may_move(ref),
    )  # fmt: skip
    if what in ("blob", "raw", "resolve", "blame") and len(after) > taken:
        served = what == "resolve"
        url = web.text if served else f"{home}/resolve/{'/'.join(after)}"
        reason = "Hugging Face's page about a file"
        return replace(found, kind="file" if served else "page", url=url, reason=reason, instead="")
    return found


def hub_scheme(text: str) -> Href:
    """`hf://[datasets/]owner/name[@revision]/path`."""
    parts = [part for part in text.partition("://")[2].split("/") if part]
    first = 1 if parts and parts[0] in _KINDS else 0
    if len(parts) < first + 2:
        return Href(kind="repository", reason="a model card, without weights", instead=_FILE)
    name, at, revision = parts[first + 1].partition("@")
    home = f"https://huggingface.co/{'/'.join([*parts[: first + 1], name])}"
    ref, path = (revision if at else "main"), "/".join(parts[first + 2 :])
    if not path:
        return Href(kind="repository", reason="a model card, without weights", instead=_FILE, repository=home)
    url = f"{home}/resolve/{ref}/{path}"
    reason = "an address of Hugging Face's own client"
    return Href(kind="store", url=url, reason=reason, repository=home, ref=ref, moves=may_move(ref))


def kaggle(web: Web) -> Href | None:
    """Kaggle's download interface serves public files; its pages ask for an account."""
    if web.segments[:2] == ("api", "v1"):
        return None
    return Href(kind="page", reason="a page of Kaggle, not a file", instead=_LOGIN)


def modelscope(web: Web) -> Href | None:
    if "resolve" in web.segments or web.at(0) == "api":
        return None
    return Href(kind="page", reason="a page of ModelScope", instead="link its file: .../resolve/<revision>/<path>")


def tfhub(web: Web) -> Href | None:
    if web.query.get("tf-hub-format") == "compressed":
        return None
    return Href(
        kind="page", reason="TensorFlow Hub's page about a model",
        instead="link the .tar.gz that Kaggle Models serves for it, or a copy of your own",
    )  # fmt: skip


def documentation(web: Web) -> Href | None:
    """Read the Docs serves files, too, below `_static` and `_downloads`."""
    return None if {"_static", "_downloads", "downloads"}.intersection(web.segments) else other_page(web)


def package_index(web: Web) -> Href | None:
    """A package's page on a Python package index, by the name that such hosts have."""
    if not web.host.startswith(("pypi.", "test.pypi.")) or web.at(0) not in ("project", "simple", "p"):
        return None
    return other_page(web)


def other_page(web: Web) -> Href | None:
    """Hosts that show models and papers, and serve no file that anybody may fetch."""
    return Href(kind="page", reason=f"a page of {web.host}, not a file", instead="publish the file and link it")
