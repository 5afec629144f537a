"""Reading: from the text of an item, in any dialect, to one `Item` with its findings.

read_item(text, origin) -> Item              pure; raises ItemInvalid or ItemHostile, nothing else
read_with_positions(text, origin) -> Item    the same, its findings with line and column
as_finding(error) -> Finding                 an item that could not be read, as a finding

module            what it knows
reading           the story: limits → loader → dialect → Item
limits            4 MiB (YAML 256 KiB), depth 64, 64-bit integers, before or while parsing
loading/          json_text: JSON with raw numbers, duplicate keys refused, comments and trailing commas left out;
                  yaml_text: YAML 1.2 without tags, aliases and surprising types; json_places: where values stand
document, node    values with their positions; a place in them and its findings
positions         lines and columns of findings, and of errors told as findings
dialects          the table of dialects; the right word for what is no item
marks, overlay    telling a dialect by names of fields; one object out of several places
dlm/              DLM in all its generations, read as that of 2021 on. item: the Item; parts: out of mixed generations;
                  spellings: every name a field ever had; runtime, engine, bare, model: the generations, newest first
mlm/              MLM 1.0 to 1.5 with its drafts (item), and ml_model. roles, artifacts: which asset is the model, the
                  code, the image, the sample, and what kind of file a model is; containers, code_places,
                  sample_assets, leftovers: the parts those two share; the others read the fields of MLM
identity, assets, locations, runtimes, commands, samples, tensors    the parts an item is made of, shared by dialects
contradictions    what an item says twice, differently
names             grammars of everything that becomes a name, path or command; what is hostile
display, scalars  texts for people; typed and bounded values
"""

from __future__ import annotations

from dlm_build.items.positions import as_finding, located, read_with_positions
from dlm_build.items.reading import read_item

__all__ = ["as_finding", "located", "read_item", "read_with_positions"]
