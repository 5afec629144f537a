"""From the item's command line to an argv, without a shell.

A character is refused where a shell would give it a meaning that an argv cannot have: inside single quotes none is,
inside double quotes only `$` and the back quote. `{input}`, `{output}` and `{model}` stand for the path of the sample,
the folder of the results and the folder of the archive, as a word or inside one; every other brace is refused.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from dlm_build.errors import shown
from dlm_build.planning.decided import invalid
from dlm_build.records import Pointers

PLACEHOLDERS = ("{input}", "{output}", "{model}")
LONGEST = 8192
"""Characters of a command line."""
_UNQUOTED = frozenset("|&;<>`$(){}*?[]\n\r")
_IN_DOUBLE_QUOTES = frozenset("`$\n\r")
_ENGINES = frozenset({"docker", "nvidia-docker", "podman", "singularity", "apptainer", "docker-compose"})
_STRANGE = re.compile(r"\{\{[^{}]*\}\}|(?<!\$)\{[A-Za-z_]+\}|<[A-Za-z_][\w.-]{0,60}>")
"""What an author left to be filled in."""
_PLACEHOLDER_HINT = f"write one of {', '.join(PLACEHOLDERS)}, each in single braces"
_HINT = "write one plain command with its arguments, or let a shell run it with --allow-shell"


def parse_command(run: str, allow_shell: bool = False, pointer: str = Pointers().run) -> tuple[tuple[str, ...], bool]:
    """The argv, and whether it is one line for a shell. Raises ItemInvalid naming the character that needs one."""
    line = run.strip()
    if not line:
        raise invalid(pointer, "the command is empty", "write the command that runs the model")
    if len(line) > LONGEST:
        raise invalid(pointer, f"the command has {len(line)} characters, more than {LONGEST}", "put it into a script")
    if unprintable := re.search(r"[^\x20-\x7e\t\n\r]", line):
        raise invalid(pointer, f"the command has the character {shown(unprintable.group())}", "write it in plain ASCII")
    if problem := shell_syntax(line):
        if allow_shell:
            return (line,), True
        raise invalid(pointer, f"{problem}, in {shown(line)}", _PLACEHOLDER_HINT if "placeholder" in problem else _HINT)
    argv = tuple(shlex.split(line))
    if PurePosixPath(argv[0]).name in _ENGINES:
        what = f"{shown(line)} starts a container, and it is run inside of one"
        raise invalid(
            pointer, what, "write the command that the container runs, such as `python predict.py {input} {output}`"
        )
    return argv, False


def shell_syntax(line: str) -> str | None:
    """What in `line` only a shell understands, as a clause for a message; None where nothing is."""
    for strange in _STRANGE.findall(_unquoted(line)):
        if strange not in PLACEHOLDERS:
            return f"{shown(strange)} is no placeholder"
    for position, character, quote in _with_quotes(_without_placeholders(line)):
        meaningful = _UNQUOTED if quote == "" else _IN_DOUBLE_QUOTES if quote == '"' else frozenset()
        if character in meaningful:
            return f"the command needs a shell for {_named(character)} at character {position + 1}"
    return _unbalanced(line) or _word_syntax(line)


def _unquoted(line: str) -> str:
    """What stands in no quotes, where a brace could only be meant for a placeholder or a shell."""
    return "".join(character for _, character, quote in _with_quotes(line) if not quote)


def _without_placeholders(line: str) -> str:
    for placeholder in PLACEHOLDERS:
        line = line.replace(placeholder, "_" * len(placeholder))
    return line


def _with_quotes(line: str) -> list[tuple[int, str, str]]:
    """Every character with the quotes it stands in; quotes and escaped characters are left out."""
    found, quote, escaped = [], "", False
    for position, character in enumerate(line):
        if escaped:
            escaped = False
            if character in "\n\r":
                found.append((position, character, ""))
        elif character == "\\" and quote != "'":
            escaped = True
        elif character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        else:
            found.append((position, character, "" if character in "\n\r" else quote))
    return found


def _unbalanced(line: str) -> str | None:
    try:
        shlex.split(line)
    except ValueError as problem:
        return f"the command does not end: {str(problem).lower()}"
    return None


def _word_syntax(line: str) -> str | None:
    words = shlex.split(line)
    if not words or not words[0]:
        return "the command names no program"
    if words[0] == "!" or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*=.*", words[0], re.DOTALL):
        return f"the command needs a shell for {shown(words[0])}"
    for mark in ("~", "#"):
        if re.search(rf"(^|\s){mark}", line) and any(word.startswith(mark) for word in words):
            return f"the command needs a shell for a word that begins with {mark}"
    return None


def _named(character: str) -> str:
    return {"\n": "a line break", "\r": "a line break"}.get(character, f"`{character}`")
