"""What was made and judged, brought to a registry by digest, signed where asked; and how who pulls it checks it.

The one room that sees credentials and keys. It reads records and finished files, never an item's own bytes.

module            what it knows
push              the story of a push
admitting         what may go out: what was built here, by the verdict of its sample
target, tags      where it goes; whether the tag there is free, or leads to the very same already
signing           keys and signatures: made and checked by Apptainer
artefact          a SIF as an OCI artefact
sending           an image and a SIF on their way, and asked for again
remote            one repository of a registry; access, credentials: how it comes to trust us
manifests         what a manifest says; refusals: what a registry means when it refuses
checking          whether a SIF that came from somewhere is the one its publisher made
records           what was pushed, and what was checked
"""
