"""XML: what is read of it, what is left alone, and that its numbers are near."""

from __future__ import annotations

import pytest

from dlm_build.judging.compare import compare
from dlm_build.judging.decode import Decoded
from dlm_build.judging.markup import read_markup
from dlm_build.records import ComparisonPolicy

FOUND = """<?xml version="1.0"?>
<annotation verified="yes"><!-- by hand -->
  <object><name>car</name><bndbox><xmin>12.5</xmin><xmax>40</xmax></bndbox></object>
  <object id="7"><name>bus</name><note>seen <b>twice</b> there</note></object>
</annotation>"""
PLACE = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Point><coordinates>{}</coordinates></Point>'
    "<Line><posList>0.5 0 30.5 20</posList></Line></kml>"
)


def test_elements_and_attributes_by_their_names() -> None:
    assert read_markup(FOUND.encode()) == {
        "annotation": {
            "@verified": "yes",
            "object": [
                {"name": "car", "bndbox": {"xmin": 12.5, "xmax": 40}},
                {"@id": 7, "name": "bus", "note": {"b": "twice", "text": "seen there"}},
            ],
        }
    }
    told = read_markup(PLACE.format("11.5,48.25,0 11.6,48.5,0").encode())
    points = {"coordinates": [[11.5, 48.25, 0], [11.6, 48.5, 0]]}
    assert told == {"kml": {"Point": points, "Line": {"posList": [0.5, 0, 30.5, 20]}}}
    assert read_markup(b"<a/>") == {"a": ""} and read_markup(b"<a>1, 2</a>") == {"a": "1, 2"}


@pytest.mark.parametrize(
    "text",
    [
        "<a>", "<a></b>", "<a/>b", "", "<!DOCTYPE a><a/>", "<!DOCTYPE html>\n<html></html>",
        '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>', "<a>&b;</a>", "<a>" * 5000 + "</a>" * 5000,
    ],
)  # fmt: skip
def test_other_text_is_none(text: str) -> None:
    assert read_markup(text.encode()) is None
    assert read_markup(text.encode("utf-16")) is None


def checked(actual: str, expected: str) -> list[str]:
    mine, theirs = (Decoded("XML", {}, value=read_markup(text.encode())) for text in (actual, expected))
    return [
        f"{check.name} {check.detail}"
        for check in compare(mine, theirs, ComparisonPolicy(task="exact"))
        if not check.passed
    ]


def test_numbers_are_near_and_the_layout_means_nothing() -> None:
    assert checked(FOUND.replace("12.5", " 12.500001\n").replace("\n", "\r\n"), FOUND) == []
    assert any("bndbox/xmin" in told for told in checked(FOUND.replace("12.5", "13.5"), FOUND))
    assert checked(FOUND.replace("bus", "van"), FOUND) == ["XML content first difference at /annotation/object/1/name"]
    place = PLACE.format("11.5,48.25,0 11.6,48.5,0")
    assert checked(place.replace("48.25", "48.2501"), place) == []
    assert checked(place.replace("48.25", "48.28"), place) == ["shapes near 1 shapes at /kml/Point/coordinates"]


def test_coordinates_in_attributes_are_positions() -> None:
    """A kilometre is less than a thousandth of a latitude."""
    points = "".join(f'<trkpt lat="{48.5 + n / 1000}" lon="{11.25 + n / 1000}"/>' for n in range(9))
    track = f"<gpx>{points}</gpx>"
    assert checked(track.replace("48.502", "48.5020001"), track) == []
    assert checked(track.replace("48.502", "48.512"), track) == ["shapes near 9 shapes at /gpx/trkpt/*/lon, lat"]
