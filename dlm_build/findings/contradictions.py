"""What an item says twice, differently. Which side is right, nobody here decides."""

from __future__ import annotations

from dlm_build.findings.kinds import VERIFICATION, Kind


class ContradictionBandCount(Kind):
    """the number of bands is {found}, but eo:bands lists {other}"""

    severity = VERIFICATION
    fix = 'write "number_of_bands": {other}, or list the {found} bands'
    more = """
    The number of bands says what kind of file the model takes. With another number, the indices of the selected bands
    may mean other bands. The file itself decides when the sample is read.

    Before: `"number_of_bands": 4` beside five entries in `eo:bands`. After: `"number_of_bands": 5`.
    """


class ContradictionSelectedBands(Kind):
    """band {found} is selected (counting from 0), but the file has {other} bands"""

    severity = VERIFICATION
    fix = "count from 0: the last of {other} bands is {last}"
    more = """
    A band that does not exist cannot be read, so the sample's run will fail, or the indices were counted from 1 and
    every band is shifted by one.

    Before: `"number_of_bands": 3, "selected_bands": [1, 2, 3]`. After: `"selected_bands": [0, 1, 2]`.
    """


class ContradictionUsefulBands(Kind):
    """bands {found} are selected, but {place} lists {other}"""

    severity = VERIFICATION
    fix = 'write "selected_bands": {other}, or correct {place}'
    more = """
    Two lists say which bands the model takes, and in which order, and they differ. `selected_bands` is used. With the
    wrong order the model runs without an error and gives a wrong map.

    Before: `"selected_bands": [0, 1, 3]` beside useful bands 2, 1, 3. After: `"selected_bands": [2, 1, 3]`.
    """


class ContradictionChannelsSelectedBands(Kind):
    """the tensor has {found} channels, but selected_bands has {other} values"""

    severity = VERIFICATION
    fix = "select one band for each channel"
    more = """
    Every channel of the input is one band of the file. With other numbers the tensor cannot be made as described, and
    the sample's run fails.

    Before: `"channels": 3, "selected_bands": [0, 1, 2, 3]`. After: `"channels": 4`.
    """


class ContradictionChannelsMean(Kind):
    """the tensor has {found} channels, but mean has {other} values"""

    severity = VERIFICATION
    fix = "give one mean for each channel, or a single one for all"
    more = """
    Every channel is normalised by its own mean. With another number of them nobody can say which belongs to which.

    Before: `"channels": 4, "normalization:mean": [0.2, 0.3, 0.4]`. After: four means, in the order of the bands.
    """


class ContradictionChannelsStd(Kind):
    """the tensor has {found} channels, but std has {other} values"""

    severity = VERIFICATION
    fix = "give one standard deviation for each channel, or a single one for all"
    more = """
    Every channel is divided by its own standard deviation. With another number of them nobody can say which belongs to
    which.

    Before: `"channels": 4, "normalization:std": [0.1, 0.1, 0.2]`. After: four of them, in the order of the bands.
    """


class ContradictionMean(Kind):
    """says {found}, {other} says {used}, which is used"""

    severity = VERIFICATION
    fix = "keep one of the two"
    more = """
    Two means are given for one input. A model that is fed with the wrong one runs without an error and gives other
    probabilities.

    Before: `"normalization": {"mean": [0.5]}, "normalization:mean": [0.24]`. After: `"normalization:mean": [0.24]`.
    """


class ContradictionStd(Kind):
    """says {found}, {other} says {used}, which is used"""

    severity = VERIFICATION
    fix = "keep one of the two"
    more = """
    Two standard deviations are given for one input. A model that is fed with the wrong one runs without an error and
    gives other probabilities.

    Before: `"normalization": {"std": [0.5]}, "normalization:std": [0.1]`. After: `"normalization:std": [0.1]`.
    """


class ContradictionClassCount(Kind):
    """the number of classes is {found}, but {other} are named"""

    severity = VERIFICATION
    fix = "count the don't-care class too, and name every class once"
    more = """
    Some publishers count the don't-care class and some do not. The names are only shown; the number says which values a
    map of labels may hold, and a value beyond it counts as wrong.

    Before: `"number_of_classes": 5` beside the names of classes 0 to 5. After: `"number_of_classes": 6`.
    """


class ContradictionFinalLayerClasses(Kind):
    """the number of classes is {found}, but the final layer gives {other}"""

    severity = VERIFICATION
    fix = "write the number of channels that the final layer has"
    more = """
    A final layer has one channel for each class. With another number the output has classes nobody described, or lacks
    some.

    Before: `"number_of_classes": 5, "final_layer_size": [1, 6, 64, 64]`. After: `"number_of_classes": 6`.
    """


class ContradictionOutputSize(Kind):
    """the input is {other} pixels, but the final layer gives {found}"""

    severity = VERIFICATION
    fix = "write the size that the model gives for the declared input"
    more = """
    A map of a scene is as large as the scene, so one of the two sizes is that of another input. Only a run shows which;
    a fixed-size model refuses the wrong one.

    Before: inputs of 224 by 224 beside `"final_layer_size": [1, 5, 64, 64]`. After: `"final_layer_size": [1, 5, 224,
    224]`.
    """


class ContradictionInputSize(Kind):
    """speaks of {found} pixels, but the input is {other}"""

    severity = VERIFICATION
    fix = "make the text and the size of the input agree"
    more = """
    The description gives another size of the input than its field does. Many models take one size only, so one of the
    two does not run. The field is used.

    Before: "tiles of 128x128 pixels" beside `"height": 224, "width": 224`. After: `"height": 128, "width": 128`.
    """


class ContradictionFramework(Kind):
    """speaks of {found}, but the framework is {other}"""

    severity = VERIFICATION
    fix = "name one framework in both places"
    more = """
    The framework decides what is installed, and one that is named elsewhere in the item is another. The declared one is
    used; a handler or an image of the other shows what the model was really made with, and then it will not load.

    Before: `"framework": "PyTorch"` beside `"model_handler": "mxnet_vision_service:handle"`. After: `"framework":
    "MXNet"`.
    """
