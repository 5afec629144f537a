"""What published hrefs really mean: one row per kind of address that items were seen to have."""

from __future__ import annotations

import time

import pytest

from dlm_build.hrefs import Href, read_href

SHA = "61efd2e2c4df7ebe3bd03002ebbaeaa3cfe9885a"
DRIVE = "https://drive.usercontent.google.com/download?id=1PYyZVgH95454sb9LYHS&export=download&confirm=t"
GH = "https://github.com/o/r"

FILES = [
    (f"{GH}/blob/main/a/m.mar", f"{GH}/raw/main/a/m.mar"),
    (f"{GH}/blob/{SHA}/a/b.py#L207", f"{GH}/raw/{SHA}/a/b.py"),
    (f"{GH}/blob/refs/heads/main/m.pt", f"{GH}/raw/refs/heads/main/m.pt"),
    (f"{GH}/blob/main/m.pt?raw=true", f"{GH}/blob/main/m.pt?raw=true"),
    (f"{GH}/raw/refs/heads/master/m.pt", f"{GH}/raw/refs/heads/master/m.pt"),
    (f"{GH}/releases/download/v1/m.pt", f"{GH}/releases/download/v1/m.pt"),
    (f"{GH}/releases/latest/download/m.pt", f"{GH}/releases/latest/download/m.pt"),
    (f"{GH}/archive/refs/tags/v1.zip", f"{GH}/archive/refs/tags/v1.zip"),
    (f"{GH}/models/m.pt", f"{GH}/raw/HEAD/models/m.pt"), (f"{GH}/files/123/m.zip", f"{GH}/files/123/m.zip"),
    ("https://github.com/user-attachments/files/123/m.zip",) * 2,
    ("https://github.com/user-attachments/assets/1-2",) * 2,
    ("https://www.github.com/o/r/blob/v1/m.pt", f"{GH}/raw/v1/m.pt"),
    ("https://gitlab.com/g/s/r/-/blob/v1/m.mar?ref_type=tags", "https://gitlab.com/g/s/r/-/raw/v1/m.mar"),
    ("https://git.example/g/r/-/blob/v1/m.mar", "https://git.example/g/r/-/raw/v1/m.mar"),
    ("https://bitbucket.org/o/r/src/main/m.mar", "https://bitbucket.org/o/r/raw/main/m.mar"),
    (f"https://codeberg.org/o/r/src/commit/{SHA}/m.pt", f"https://codeberg.org/o/r/media/commit/{SHA}/m.pt"),
    ("https://git.example/o/r/src/branch/main/d/m.pt", "https://git.example/o/r/media/branch/main/d/m.pt"),
    ("https://huggingface.co/o/r/blob/main/m.onnx", "https://huggingface.co/o/r/resolve/main/m.onnx"),
    ("https://huggingface.co/o/r/raw/main/m.onnx", "https://huggingface.co/o/r/resolve/main/m.onnx"),
    ("https://hf.co/datasets/o/r/blob/main/d/t.tif", "https://huggingface.co/datasets/o/r/resolve/main/d/t.tif"),
    ("https://huggingface.co/bert/blob/main/m.bin", "https://huggingface.co/bert/resolve/main/m.bin"),
    ("https://huggingface.co/o/r/resolve/main/m?download=true", "https://huggingface.co/o/r/resolve/main/m?download=true"),
    (f"hf://o/r@{SHA}/d/m.pt", f"https://huggingface.co/o/r/resolve/{SHA}/d/m.pt"),
    ("hf://datasets/o/r/m.pt", "https://huggingface.co/datasets/o/r/resolve/main/m.pt"),
    ("https://zenodo.org/record/5773331/files/last.ckpt?download=1",) * 2,
    ("https://zenodo.org/records/5773331/preview/last.ckpt?include_deleted=0",
     "https://zenodo.org/records/5773331/files/last.ckpt?download=1"),
    ("https://figshare.com/articles/dataset/t/123?file=456", "https://figshare.com/ndownloader/files/456"),
    ("https://ndownloader.figshare.com/files/456",) * 2,
    ("https://data.example.edu/file.xhtml?fileId=12&version=1", "https://data.example.edu/api/access/datafile/12"),
    ("https://data.example.edu/file.xhtml?persistentId=doi:10.7910/DVN/A/B",
     "https://data.example.edu/api/access/datafile/:persistentId?persistentId=doi:10.7910/DVN/A/B"),
    ("https://osf.io/ab12c/download",) * 2,
    ("https://drive.google.com/file/d/1PYyZVgH95454sb9LYHS/view?usp=sharing", DRIVE),
    ("https://drive.google.com/open?id=1PYyZVgH95454sb9LYHS", DRIVE),
    ("https://drive.google.com/uc?export=download&id=1PYyZVgH95454sb9LYHS", DRIVE),
    ("https://docs.google.com/uc?id=1PYyZVgH95454sb9LYHS", DRIVE),
    ("https://www.dropbox.com/s/x/m.mar?dl=0", "https://www.dropbox.com/s/x/m.mar?dl=1"),
    ("https://www.dropbox.com/scl/fi/x/m.mar?rlkey=k&dl=0", "https://www.dropbox.com/scl/fi/x/m.mar?rlkey=k&dl=1"),
    ("s3://my-bucket/a b/m.pt", "https://my-bucket.s3.amazonaws.com/a%20b/m.pt"),
    ("s3://my.bucket/m.pt", "https://s3.amazonaws.com/my.bucket/m.pt"),
    ("https://s3.console.aws.amazon.com/s3/object/my-bucket?region=eu-west-1&prefix=a/m.pt",
     "https://my-bucket.s3.eu-west-1.amazonaws.com/a/m.pt"),
    ("gs://bucket/a/m.pt", "https://storage.googleapis.com/bucket/a/m.pt"),
    ("https://console.cloud.google.com/storage/browser/_details/bucket/a/m.pt;tab=live_object",
     "https://storage.googleapis.com/bucket/a/m.pt"),
    ("https://storage.cloud.google.com/bucket/a/m.pt", "https://storage.googleapis.com/bucket/a/m.pt"),
    ("abfss://c@acct.dfs.core.windows.net/a/m.pt", "https://acct.blob.core.windows.net/c/a/m.pt"),
    ("https://download.pytorch.org/models/resnet18-f37072fd.pth",) * 2,
    ("https://openeo.example/jobs/j-1/results/catboost_model.cbm.tar.gz",) * 2,
    ("https://raw.githubusercontent.com/o/r/main/m.onnx",) * 2,
    ("https://www.kaggle.com/api/v1/models/o/m/download",) * 2,
    ("[weights](https://example.org/m.onnx)", "https://example.org/m.onnx"),
    ("[x](https://huggingface.co/o/r/blob/main/m.onnx)", "https://huggingface.co/o/r/resolve/main/m.onnx"),
    ("<https://example.org/m.onnx>", "https://example.org/m.onnx"),
    ("www.example.org/m.onnx", "https://www.example.org/m.onnx"), ("example.org/m.onnx", "https://example.org/m.onnx"),
    ("github.com/o/r/blob/v1/m.onnx", f"{GH}/raw/v1/m.onnx"), ("a.b.zenodo.org/m.onnx", "https://a.b.zenodo.org/m.onnx"),
    ("model.v1/m.onnx",) * 2, ("release.pt/m.onnx",) * 2, ("model[1].onnx",) * 2, ("sub/$1/m.onnx",) * 2,
    ("https://example.org/odata/$value",) * 2, ("https://example.org/%AB%20/m.onnx",) * 2,
    ("https://example.org/todo/m.onnx",) * 2,
    ("sub/model.pth",) * 2, ("model.tar.gz",) * 2, ("weights.safetensors",) * 2, ("x",) * 2, ("my model.mar",) * 2,
]  # fmt: skip


