"""Finding the Debian mirror of a machine in apt's two notations."""

from __future__ import annotations

from tests.stack.apt import Archive, parse_deb822, parse_one_line

DEB822 = """\
# made by an installer
Types: deb deb-src
URIs: http://mirror.example/debian
  http://second.example/debian
Suites: bookworm bookworm-updates
# a comment between fields
Components: main contrib
Signed-By: /usr/share/keyrings/some.gpg

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""


def test_deb822_gives_a_row_per_address_and_suite_and_leaves_out_sources_and_what_is_off() -> None:
    key = "/usr/share/keyrings/some.gpg"
    assert parse_deb822(DEB822) == [
        Archive(f"http://{host}.example/debian", suite, ("main", "contrib"), key)
        for host in ("mirror", "second")
        for suite in ("bookworm", "bookworm-updates")
    ]


def test_one_line_entries_with_and_without_options() -> None:
    text = (
        "# deb http://commented.example/debian bookworm main\n"
        "deb http://a.example/debian bookworm main non-free\n"
        "deb-src http://b.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://c.example/debian trixie main\n"
    )
    assert parse_one_line(text) == [
        Archive("http://a.example/debian", "bookworm", ("main", "non-free")),
        Archive("http://c.example/debian", "trixie", ("main",), "arch=amd64 signed-by=/k.gpg"),
    ]


def test_empty_files_name_nothing() -> None:
    assert parse_deb822("") == []
    assert parse_one_line("\n") == []
