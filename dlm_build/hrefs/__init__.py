"""What a published href really means: the file, a page about it, a share, a record, an image, or words. Pure.

module            what it knows
read              which of the tables reads an href
record            what is known of an href, and how a URL is taken apart
repositories      GitHub, GitLab, Bitbucket, Gitea
models            Hugging Face, Kaggle and other pages of models
deposits          Zenodo, Figshare, Dataverse, HydroShare, OSF, DOIs
shares            Google Drive, Dropbox, OneDrive, Nextcloud and their like
stores            S3, Google Cloud Storage, Azure: their own schemes and their consoles
images            container images: references, registries' pages
words             what is no URL: paths, symbols, free text

No table claims an address that its host does not document; where none is certain there is none, and the reason
says what to publish instead.
"""

from __future__ import annotations

from dlm_build.hrefs.read import read_href
from dlm_build.hrefs.record import Href, is_commit, without_query

__all__ = ["Href", "is_commit", "read_href", "without_query"]
