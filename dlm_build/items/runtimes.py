"""What runs the model: framework, handler, source, and the container it was published with."""

from __future__ import annotations

import re

from msgspec.structs import replace

from dlm_build.errors import ItemInvalid, shown
from dlm_build.findings import runtime as kinds
from dlm_build.findings.hrefs import CommitFromUrl, ContradictionCommit
from dlm_build.findings.mlm import EntrypointUnreadable
from dlm_build.findings.reading import NotAText
from dlm_build.hrefs import is_commit, read_href
from dlm_build.items.commands import container_command
from dlm_build.items.display import display_text
from dlm_build.items.document import described
from dlm_build.items.locations import commit_in, file_behind, over_https
from dlm_build.items.names import (
    COMMIT,
    FRAMEWORK,
    IMAGE,
    TAG,
    framework_version,
    handler,
    machine_name,
    member_name,
    refuse_unseen,
    within,
    working_dir,
)
from dlm_build.items.node import Node
from dlm_build.items.scalars import boolean, text
from dlm_build.records import DeclaredDocker, Runtime
from dlm_build.words import DLM

RUNTIME_EXAMPLE = '"dlm:runtime": {"framework": "PyTorch", "version": "1.7.1", "model_handler": "handler.py:handle"}'
_DOCKER_EXAMPLE = '"docker": {"image_name": "my-model", "tag": "1.0", "gpu": true, "run": "predict --input in.tif"}'
_PAGE = re.compile(r"https?://(?:www\.)?(?:github\.com/[^/]++/[^/]++/(?:blob|tree)/|gitlab\.com/.+/-/(?:blob|tree)/).+")


def read_runtime(node: Node) -> Runtime:
    """Raises ItemInvalid where a field cannot be what it says it is. What is only missing is a finding.

    By today's names; `dlm.spellings` knows the older ones.
    """
    node.object(RUNTIME_EXAMPLE)
    framework = machine_name(node.get("framework"), FRAMEWORK)
    if framework is None:
        node.get("framework").find(kinds.NoFramework)
    release = _release(framework, node.get("version"))
    if release is None and node.at("version").absent:
        _tell_of_no_version(node.get("version"), framework)
    url, commit = read_source(node)
    return Runtime(
        framework=framework,
        version=release,
        handler=_handler(node.get("model_handler")),
        source_url=url,
        source_commit=commit,
        requirement_file=_requirement_file(node.get("requirement_file")),
        docker=_docker(node.get("docker")),
    )


def _release(framework: str | None, node: Node) -> str | None:
    """A range, or words such as `latest`, name no version; the model was made with one all the same."""
    try:
        return framework_version(framework, node)
    except ItemInvalid:
        if not isinstance(node.value, str):
            raise
    node.find(kinds.VersionInWords, found=node.value)
    return None


def _tell_of_no_version(node: Node, framework: str | None) -> None:
    gap = kinds.NoFrameworkVersion.at(node.pointer)
    if framework and "torch" not in framework.lower():
        gap = replace(gap, hint=DLM.version_of(framework))
    node.log.add(gap)


def _handler(node: Node) -> str | None:
    """Words for people, such as `TBD` or `see the notebook`, name no function, and are left out."""
    is_said = isinstance(node.value, str) and read_href(node.value).kind == "text"
    try:
        name = handler(node)
    except ItemInvalid:
        if not is_said:
            raise
    else:
        if not is_said:
            return name
    gap = EntrypointUnreadable.at(node.pointer, found=f'"{display_text(node)}"')
    node.log.add(replace(gap, hint='write "model_handler": "handler.py:handle", the function that takes an input'))
    return None


def read_source(node: Node) -> tuple[str | None, str | None]:
    """Address and commit of the code, of `dlm:runtime`; what is odd about them is noted."""
    if node.value is None:
        return None, None
    source = node.get("model_src_url")
    url = _location(source)
    url = over_https(source, url) if url else None
    in_url = commit_in(source, url) if url else None
    commit = _commit(node.get("model_commit_hash"), wanted=url is not None and not in_url)
    if in_url and commit is None:
        source.find(CommitFromUrl, found=in_url)
    elif in_url and commit != in_url:
        source.find(ContradictionCommit, found=in_url, used=commit)
    return url, commit or in_url


def _docker(node: Node) -> DeclaredDocker:
    node.object(_DOCKER_EXAMPLE)
    image, tag = image_and_tag(node.get("image_name"), node.get("tag"))
    return DeclaredDocker(
        image_name=image,
        tag=tag,
        docker_file=docker_file(node.get("docker_file")),
        gpu=boolean(node.get("gpu")),
        working_dir=working_dir(node.get("working_dir")),
        run=container_command(node.get("run"), image),
    )


def image_and_tag(name: Node, tag: Node) -> tuple[str | None, str | None]:
    """Name and tag apart; `name@sha256:…` stays whole."""
    image = _image(name)
    given = machine_name(tag, TAG)
    if image is None or "@" in image or ":" not in image.rpartition("/")[2]:
        return image, given
    bare, _, inner = image.rpartition(":")
    if given is None or given == inner:
        name.find(kinds.TagInImageName, found=inner)
        return bare, inner
    name.find(kinds.ContradictionTag, found=inner, other=tag.pointer, used=given)
    return bare, given


def _image(node: Node) -> str | None:
    """As for a pull; from the address of a page about it, where that names it."""
    value = node.value
    if not isinstance(value, str) or "://" not in value:
        return machine_name(node, IMAGE)
    refuse_unseen(node, value.strip())
    meaning = read_href(value, image=True)
    if meaning.image is None:
        node.find(kinds.ImageNotRead, found=value)
        return None
    node.find(kinds.ImageInferred, found=value, what=meaning.reason, image=meaning.image)
    return within(node, meaning.image, IMAGE)


def _location(node: Node, example: str = "https://github.com/me/my-model") -> str | None:
    """A URL, or whatever stands for one; what can be fetched is decided when it is fetched."""
    value = text(node, example)
    value = value.strip() if value else None
    if value is None:
        return None
    refuse_unseen(node, value)
    if value.startswith("-"):
        raise node.hostile(f'must be a URL, but is "{shown(value)}"', 'write "https://…"')
    if len(value) > 2048:
        raise node.invalid(f"has {len(value)} characters", "give one URL")
    return value


def _commit(node: Node, *, wanted: bool) -> str | None:
    value = machine_name(node, COMMIT)
    if value is None:
        if wanted:
            node.find(kinds.SourceNotPinned, what="is not given")
        return None
    if ".." in value:
        raise node.invalid(f'must be a commit, but is "{shown(value)}"', "write its 40 hex digits")
    value = value.lower() if is_commit(value.lower()) else value
    if not is_commit(value):
        node.find(kinds.SourceNotPinned, what=f'"{shown(value)}" is not a full commit', found=value)
    return value


def _requirement_file(node: Node) -> str | None:
    """A member of the archive, or a URL."""
    value = _location(node, "conda-lock.yml")
    if value is None:
        return None
    if "://" in value:
        return file_behind(node, value)
    return member_name(node, value)


def docker_file(node: Node) -> str | None:
    """Evidence only; never built. So a wrong type is no more than a finding."""
    if not node.absent and not isinstance(node.value, str):
        node.find(NotAText, found=described(node.value))
        return None
    value = _location(node)
    if value and _PAGE.fullmatch(value):
        node.find(kinds.DockerFileIsAPage, found=value)
    return value
