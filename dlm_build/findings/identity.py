"""Who the item is and since when."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind

_CREATED = 'add "created": "2021-01-31T00:00:00Z"'


class IdIsANumber(Kind):
    """is the number {found}; read as a text"""

    severity = HYGIENE
    fix = 'write "id": "{found}"'
    more = """
    STAC wants the id to be a text. As a number it may lose digits in other tools, and a catalogue may refuse it.

    Before: `"id": 11234`. After: `"id": "11234"`.
    """


class NoId(Kind):
    """{what}; the item is named after its content"""

    severity = HYGIENE
    fix = 'write "id": "my-model"'
    more = """
    Images and reports need a name for the model. Without an id it is `item-` and the first digits of the item's own
    sha256, so any change of the item changes the name.

    Before: no `id`. After: `"id": "coast-unet-2021"`.
    """


class LicenseIsAnObject(Kind):
    """is an object; its title is used"""

    severity = HYGIENE
    fix = 'write the SPDX name alone, such as "license": "MIT", and the address as a link with "rel": "license"'
    more = """
    STAC keeps one SPDX name in `license`; the address of the text belongs into `links`. The object's title is shown as
    the licence.

    Before: `"license": {"title": "MIT", "href": "https://opensource.org/licenses/MIT"}`. After: `"license": "MIT"`.
    """


class NoDate(Kind):
    """no date is given, so packages are not limited to those of the item's time"""

    severity = VERIFICATION
    fix = _CREATED + " with the day the model was published"
    more = """
    A model runs with the packages of its time. Without a date the environment is solved with the newest packages there
    are, so the same item gives another environment next month, and an old framework may not run with any of them. Once
    locked, a build stays what it is.

    Before: `"properties": {"datetime": null}`. After: `"properties": {"datetime": null, "created":
    "2021-01-31T00:00:00Z"}`. Or give a date with `--as-of`.
    """


class DateFromDatetime(Kind):
    """is taken as the item's date, since `created` is not given; it may be a scene's date instead"""

    severity = VERIFICATION
    fix = _CREATED + " with the day the model was published"
    more = """
    `datetime` says when something was observed, and some publishers copy the date of a training scene. As the date of
    the model it may be years too early; then packages of that earlier time are chosen, or none that fit.

    Before: `"datetime": "2016-05-03T13:22:30Z"` alone. After: `"created": "2021-01-31T00:00:00Z"` beside it.
    """


class DateTooEarly(Kind):
    """is {found}, before there was anything to run a model with; it is not taken as the item's date"""

    severity = VERIFICATION
    fix = _CREATED + " with the day the model was published"
    more = """
    Where nothing was observed, some publishers write a date that says "always", such as the year 1900. Packages of
    such a date do not exist, so another date of the item is used, or none.

    Before: `"datetime": "1900-01-01T00:00:00Z"`. After: `"datetime": null, "start_datetime": "1900-01-01T00:00:00Z",
    "end_datetime": "9999-12-31T23:59:59Z", "created": "2021-01-31T00:00:00Z"`.
    """


class DateWithoutZone(Kind):
    """ "{found}" has no time zone; read as UTC"""

    severity = HYGIENE
    fix = "append Z"
    more = """
    RFC 3339, which STAC follows, wants a zone. A few hours hardly ever change which packages were there.

    Before: `"created": "2021-01-31T12:00:00"`. After: `"created": "2021-01-31T12:00:00Z"`.
    """


class UnreadableDate(Kind):
    """is not a date that can be read: {found}; left out"""

    severity = VERIFICATION
    fix = 'write "2021-01-31T00:00:00Z"'
    more = """
    The date decides as of when packages are looked up. A date that cannot be read is not guessed at: the next of
    `created`, `updated` and `datetime` is used, or none.

    Before: `"created": "31/01/2021"`. After: `"created": "2021-01-31T00:00:00Z"`.
    """
