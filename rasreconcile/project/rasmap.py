"""The .rasmap: projection and layers. XML from anywhere: bounded, and entities are refused."""

from __future__ import annotations

from xml.parsers import expat

from rasreconcile.errors import ProjectError
from rasreconcile.records import Mention

LARGEST = 64 << 20
"""Bytes; result maps make these files long, but not longer."""

_DEEPEST = 200
_LAYERS = {"TerrainLayer": "terrain", "LandCoverLayer": "land-cover", "InfiltrationLayer": "infiltration"}


def rasmap_mentions(data: bytes, name: str) -> tuple[Mention, ...]:
    """The projection, and every terrain, land cover and infiltration layer. Raises ProjectError where it is no XML."""
    if len(data) > LARGEST:
        raise ProjectError(f"{name}: larger than {LARGEST >> 20} MiB", "save it again in RAS Mapper")
    found: dict[Mention, None] = {}
    depth = 0
    parser = expat.ParserCreate()

    def begin(element: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ProjectError(f"{name}: nested deeper than {_DEEPEST}", "save it again in RAS Mapper")
        path = attributes.get("Filename", "").strip()
        what = "projection" if element == "RASProjectionFilename" else None
        if element == "Layer":
            what = _LAYERS.get(attributes.get("Type", ""))
        if what and path:
            found[Mention(what, path, parser.CurrentLineNumber)] = None

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        # RAS Mapper writes no DOCTYPE; without one there are no entities to expand.
        raise ProjectError(f"{name}: has a DOCTYPE, which RAS Mapper never writes", "save it again there")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ProjectError(f"{name}: not valid XML: {error}", "save it again in RAS Mapper") from error
    except (ValueError, LookupError) as error:
        raise ProjectError(f"{name}: its encoding cannot be read: {error}", "save it again") from error
    return tuple(found)
