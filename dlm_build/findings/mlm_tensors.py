"""What is found in the inputs and outputs of MLM items."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind


class InputNotDescribed(Kind):
    """the item does not say what goes into the model, which MLM requires"""

    severity = HYGIENE
    fix = "write {example}, with the model's own numbers"
    more = """
    Whoever wants to use the model has to know its channels, their order and their scaling. A model that runs without
    code gets its input prepared by them; without them, it gets the file's bands as they are. An empty list is valid,
    but says no more than a missing one. An item that was migrated from DLM may say it in `dlm:inputs`.

    Before: `"mlm:input": []`. After: `"mlm:input": [{"name": "image", "bands": [], "input": {"shape": [-1, 3, 256,
    256], "dim_order": ["batch", "channel", "height", "width"], "data_type": "float32"}}]`.
    """


class OutputNotDescribed(Kind):
    """the item does not say what comes out of the model, which MLM requires"""

    severity = HYGIENE
    fix = "write {example}, with the model's own numbers"
    more = """
    Whether a result is a map of labels, a score for each class or a measure decides how it is written and compared, and
    what it is good for. An empty list is valid, but says no more than a missing one. An item that was migrated from DLM
    may say it in `dlm:outputs`.

    Before: `"mlm:output": []`. After: `"mlm:output": [{"name": "mask", "tasks": ["semantic-segmentation"], "result":
    {"shape": [-1, 2, 256, 256], "dim_order": ["batch", "class", "height", "width"], "data_type": "float32"}}]`.
    """


class SeveralInputs(Kind):
    """{count} inputs are described ({found}); the first is used, for one picture or array feeds one input"""

    severity = VERIFICATION
    fix = "give the sample as an .npz that has an array for each input, by the model's own name for it"
    more = """
    A sample is one file. A model of ONNX or TorchScript that takes several inputs at once is fed by a file of several
    arrays, as they are: batch axis and scaling of each are the author's. With any other sample it can be built, and its
    run will fail, unless code of the author's reads the file.

    Before: `"mlm:input": [{"name": "optical"}, {"name": "elevation"}]`, and a sample in GeoTIFF. After: `sample.npz`
    from `numpy.savez("sample.npz", optical=…, elevation=…)`.
    """


class SeveralOutputs(Kind):
    """{count} outputs are described ({found}); the first is used"""

    severity = VERIFICATION
    more = """
    The task and the classes of the first output decide how the result is written and compared.

    Before: `"mlm:output": [{"name": "mask"}, {"name": "inverse"}]`. After: the one that the expected output shows.
    """


class SeveralTasks(Kind):
    """{found} are named; {task} decides how the output is written and compared"""

    severity = HYGIENE
    more = """
    A task that is a special kind of another one is used, such as semantic segmentation before segmentation; else the
    first.

    Before: `"tasks": ["segmentation", "semantic-segmentation"]`. After: `"tasks": ["semantic-segmentation"]`.
    """


class DimensionsAssumed(Kind):
    """the order of the dimensions is not given; {found} is read as {order}"""

    severity = VERIFICATION
    fix = 'add "dim_order": {names}'
    more = """
    Numbers alone do not say which of them counts the bands. Read wrongly, the sample would be cut the wrong way.

    Before: `"shape": [224, 224, 3]`. After: `"shape": [-1, 224, 224, 3], "dim_order": ["batch", "height", "width",
    "bands"]`.
    """


class SizesNotNumbers(Kind):
    """has sizes that are no numbers ({found}); each is read as -1, any size"""

    severity = HYGIENE
    fix = 'write "shape": {read}'
    more = """
    A dimension that may have any size is -1 in MLM. Programs that export models write null or a name for it.

    Before: `"shape": [null, 3, "height", "width"]`. After: `"shape": [-1, 3, -1, -1]`.
    """


class DataTypeOfLibrary(Kind):
    """{found} is what a library calls the type; read as {read}"""

    severity = HYGIENE
    fix = 'write "data_type": "{read}"'
    more = """
    The types of MLM are those of rasters, without the name of a Python package before them.

    Before: `"data_type": "torch.float32"`. After: `"data_type": "float32"`.
    """


class DimensionsMiscounted(Kind):
    """the shape {found} has {count} numbers, but {other} dimensions are named ({order}); it is left out"""

    severity = VERIFICATION
    fix = "name every number of the shape once, in its order"
    more = """
    Each number of a shape is the size of one dimension. With more of one than of the other nobody can say which is
    which.

    Before: `"shape": [-1, 1, 256, 256], "dim_order": ["batch", "height", "width"]`. After: `"dim_order": ["batch",
    "channel", "height", "width"]`.
    """


class DimensionsUnread(Kind):
    """the shape {found} has the dimensions {order}, which are not those of an image; it is left out"""

    severity = VERIFICATION
    fix = "{fix}"
    more = """
    Images have a batch, bands, a height and a width. A sample for other dimensions has to be an array of the model's
    own shape (`.npy`), which is fed as it is.

    Before: `"dim_order": ["batch", "time", "bands", "height", "width"]`. After: the same, with a sample in `.npy`.
    """


class BandsFromNames(Kind):
    """bands {found} are taken by their places in {listing}, counting from 0: {indices}"""

    severity = VERIFICATION
    fix = 'keep "dlm:inputs": {{"selected_bands": {indices}}} in the properties'
    more = """
    MLM names the bands of an input and not their places in a file. The list of bands with the same names is taken for
    the bands of the sample file, in its order. A file of another order would be read wrongly.

    Before: `"bands": ["red", "nir"]` alone. After: `"dlm:inputs": {"selected_bands": [2, 3]}` besides.
    """


class BandsUnlisted(Kind):
    """no list of bands has {found}, so their places in a file are not known; the bands of the file are taken in their
    order"""

    severity = VERIFICATION
    fix = 'list the bands of the file at the model\'s asset: "bands": [{{"name": "red"}}, {{"name": "green"}}]'
    more = """
    The bands of an input are names. Without a list that has the same names, nothing says which band of a file each
    is.

    Before: `"bands": ["B04"]` beside `"raster:bands": [{"name": "B04 - red"}]`. After: one spelling in both.
    """


class BandsAmbiguous(Kind):
    """{listing} names {found} more than once, so its place in a file is not known; the bands of the file are taken in
    their order"""

    severity = VERIFICATION
    fix = "give every band of the file a name of its own"
    more = """
    Two scenes stacked in one file have their bands twice. Which of two bands with one name is meant cannot be told.

    Before: `"eo:bands": [{"name": "B4"}, {"name": "B4"}]`. After: `[{"name": "t1-B4"}, {"name": "t2-B4"}]`.
    """


class BandsAsNumbers(Kind):
    """{found} are numbers, read as places in the file counting from {first}"""

    severity = VERIFICATION
    fix = "name the bands, and list the file's bands at the model's asset"
    more = """
    Bands have names in MLM. Numbers are counted from 0 where one of them is 0, else from 1, as raster tools do.

    Before: `"bands": [4, 3, 2]`. After: `"bands": ["B04", "B03", "B02"]`.
    """


class BandDerived(Kind):
    """the band {found} is to be computed ({expression}); the file must hold it already"""

    severity = VERIFICATION
    fix = "compute it in the model, or put it into the sample file"
    more = """
    Expressions of band arithmetic are written in many languages, and none of them is run here.

    Before: `{"name": "NDVI", "format": "rio-calc", "expression": "(B08 - B04) / (B08 + B04)"}`. After: a file with a
    band of that name, or a model that takes B04 and B08.
    """


class BandsAgainstShape(Kind):
    """{bands} bands are named, but the tensor has {channels} channels"""

    severity = VERIFICATION
    fix = "make the two agree"
    more = """
    Every channel of the tensor is one band. With other numbers the sample cannot be fed as described.

    Before: four bands beside `"shape": [-1, 13, 64, 64]`. After: `"shape": [-1, 4, 64, 64]`.
    """


class ClassesByValue(Kind):
    """is an object; read as {count} classes by their values"""

    severity = HYGIENE
    fix = 'write a list: [{{"value": 0, "name": "…"}}]'
    more = """
    Classes are a list of objects, with value, name and whatever else there is to say of each.

    Before: `"classification:classes": {"0": "sea", "1": "land"}`. After: `"classification:classes": [{"value": 0,
    "name": "sea"}, {"value": 1, "name": "land"}]`.
    """


class VariablesUnread(Kind):
    """variables ({found}) are not read from a data cube; the sample file must hold the tensor as it is"""

    severity = VERIFICATION
    fix = "give the sample as an array of the model's own shape (`.npy`)"
    more = """
    A data cube has dimensions and coordinates that an image file does not have. A sample in `.npy` with all dimensions
    of the tensor is given to the model as it is.

    Before: `"variables": ["t2m"]` and a sample in NetCDF. After: a sample in `.npy`.
    """


class ScalingNotDone(Kind):
    """{found} is not applied to the values; only min-max, z-score, offset and scale are"""

    severity = VERIFICATION
    fix = "put the step into the model itself, and publish that"
    more = """
    Steps that subtract a number and divide by a number are applied. Others, such as clipping or an expression, are left
    out, and the model then sees values that it was not trained on.

    Before: `{"type": "clip", "minimum": 0, "maximum": 255}`. After: the clipping as the first layer of the model.
    """


class ScalingInColumns(Kind):
    """is one object with lists; read as {count} steps, one for each band"""

    severity = HYGIENE
    fix = "write a list of {count} objects, each with its own numbers"
    more = """
    From MLM 1.4 on a scaling is a list with one step for each band. Lists of numbers inside one step are what earlier
    drafts and most libraries have; where they can only mean a number for each band, they are read so.

    Before: `{"type": "z-score", "mean": [1, 2], "stddev": [3, 4]}`. After: `[{"type": "z-score", "mean": 1, "stddev":
    3}, {"type": "z-score", "mean": 2, "stddev": 4}]`.
    """


class ScalingIncomplete(Kind):
    """{found} lacks {field}; the values are not scaled"""

    severity = VERIFICATION
    fix = "add {field}"
    more = """
    A scaling with half of its numbers cannot be done, and half a scaling is worse than none.

    Before: `{"type": "z-score", "mean": 0.5}`. After: `{"type": "z-score", "mean": 0.5, "stddev": 0.2}`.
    """


class ScalingMiscounted(Kind):
    """{found} equal steps of scaling are given for {channels} channels; this step is applied to all of them"""

    severity = VERIFICATION
    fix = "give one step for each channel, or a single one for all"
    more = """
    A scaling is a list with one step for each band, or with one for all of them. With another number of steps a band
    was forgotten, or has been counted twice.

    Before: `[{"type": "min-max", "minimum": 0, "maximum": 255}]` twice beside `"shape": [-1, 3, 64, 64]`. After: once,
    or three times.
    """


class StatisticsWithoutNorm(Kind):
    """statistics are given, but without a norm_type that says how to apply them, so they are not applied"""

    severity = VERIFICATION
    fix = 'write them as "value_scaling": [{{"type": "z-score", "mean": 0.5, "stddev": 0.2}}]'
    more = """
    Up to MLM 1.3, an input gave the statistics of the data beside the kind of normalisation. Without the kind, they
    only describe the data.

    Before: `"statistics": [{"mean": 0.5, "stddev": 0.2}]`. After: `"value_scaling": [{"type": "z-score", "mean": 0.5,
    "stddev": 0.2}]`.
    """


class ResizeNotDone(Kind):
    """the resizing {found} is not done: the sample must have the size that the model takes"""

    severity = VERIFICATION
    fix = "give a sample of the model's own size"
    more = """
    Ways of resizing differ between libraries, and with them the result. A sample of the right size needs none.

    Before: `"resize_type": "crop"` and a sample of 300 by 300 pixels. After: a sample as large as the input.
    """


class ProcessingNotCalled(Kind):
    """{found} is not called where the weights are run by themselves"""

    severity = VERIFICATION
    fix = "put the step into the model, or into a function named by mlm:entrypoint"
    more = """
    A function of the publisher's prepares the input or finishes the output. A model that is run from its file alone,
    as ONNX and TorchScript are, gets the file's bands with the scaling that the item describes, and nothing more.

    Before: `"pre_processing_function": {"format": "python", "expression": "prep:run"}`. After: a model that does the
    step itself, and `null`.
    """