@pytest.mark.parametrize(("href", "url"), FILES)
def test_the_address_of_the_file(href: str, url: str) -> None:
    assert read_href(href).url == url


NO_FILE = [
    (GH, "repository"), (f"{GH}.git", "repository"), (f"{GH}/tree/main/models/x", "folder"),
    (f"{GH}/releases/tag/v1", "page"), (f"{GH}/releases", "page"), (f"{GH}/actions/runs/1", "page"),
    (f"{GH}/models", "folder"), (f"{GH}/raw/v1.0", "page"), (f"{GH}/compare/v1.0...v1.1", "page"),
    ("https://github.com/", "page"), ("https://gist.github.com/u/abc", "page"),
    ("https://gitlab.com/g/r", "repository"), ("https://gitlab.com/g/r/-/tree/main", "folder"),
    ("https://bitbucket.org/o/r/src/main/", "folder"),
    ("https://huggingface.co/o/r", "repository"), ("https://huggingface.co/o/r/tree/main", "folder"),
    ("https://huggingface.co/spaces/o/r", "repository"), ("https://huggingface.co/docs/hub/x", "page"),
    ("https://www.kaggle.com/models/o/m", "page"), ("https://tfhub.dev/google/x/1", "page"),
    ("https://arxiv.org/abs/2409.16252", "page"), ("https://wandb.ai/o/r/runs/1", "page"),
    ("https://zenodo.org/records/5773331", "record"), ("https://doi.org/10.5281/zenodo.5773331", "record"),
    ("10.5281/zenodo.5773331", "record"), ("doi:10.1038/s41586-020-2649-2", "record"),
    ("https://figshare.com/articles/dataset/t/123", "record"),
    ("https://data.example.edu/dataset.xhtml?persistentId=doi:10.7910/DVN/A", "record"),
    ("https://www.hydroshare.org/resource/0123abcd/", "record"), ("https://data.mendeley.com/datasets/a/1", "record"),
    ("https://drive.google.com/drive/folders/1PYyZVgH95454", "folder"), ("https://mega.nz/file/a#b", "share"),
    ("https://www.dropbox.com/sh/a/b?dl=0", "folder"), ("https://1drv.ms/u/s!A", "share"),
    ("https://me.sharepoint.com/:u:/g/personal/x", "share"), ("https://cloud.example/s/aB3dE6gH9jK2mN5", "share"),
    ("https://cloud.example/index.php/s/aB3dE6gH9jK2mN5", "share"), ("https://we.tl/t-abc", "share"),
    ("oci://ghcr.io/o/n:1", "image"), ("docker://o/n", "image"), ("ghcr.io/o/n/m:latest-inference", "image"),
    ("radiantearth/cyclone-model-torchgeo:1", "image"), ("thelper-geo:latest", "image"),
    ("https://hub.docker.com/r/o/n/tags", "page"), ("hdfs://nn/x", "store"), ("s3://bucket/prefix/", "store"),
    ("ftp://h/x", "store"), ("models:/m/3", "store"), ("ipfs://Qm", "store"), ("foo://x/y", "store"),
    ("/home/me/m.pt", "local"), ("C:\\me\\m.pt", "local"), ("file:///home/me/m.pt", "local"), ("~/m.pt", "local"),
    ("torchvision.models.resnet18", "symbol"), ("torchgeo.models:unet", "symbol"), ("module:func", "symbol"),
    ("available upon request", "text"), ("TBD", "text"), ("local", "text"), ("<URL of the model>", "text"),
    ("${MODEL_URL}/m.onnx", "text"), ("{{ base }}/m.onnx", "text"), ("{base}/m.onnx", "text"),
    ("$MODEL/m.onnx", "text"), ("%MODEL_DIR%/m.onnx", "text"), ("https://example.org/<file>.onnx", "text"),
    ("https://…/m.onnx", "text"), (".../m.onnx", "text"), ("https://example.com/TODO", "text"),
    ("https://{host}/m.onnx", "text"), ("[URL]", "text"), ("github.com/o/r", "repository"),
    ("[card](https://huggingface.co/o/r)", "repository"), ("~me/m.pt", "local"), ("torch.hub", "symbol"),
    ("https://a.org/x, https://b.org/y", "several"), ("https://a.org/x https://b.org/y", "several"),
    ("git@github.com:o/r.git", "repository"), ("git+https://github.com/o/r@v1", "repository"),
    ("https://example.org", "page"), ("https://[", "text"), ("https://x.readthedocs.io/en/latest/", "page"),
    ("https://pypi.example/project/x/1.0/", "page"),
]  # fmt: skip


