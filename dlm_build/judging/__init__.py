"""Judging: decode in a sandboxed child, compare on the host, end in one verdict.

module            what it knows
verdict           run + plan → Verdict, one sentence for people
pairing           which output file answers the expected one
decode, decoder   the parent's side of decoding; the child, which never unpickles
compare           two decoded files → checks: what they are, their form, then what they hold
values            arrays, by task: every limit with its reason
documents         JSON: scores, numbers, shapes
detections        things found, in another order
places            positions and boxes whose numbers have names of their own
tables            tables as text (csv, tsv, numbers in columns), in the child: rows as objects
markup            XML, in the child: elements as objects
variables         variables of NetCDF and HDF5, in the child: what their conventions say of the numbers
hdf5, netcdf      these two formats, in the child
geopackage        layers of a GeoPackage, in the child: rows with geometries
geometries        a geometry as bytes, in the child: as in GeoJSON
"""

from dlm_build.judging.verdict import judge, rules_digest

__all__ = ["judge", "rules_digest"]
