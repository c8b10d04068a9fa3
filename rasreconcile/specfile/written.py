"""Plain values as the text of a spec: what is read from it again is what was written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that some reader of YAML takes for something else than text."""


class _Writer(yaml.SafeDumper):
    """Quotes every text that is more than a plain word or path: `"04"`, `"6.6"`, `"C:\\RasRemote"`."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.Node:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Writer.add_representer(str, _text)


def written(value: Mapping[str, Any]) -> str:
    """The YAML text of a spec. Raises TypeError for what is no plain value."""
    plain = json.loads(json.dumps(value))
    return yaml.dump(plain, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100)
