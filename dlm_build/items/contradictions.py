"""What an item says twice, differently. Each is a finding of its own; which side is right, nobody here decides."""

from __future__ import annotations

from collections.abc import Iterator

from dlm_build.records import Finding, Inputs, Outputs, Record


class Declared(Record, frozen=True, kw_only=True):
    """All that is compared."""

    inputs: Inputs
    outputs: Outputs
    useful_bands: tuple[int, ...] = ()
    eo_bands: int | None = None
    """How many bands `eo:bands` lists."""


class Pointers(Record, frozen=True, kw_only=True):
    """Where a dialect keeps these parts."""

    inputs: str
    outputs: str
    data: str
    shape: str


def contradictions(declared: Declared, at: Pointers) -> tuple[Finding, ...]:
    return (
        *_bands(declared, at),
        *_channels(declared.inputs, at),
        *_classes(declared.outputs, at),
        *_sides(declared, at),
    )


def _bands(declared: Declared, at: Pointers) -> Iterator[Finding]:
    inputs = declared.inputs
    count, selected = inputs.number_of_bands, inputs.selected_bands
    if count is not None and declared.eo_bands not in (None, count):
        what = f"{count} bands are declared, but eo:bands lists {declared.eo_bands}"
        yield _finding("contradiction-band-count", f"{at.data}/number_of_bands", what)
    if count is not None and selected and max(selected) >= count:
        what = f"band {max(selected)} is selected (counting from 0), but the file has {count} bands"
        yield _finding("contradiction-selected-bands", f"{at.inputs}/selected_bands", what)
    if declared.useful_bands and selected and declared.useful_bands != selected:
        what = f"bands {list(selected)} are selected, but useful_bands lists {list(declared.useful_bands)}"
        yield _finding("contradiction-useful-bands", f"{at.inputs}/selected_bands", what)


def _channels(inputs: Inputs, at: Pointers) -> Iterator[Finding]:
    if inputs.channels is None:
        return
    for name, values in (("selected_bands", inputs.selected_bands), ("mean", inputs.mean), ("std", inputs.std)):
        if values and len(values) not in (inputs.channels, 1 if name != "selected_bands" else inputs.channels):
            what = f"the tensor has {inputs.channels} channels, but {name} has {len(values)} values"
            yield _finding(f"contradiction-channels-{name.replace('_', '-')}", f"{at.shape}/channels", what)


def _classes(outputs: Outputs, at: Pointers) -> Iterator[Finding]:
    count, layer = outputs.number_of_classes, outputs.final_layer_size
    if count is not None and outputs.classes and len(outputs.classes) != count:
        what = f"{count} classes are declared, but {len(outputs.classes)} are named"
        yield _finding("contradiction-class-count", f"{at.outputs}/number_of_classes", what)
    channels = layer[1] if len(layer) > 1 else layer[0] if layer else -1
    if count is not None and channels > 1 and channels != count:
        what = f"{count} classes are declared, but the final layer gives {channels}"
        yield _finding("contradiction-final-layer-classes", f"{at.outputs}/final_layer_size", what)


def _sides(declared: Declared, at: Pointers) -> Iterator[Finding]:
    """A map of the scene should be as large as the scene."""
    layer, inputs = declared.outputs.final_layer_size, declared.inputs
    if "segmentation" not in (declared.outputs.task or "") or len(layer) != 4:
        return
    wanted = (inputs.height, inputs.width)
    if None not in wanted and -1 not in layer[2:] and layer[2:] != wanted:
        what = f"the input is {wanted[0]} by {wanted[1]} pixels, but the final layer gives {layer[2]} by {layer[3]}"
        yield _finding("contradiction-output-size", f"{at.outputs}/final_layer_size", what)


def _finding(code: str, pointer: str, message: str) -> Finding:
    return Finding(code=code, severity="warning", pointer=pointer, message=message, hint="make the two agree")