@pytest.mark.parametrize(("href", "kind"), NO_FILE)
def test_what_is_no_file_says_what_to_publish_instead(href: str, kind: str) -> None:
    found = read_href(href)
    assert (found.kind, found.url) == (kind, None)
    assert found.reason and (found.instead or found.image or found.repository)


@pytest.mark.parametrize(
    ("href", "moves", "commit"),
    [(f"{GH}/blob/main/m.pt", True, None), (f"{GH}/blob/{SHA}/m.pt", False, SHA), (f"{GH}/blob/v1.2/m.pt", False, None),
     (f"{GH}/raw/refs/heads/feature-x/m.pt", True, None), (f"{GH}/blob/refs/tags/main/m.pt", False, None),
     (f"{GH}/releases/latest/download/m.pt", True, None), (f"{GH}/commit/{SHA}", False, SHA),
     (f"{GH}/archive/{SHA}.zip", False, SHA), (f"{GH}/archive/refs/heads/x.tar.gz", True, None),
     ("https://raw.githubusercontent.com/o/r/refs/heads/x/m.pt", True, None),
     (f"https://media.githubusercontent.com/media/o/r/{SHA}/m.pt", False, SHA),
     ("https://huggingface.co/o/r/resolve/main/m.pt", True, None),
     (f"https://huggingface.co/o/r/resolve/{SHA}/m.pt", False, SHA), ("hf://o/r/m.pt", True, None),
     ("https://codeberg.org/o/r/src/branch/x/m.pt", True, None),
     ("https://codeberg.org/o/r/src/tag/main/m.pt", False, None),
     ("https://gitlab.com/g/r/-/raw/master/m.pt", True, None),
     ("https://bitbucket.org/o/r/raw/master/m.pt", True, None), (f"{GH}/models/m.pt", True, None),
     ("https://files.example/latest/m.pt", False, None)],
)  # fmt: skip
def test_whether_the_bytes_may_change_under_the_address(href: str, moves: bool, commit: str | None) -> None:
    found = read_href(href)
    assert (found.moves, found.commit) == (moves, commit)


