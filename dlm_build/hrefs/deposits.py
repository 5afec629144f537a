"""Records of data archives: which file of a record an address names, if any."""

from __future__ import annotations

import re

from dlm_build.hrefs.record import Href, Web

_ONE_FILE = "link one file of the record, by the address of its download button"
_DOI = re.compile(r"(?:doi:\s?|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[^\s?#]{1,200})", re.IGNORECASE)
_ZENODO_DOI = re.compile(r"10\.5281/zenodo\.(\d{1,12})", re.IGNORECASE)


def zenodo(web: Web) -> Href | None:
    """`/records/<id>/files/<name>` is a file; `/preview/<name>` shows one."""
    if web.at(0) == "api" or (web.at(0) in ("record", "records") and web.at(2) == "files" and web.at(3)):
        return None
    number = web.at(1) if web.at(0) in ("record", "records") else ""
    if number.isdigit() and web.at(2) == "preview" and web.at(3):
        url = f"{web.site}/records/{number}/files/{web.rest(3)}?download=1"
        return Href(kind="page", url=url, reason="Zenodo's page about a file")
    if number.isdigit():
        return _zenodo_record(number, web.site)
    if web.at(0) in ("doi", "badge"):
        return doi("/".join(web.segments[1:]))
    return Href(kind="page", reason="a page of Zenodo", instead=_ONE_FILE)


def _zenodo_record(number: str, site: str = "https://zenodo.org") -> Href:
    instead = f"link one file of it: {site}/records/{number}/files/<name>?download=1"
    return Href(kind="record", reason="a record of Zenodo, not a file of it", instead=instead)


def figshare(web: Web) -> Href | None:
    """`ndownloader` serves files; an article's page names one in its `file=`."""
    if "ndownloader" in web.segments or web.host.startswith(("ndownloader.", "api.")):
        return None
    if web.query.get("file", "").isdigit():
        url = f"https://figshare.com/ndownloader/files/{web.query['file']}"
        return Href(kind="page", url=url, reason="Figshare's page about a file")
    if web.at(0) == "s":
        return Href(kind="share", reason="a private share of Figshare", instead="publish the article and link its file")
    instead = "link one file of it: https://figshare.com/ndownloader/files/<number>"
    return Href(kind="record", reason="an article of Figshare, not a file of it", instead=instead)


def dataverse(web: Web) -> Href | None:
    """Any Dataverse, by `file.xhtml` and `dataset.xhtml`."""
    page = web.segments[-1] if web.segments else ""
    number, name = web.query.get("fileId", ""), web.query.get("persistentId", "")
    if page == "file.xhtml" and number.isdigit():
        return Href(kind="page", url=f"{web.site}/api/access/datafile/{number}", reason="Dataverse's page about a file")
    if page == "file.xhtml" and re.fullmatch(r"(doi|hdl|perma):[\w./-]{3,200}", name):
        url = f"{web.site}/api/access/datafile/:persistentId?persistentId={name}"
        return Href(kind="page", url=url, reason="Dataverse's page about a file")
    if page in ("file.xhtml", "dataset.xhtml"):
        instead = f"link one file of it: {web.site}/api/access/datafile/<number>"
        return Href(kind="record", reason="a dataset of Dataverse, not a file of it", instead=instead)
    return None


def hydroshare(web: Web) -> Href | None:
    if web.at(0) != "resource" or (web.at(2) == "data" and len(web.segments) > 4):
        return None
    instead = f"link one file of it: https://www.hydroshare.org/resource/{web.at(1)}/data/contents/<name>"
    return Href(kind="record", reason="a resource of HydroShare, not a file of it", instead=instead)


def osf(web: Web) -> Href | None:
    if "download" in web.segments or web.query.get("action") == "download":
        return None
    return Href(kind="page", reason="a page of OSF", instead="link its file: https://osf.io/<id>/download")


def other_record(web: Web) -> Href | None:
    """Mendeley Data, Dryad, PANGAEA: files have addresses of another shape, told by `download` or `files`."""
    if any("file" in part or "download" in part for part in web.segments) or web.at(0) in ("api", "public-files"):
        return None
    return Href(kind="record", reason=f"a page of {web.host}, not a file", instead=_ONE_FILE)


def doi(text: str) -> Href | None:
    """`10.…/…`, `doi:…` or a doi.org address; None for what is no DOI."""
    found = _DOI.fullmatch(text.strip())
    if found is None:
        return None
    if record := _ZENODO_DOI.fullmatch(found[1]):
        return _zenodo_record(record[1])
    return Href(kind="record", reason="a DOI, which leads to a page", instead=_ONE_FILE)


def doi_host(web: Web) -> Href | None:
    return doi(web.rest(0)) or Href(kind="page", reason="no DOI", instead=_ONE_FILE)
