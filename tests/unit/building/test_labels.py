from __future__ import annotations

import pytest
from msgspec.structs import replace

from dlm_build.building.labels import LIMIT, clean, labels
from tests.unit.building.locks import package, tiny_lock


@pytest.mark.parametrize(
    ("published", "shown"),
    [
        ("Forêt", "Forêt"),
        ("Fore\u0302t", "Forêt"),
        ("two\nlines\tand\x00more", "two lines andmore"),
        ("\u202eevil\u202c", "evil"),
        ("a\u0085b\u2028c\u2029d", "a b c d"),
        ("zero\u200bwidth", "zerowidth"),
        ("\x1b]0;title\x07", "]0;title"),
        ("lone \ud800 half", "lone  half"),
        ('a" b="c', 'a" b="c'),
        ("  ", ""),
        ("x" * (LIMIT + 1), "x" * LIMIT),
    ],
)
def test_values_are_one_clean_line(published: str, shown: str) -> None:
    assert clean(published) == shown


def test_labels_say_where_the_image_comes_from() -> None:
    lock = tiny_lock(title="Roads", license="CC-BY-4.0")
    made = labels(lock)
    assert made["org.opencontainers.image.title"] == "Roads"
    assert made["org.opencontainers.image.licenses"] == "CC-BY-4.0"
    assert made["org.opencontainers.image.base.digest"] == lock.base.digest
    assert made["org.opencontainers.image.revision"] == "4" * 40
    assert made["dlm.lock"] == lock.digest
    assert list(made) == sorted(made)


def test_without_title_or_licence_the_id_stands_in_and_nothing_is_empty() -> None:
    made = labels(tiny_lock(title=None, license=None, source=None, as_of=None))
    assert made["org.opencontainers.image.title"] == "tiny"
    assert not [name for name, value in made.items() if not value]
    assert "org.opencontainers.image.licenses" not in made


@pytest.mark.parametrize(("levels", "needed"), [((), None), (("1",), "x86-64"), (("3", "2"), "x86-64-v3")])
def test_the_processor_is_named_where_a_package_asks_for_one(levels: tuple[str, ...], needed: str | None) -> None:
    lock = tiny_lock()
    asking = tuple(package(f"{'_' * n}x86_64-microarch-level", version=level) for n, level in enumerate(levels))
    made = labels(replace(lock, packages=lock.packages + asking))
    assert made.get("dlm.cpu") == needed