@pytest.mark.parametrize(
    ("href", "repository"),
    [(f"{GH}/blob/{SHA}/x.py#L2", GH), (f"{GH}.git", GH), (f"{GH}/src/x.py", GH), (f"{GH}/src", GH),
      ("https://gitlab.com/a/b/c/-/tree/v1", "https://gitlab.com/a/b/c"),
     ("https://huggingface.co/spaces/o/r/tree/main", "https://huggingface.co/spaces/o/r"),
     ("https://raw.githubusercontent.com/o/r/main/x.py", GH), ("git@github.com:o/r.git", "https://github.com/o/r.git"),
     ("git+https://github.com/o/r@v1", GH), ("https://codeberg.org/o/r", "https://codeberg.org/o/r")],
)  # fmt: skip
def test_the_repository_behind(href: str, repository: str) -> None:
    assert read_href(href).repository == repository


@pytest.mark.parametrize(
    ("href", "repository"),
    [(f"https://github.corp.example/o/r/tree/{SHA}/src", "https://github.corp.example/o/r"),
     (f"https://github.corp.example/o/r/commit/{SHA}", "https://github.corp.example/o/r"),
     (f"https://github.corp.example/o/r/archive/{SHA}.zip", "https://github.corp.example/o/r"),
     (f"https://git.example/g/s/r/-/tree/{SHA}", "https://git.example/g/s/r"),
     (f"https://gitlab.com/g/r/tree/{SHA}", "https://gitlab.com/g/r"),
     (f"https://gitea.example/o/r/src/commit/{SHA}/a", "https://gitea.example/o/r"),
     (f"https://codeberg.org/o/r/commit/{SHA}", "https://codeberg.org/o/r"),
     (f"https://bitbucket.example/o/r/src/{SHA}/", "https://bitbucket.example/o/r")],
)  # fmt: skip
def test_any_host_that_shows_a_commit_names_one(href: str, repository: str) -> None:
    found = read_href(href)
    assert (found.repository, found.commit) == (repository, SHA)


@pytest.mark.parametrize("name", ["main", "v1.0", SHA[:12]])
def test_a_folder_called_tree_is_no_code_host(name: str) -> None:
    found = read_href(f"https://files.example/models/tree/{name}/m.onnx")
    assert (found.kind, found.repository) == ("file", None)


