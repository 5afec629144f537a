"""Inputs and outputs: how a sample becomes a tensor, and what the model promises to give."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind

_CLASSES = '"class_name_mapping": [{{"0": "water"}}, {{"1": "forest"}}]'


class BandsInferred(Kind):
    """is not given; {found} is taken from {other}, counting from 0"""

    severity = VERIFICATION
    fix = 'add "selected_bands": {found}'
    more = """
    Which bands of the file the model takes, and in which order, decides what it sees. The list of useful bands has an
    index for each, taken as counted from 0; if the publisher counted from 1, every band is the wrong one.

    Before: `"useful_bands": [{"index": 2, "name": "red"}]` alone. After: `"selected_bands": [2]` besides.
    """


class ShapeIsAList(Kind):
    """is the list {found}; read as {read}"""

    severity = VERIFICATION
    fix = "write {read}"
    more = """
    The sizes of a tensor have names here, so that nobody has to know their order. In a list the order is that of the
    framework: batch, channels, height, width, or the channels last where only that makes the picture square. The batch
    may be left out.

    Before: `"input_tensors": [1, 3, 64, 64]`. After: `"input_tensors": {"batch": 1, "channels": 3, "height": 64,
    "width": 64}`.
    """


class ScalingIsAList(Kind):
    """is a list of {found}, a factor for each band; those that differ are read into mean and deviation"""

    severity = HYGIENE
    fix = "write one factor, and what differs from band to band as normalization:mean and normalization:std"
    more = """
    DLM has one factor for all bands, and a mean and a deviation for each. Whatever a factor of its own does to a band,
    these two do: with x * 0.5, then (x - 0.2) / 0.1, a value becomes what it becomes with (x - 0.4) / 0.2.

    Before: `"scaling_factor": [0.5, 0.25]`. After: `"normalization:std": [2, 4]`.
    """


class DataTypeUnknown(Kind):
    """ "{found}" is no type that the values of a raster or an array have"""

    severity = HYGIENE
    fix = 'write one such as "uint8", "uint16", "int16" or "float32"'
    more = """
    The type is a kind of number and its width in bits. The file itself tells its own when the sample is read; other
    programs that choose by this field find nothing.

    Before: `"dtype": "uint7"`. After: `"dtype": "uint8"`.
    """


class NodataOutsideType(Kind):
    """{found} is no value that {dtype} can hold, so nothing of a file is ever nodata"""

    severity = VERIFICATION
    fix = "correct the value or the type: {dtype} holds whole numbers from {low} to {high}"
    more = """
    Where the input has no data, the model's labels become the don't-care class. A value that the type cannot hold marks
    no pixel, and what was meant to be empty is compared.

    Before: `"dtype": "uint8", "nodata_value": -9999`. After: `"dtype": "int16", "nodata_value": -9999`.
    """


class NodataNotANumber(Kind):
    """is {found}, which is no number; the model's labels are not marked where the input has no data"""

    severity = HYGIENE
    fix = 'write a number, such as "nodata_value": 0, or leave it out where the input has data everywhere'
    more = """
    Where every band of the input has this value, the labels that the model gives are replaced by the don't-care class.
    That takes a finite number here: what the raster says of itself is not read.

    Before: `"nodata_value": "nan"`. After: no `nodata_value`, or `"nodata_value": 0`.
    """


class ContradictionClassIndex(Kind):
    """class {found} is named twice; the first is used"""

    severity = VERIFICATION
    fix = "give every class an index of its own"
    more = """
    A value of the output map has one meaning. Of two names for one index the first is shown, and a reader of the map
    may take one land cover for another.

    Before: `[{"1": "water"}, {"1": "forest"}]`. After: `[{"1": "water"}, {"2": "forest"}]`.
    """


class ClassIndexInferred(Kind):
    """is a list of names; their indices are their places"""

    severity = HYGIENE
    fix = f"write {_CLASSES}"
    more = """
    Names without numbers are counted from 0. The names are shown only; no value of the output depends on them.

    Before: `"class_name_mapping": ["water", "forest"]`. After: `"class_name_mapping": [{"0": "water"}, {"1":
    "forest"}]`.
    """


class ClassMappingInverted(Kind):
    """gives an index for a name; read the other way round"""

    severity = HYGIENE
    fix = f"write {_CLASSES}"
    more = """
    The mapping goes from the index to the name. Where the name is the key and the index its value, only one reading
    makes sense.

    Before: `{"water": 0}`. After: `{"0": "water"}`.
    """
