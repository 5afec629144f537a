"""In which generation or dialect an item speaks, and what it says in two of them."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind


class OldGeneration(Kind):
    """is a field of {title}; read as the one that replaced it in 2021"""

    severity = HYGIENE
    fix = "write today's form with `dlm-build migrate ITEM --to mlm`"
    more = """
    The DLM fields changed their names three times within a few months: `model:*`, then `engine`, `inputs` and `outputs`
    without a prefix, then `dlm:engine`, then `dlm:runtime`. Every generation is read as the same model, but catalogues
    and validators know none but the last, and searches will not find this item.

    Before: `"engine": {"name": "PyTorch", "docker:image": "me/coast"}`.
    After: `"dlm:runtime": {"framework": "PyTorch", "docker": {"image_name": "me/coast"}}`.
    """


class DmlPrefix(Kind):
    """is spelled with `dml:`; read as `{wanted}`"""

    severity = HYGIENE
    fix = "rename it to `{wanted}`"
    more = """
    The written report on the DLM extension spells its prefix `dml:`, the extension itself `dlm:`. They are the same
    fields.

    Before: `"dml:runtime": {…}`. After: `"dlm:runtime": {…}`.
    """


class OutsideProperties(Kind):
    """stands outside /properties; read all the same"""

    severity = HYGIENE
    fix = "move it into /properties"
    more = """
    A STAC item keeps what extensions add in `properties`; what stands beside it is lost by most servers and not
    searched by any.

    Before: `{"type": "Feature", "dlm:runtime": {…}}`. After: `{"type": "Feature", "properties": {"dlm:runtime": {…}}}`.
    """


class ContradictionGenerations(Kind):
    """says {found}, but {other} says {used}, which is used, being of the newer generation"""

    severity = VERIFICATION
    fix = "keep one of the two"
    more = """
    The item tells one thing in two generations of the DLM fields, and not the same. The newer one wins, and the result
    may not be the published one.

    Before: `"dlm:engine": {"version": "1.5"}, "dlm:runtime": {"version": "1.7"}`. After: the `dlm:runtime` alone.
    """


class ContradictionPlaces(Kind):
    """says {found}, but {other} says {used}, which is used"""

    severity = VERIFICATION
    fix = "keep one of the two"
    more = """
    One field stands in two places with two values: within `properties` and outside of them, or in two parts of the
    item where different generations keep it. Nothing tells which of them the publisher meant.

    Before: `"dlm:data": {"test_file": "a.tif"}, "dlm:inputs": {"test_file": "b.tif"}`. After: the first alone.
    """


class ListOfObjects(Kind):
    """is a list of {count}; read as one object"""

    severity = HYGIENE
    fix = 'write one object, `{{"name": …, "name": …}}`'
    more = """
    Tables of fields are sometimes written as a list of objects of one key each, or one object is put into a list.
    Where no key is given twice, they can only mean one object.

    Before: `"dlm:data": [{"dtype": "uint16"}, {"number_of_bands": 4}]`.
    After: `"dlm:data": {"dtype": "uint16", "number_of_bands": 4}`.
    """


class SeveralObjects(Kind):
    """is a list of {count} objects that name the same fields; only the first is read"""

    severity = VERIFICATION
    fix = "keep one object; describe a model of several inputs with the MLM extension"
    more = """
    DLM describes one input and one output. Where an item lists several, the first is taken, and a model that really
    needs the others will fail or give something else.

    Before: `"dlm:inputs": [{"name": "optical"}, {"name": "radar"}]`. After: `"mlm:input": [{…}, {…}]`.
    """


class OtherDialectToo(Kind):
    """the item also has fields of {title} ({found}); they are not read"""

    severity = HYGIENE
    fix = "keep the fields of one dialect"
    more = """
    One item may describe its model in two dialects, often after a conversion that left the old fields where they
    were. One of them is read as a whole, never a mixture, so that nothing is guessed about which value wins. Only what
    ML-Model has no fields for is read from those of MLM: the framework, its version, the entry point.

    Fields of ML-Model may stay beside those of MLM where the schema of MLM alone is named, as `dlm-build migrate`
    leaves them.

    Before: `"mlm:name": "coast"` beside a whole `"dlm:runtime"`. After: one of them.
    """


class SchemaOfAnother(Kind):
    """is the schema of {title}, but the fields of the item are `{prefix}`"""

    severity = HYGIENE
    fix = 'write "{schema}"'
    more = """
    Validators check an item against the schemas that it lists. The schema of another dialect requires fields that the
    item does not have, and checks none of those that it has.

    Before: `"mlm:input"` beside `"https://stac-extensions.github.io/ml-model/v1.0.0/schema.json"`. After:
    `"https://stac-extensions.github.io/mlm/v1.5.2/schema.json"`.
    """


class OutputSizeCompleted(Kind):
    """gives height and width only; read as {read} (batch, classes, height, width)"""

    severity = HYGIENE
    fix = 'write "final_layer_size": {read}'
    more = """
    The drafts of 2020 gave the size of the output as height and width; since 2021 it is the whole shape of the tensor.

    Before: `"size": [224, 224]`. After: `"final_layer_size": [1, 4, 224, 224]`.
    """


class DockerRunArguments(Kind):
    """are arguments of `docker run`; the command after the image is read: {read}"""

    severity = HYGIENE
    fix = 'write "run": "{read}"'
    more = """
    Until 2020 the field held what follows `docker run`: options, the image, then the command. The image is built and
    the sandbox is set up by dlm-build, so only the command counts.

    Before: `"docker:run": "-it --gpus all me/coast coast infer"`. After: `"run": "coast infer"`.
    """


class NoCommandInDockerRun(Kind):
    """are arguments of `docker run` with no command that can be told apart ({found}); left out"""

    severity = VERIFICATION
    fix = "write the command that runs the model on one file, such as `python predict.py {{input}} {{output}}`"
    more = """
    The options of `docker run` set up a container, which dlm-build does itself. Behind them an image and a command
    may follow; here none was found, so the model is run by its handler, or from its weights.

    Before: `"docker:run": "-itd -p 80:8080 me/coast"`. After: `"run": "coast infer {input} {output}"`.
    """


class CommandStartsAServer(Kind):
    """starts a server that waits for requests ({found}); left out, the handler or the weights are used"""

    severity = HYGIENE
    fix = "write a command that runs the model on one file and ends, or name the handler alone"
    more = """
    A sample is verified by running the model on one file until it ends. A command that starts TorchServe or
    Multi Model Server never ends; the handler it would serve is called instead.

    Before: `"run": "torchserve --start --models coast=coast.mar"`. After: `"model_handler": "handler.py:handle"`.
    """


class ReadAsAnItem(Kind):
    """looks like {found}; read as an item, since its properties describe a model"""

    severity = HYGIENE
    fix = 'write "type": "Feature"'
    more = """
    Programs choose by the type how to read a STAC document: in a collection they look for items, not for a model. Only
    items have properties that describe a model.

    Before: `"type": "Collection"` above `"properties": {"dlm:runtime": …}`. After: `"type": "Feature"`.
    """