@pytest.mark.parametrize(
    ("href", "twin"),
    [("ssh://git@gitlab.com:22/a/b.git", "https://gitlab.com/a/b.git"), ("git@git.example:a/b.git", None),
     ("git+ssh://git@github.com/o/r", GH), ("ssh://git.example/a/b", None)],
)  # fmt: skip
def test_an_ssh_address_has_a_twin_where_its_host_is_known(href: str, twin: str | None) -> None:
    found = read_href(href)
    assert (found.keyed, found.kind, found.url, found.repository) == (True, "repository", None, twin)


def test_a_digest_is_no_ssh_address() -> None:
    assert read_href("ubuntu@sha256:" + "ab" * 32).kind == "image"


@pytest.mark.parametrize(
    ("href", "image"),
    [("oci://ghcr.io/o/n:1", "ghcr.io/o/n:1"), ("docker://o/n", "docker.io/o/n"), ("n:1.0", "docker.io/library/n:1.0"),
     ("https://hub.docker.com/r/o/n", "docker.io/o/n"), ("https://hub.docker.com/_/ubuntu", "docker.io/library/ubuntu"),
     ("https://quay.io/repository/o/n", "quay.io/o/n"), ("https://github.com/O/r/pkgs/container/n", "ghcr.io/o/n")],
)  # fmt: skip
def test_the_image_behind(href: str, image: str) -> None:
    assert read_href(href).image == image


def test_what_its_publisher_calls_an_image_is_one() -> None:
    assert read_href("models/unet").kind == "local"
    assert read_href("models/unet", image=True).image == "docker.io/models/unet"


@pytest.mark.parametrize(
    "href",
    ["https://b.s3.amazonaws.com/m?X-Amz-Signature=1&X-Amz-Expires=3600", "https://a.blob.core.windows.net/c/m?sig=x&se=2021",
     "https://storage.googleapis.com/b/m?X-Goog-Signature=1&X-Goog-Expires=9",
     "https://raw.githubusercontent.com/o/r/main/m?token=ABC"],
)  # fmt: skip
def test_an_address_signed_for_a_time_ends(href: str) -> None:
    assert read_href(href).ends and read_href(href).url == href
    assert not read_href(href.partition("?")[0]).ends


def test_a_share_that_may_ask_says_so() -> None:
    assert read_href("https://drive.google.com/file/d/1PYyZVgH95454/view").asks
    assert not read_href("https://www.dropbox.com/s/x/m.mar?dl=0").asks


@pytest.mark.parametrize(
    "href",
    ["", "/", ":", "://", "https://", "https://[::1", "https://github.com/" + "a/" * 2000, "a" * 5000, "." * 5000,
     "a." * 2500, "(" * 5000, "https://x/" + "?" * 5000, "s3://" + "/" * 5000, "[" * 5000, "a:" * 2500, "\u202e", "%%%",
     "{" * 5000, "<a" * 2500, "[](" * 1600, "%A_" * 1600, "a-." * 1600 + "org/x",
     "https://huggingface.co/" + "blob/" * 900, "https://github.com/blob/blob/blob", "https://zenodo.org/records/x/preview/",
     "https://x.org/?" + "a=1&" * 2000, "git@" + "a" * 5000, "10.1234/" + "a" * 5000, "https://gitlab.com/-/-/-/-"],
)  # fmt: skip
def test_nothing_makes_it_fail_or_stall(href: str) -> None:
    started = time.monotonic()
    assert isinstance(read_href(href), Href)
    assert time.monotonic() - started < 1


def test_an_inferred_address_is_read_as_itself() -> None:
    """Inference is done once: what it gives is a file, and stays what it is."""
    for href, url in FILES:
        if href != url and url.startswith("https://"):
            again = read_href(url)
            assert (again.kind, again.url) == ("file", url), (href, again)


@pytest.mark.parametrize(
    "href", ["https://example.org/a/m@v2.onnx", f"https://example.org/m.pt#{SHA}", f"{GH}/raw/v1/m@2.pt"]
)
def test_a_file_with_such_a_sign_in_its_address_stays_a_file(href: str) -> None:
    assert read_href(href).kind == "file"


@pytest.mark.parametrize("href", [f"https://me:secret@github.com/o/r@{SHA}", f"git+https://me@github.com/o/r@{SHA}"])
def test_who_signs_in_is_kept_to_be_refused(href: str) -> None:
    found = read_href(href)
    assert found.commit == SHA
    assert "@" in (found.repository or "")
