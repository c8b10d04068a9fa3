"""What pydantic found, in the words of this house: the place, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic_core import ErrorDetails

from rasreconcile.errors import Fault, Wrong
from rasreconcile.spec.base import FORMS
from rasreconcile.specfile.known import Known, known_at
from rasreconcile.specfile.lookalikes import joined
from rasreconcile.specfile.model import spec_model
from rasreconcile.specfile.other_words import meant_by
from rasreconcile.specfile.yamltext import Document, path_of
from rasreconcile.workers.kind import Kinds

_MAPPING = ("is not a mapping", "write its keys below it, indented")
_WORDS: Mapping[str, tuple[str, str]] = {
    "int_type": ("is not a whole number", "write digits without quotes"),
    "float_type": ("is not a number", "write digits without quotes"),
    "float_parsing": ("is not a number", "write digits without quotes"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "string_type": ("is not text", "put it in quotes"),
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "tuple_type": ("is not a list", "write [one, two]"),
    "finite_number": ("is not a finite number", "write a number"),
    "union_tag_not_found": ("`type` is missing", "say which type it is"),
}
_WRITTEN: Mapping[str, str] = {
    "AtMost": "write {at_most: NUMBER}",
    "DatasetExpectation": "write {finite: true}, or {between: [LOWEST, HIGHEST]}",
    "Retries": "write {attempts: NUMBER}",
    "StopWhen": "write {unstable: true}",
    "BaselineExpectation": "write {file: PATH, water_surface_within: NUMBER}",
    "PlanEntry": "write {project: FILE.prj}",
}
"""Where a number or a word is written for something that has a short form."""
_FIRST_LINES = "write `version: 1` and the other keys below each other, as `key: value`"
_FORMS: Mapping[tuple[str, str | int], str] = {
    ("Spec", "engine"): 'write {type: steady}, or {type: hec-ras, version: "6.6"}',
    ("PlanEntry", "engine"): 'write {type: steady}, or {type: hec-ras, version: "6.6"}',
    ("Spec", "workers"): "write each below it with a name of its own, as `desk: {type: local}`",
    ("Spec", "plans"): "begin each entry below it with `- project: `",
    ("PlanEntry", "max_runtime_minutes"): "write minutes, a number without a unit",
}
"""What to write for a key that was given a value of another shape."""
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "must be more than {:g}"),
    "greater_than_equal": ("ge", "must be at least {:g}"),
    "less_than": ("lt", "must be less than {:g}"),
    "less_than_equal": ("le", "must be at most {:g}"),
    "too_short": ("min_length", "needs at least {}"),
    "too_long": ("max_length", "takes at most {}"),
}
_ADDED: dict[tuple[str, str | int], str] = {
    ("Spec", "version"): "write version: 1",
    ("HecRasEngine", "version"): 'add it, as in version: "6.6"',
}
_ELSEWHERE: Mapping[str, str] = {
    "worker_type": "it is called `type` here",
    "worker_id": "a worker's name is the key above it",
    "local_path": "it is called `worker_folder` here",
    "remote_temp_folder": "leave it out, every run has a folder of its own below worker_folder",
    "system_account": "leave it out, HEC-RAS hangs under the system account",
    "username": "write credentials: {username: NAME, password: {env: NAME}}",
    "password": "write credentials: {username: NAME, password: {env: NAME}}",
    "num_cores": "it is called `cores_per_plan` here",
    "enabled": "remove the worker if it is not to be used",
}
"""Keys that ras-commander's users bring along."""


def faults_of(errors: Iterable[ErrorDetails], document: Document, name: str, kinds: Kinds) -> list[Fault]:
    """A fault for every error, at its line; none where another fault of the spec already says it."""
    model = spec_model(kinds)
    found = [(error, known_at(model, error["loc"], new_key=_is_new(error))) for error in errors]
    added = {
        (kind.spec.__name__, key): remedy for kind in kinds.values() for key, remedy in kind.remedies.items()
    }
    guessed = {(*known.place[:-1], _near(known)) for error, known in found if _is_new(error)}
    around = {place[:n] for place in document.unread for n in range(len(place))}
    faults = []
    for error, known in found:
        place = _place(error, known, document)
        said = any(place[:n] in document.unread for n in range(len(place) + 1))
        # A value is judged as a whole: by what could not be read in it too.
        said |= error["type"] == "value_error" and place in around
        if said or (error["type"] == "missing" and place in guessed):
            continue
        what, remedy = _say(error, known, document, _ADDED | added)
        faults.append(Fault(name, document.line_of(place), path_of(place), what, remedy))
    return faults


def near(word: str, known: Sequence[str]) -> str | None:
    """What the user may have meant."""
    return _closest(word, tuple(known))


@lru_cache(maxsize=10_000)
def _closest(word: str, known: tuple[str, ...]) -> str | None:
    # Nobody means a key by a word of a thousand letters, and comparing those takes minutes.
    matches = get_close_matches(word[:64], known, n=1) or get_close_matches(word[:64].casefold(), known, n=1)
    return next(iter(matches), None)


def _is_new(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden"


def _near(known: Known) -> str | None:
    word = str(known.place[-1])
    return None if _elsewhere(known) else meant_by(word.casefold(), known.keys) or near(word, known.keys)


def _elsewhere(known: Known) -> str | None:
    return _ELSEWHERE.get(str(known.place[-1])) if "worker_folder" in known.keys else None


def _place(error: ErrorDetails, known: Known, document: Document) -> tuple[str | int, ...]:
    if _is_new(error) and known.part_of == "Secret":
        return known.place[:-1]  # `{hunter2}` is a mapping whose key is the password
    if error["type"] == "union_tag_invalid":
        return (*known.place, "type")
    if error["type"] == "union_tag_not_found" and (key := _meant_by_type(known, document)):
        return (*known.place, key)
    return known.place


def _say(
    error: ErrorDetails, known: Known, document: Document, added: Mapping[tuple[str, str | int], str]
) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "extra_forbidden":
        return "unknown key", _suggestion(known)
    if kind == "union_tag_not_found" and _meant_by_type(known, document):
        return "unknown key", "did you mean type?"
    if kind == "missing":
        return "is missing", added.get((known.part_of, known.place[-1]), "add it")
    if kind in _WORDS:
        return _shape(error, known, document)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return words.format(context.get(key, 0)), "change it"
    if kind == "string_too_short":
        return "is empty", "fill it in, or leave it out"
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return FORMS.get(pattern, f"is not of the form {pattern}"), "change it"
    if kind in {"literal_error", "enum"}:
        return f"must be {context.get('expected')}", "change it"
    if kind == "union_tag_invalid":
        return f"must be one of {context.get('expected_tags')}", _near_tag(context)
    if isinstance(ours := context.get("error"), Wrong):
        return ours.trouble.what, ours.trouble.remedy or "change it"
    said = error["msg"].removeprefix("Value error, ")
    return said[:1].lower() + said[1:], "change it"


def _shape(error: ErrorDetails, known: Known, document: Document) -> tuple[str, str]:
    """For a value that is nothing of what may stand there: text for a number, a list for text, nothing at all."""
    what, remedy = _WORDS[error["type"]]
    value = document.value_at(known.place)
    class_name = str((error.get("ctx") or {}).get("class_name"))
    match value:
        case None if known.place:
            return "is empty", "fill it in" if known.required else "fill it in, or leave it out"
        case list() | dict() if what.endswith(("text", "number", "false")):
            return f"{what} but a {'list' if isinstance(value, list) else 'mapping'}", "write one value"
        case str() if (what, remedy) == _MAPPING and joined(value):
            return what, "put a blank after the colon"
    if not known.place:
        return what, _FIRST_LINES
    return what, _WRITTEN.get(class_name) or _FORMS.get((known.part_of, known.place[-1]), remedy)


def _near_tag(context: Mapping[str, Any]) -> str:
    tags = [tag.strip(" '") for tag in str(context.get("expected_tags", "")).split(",")]
    meant = near(str(context.get("tag", "")), tags)
    return f"did you mean {meant}?" if meant else "change it"


def _suggestion(known: Known) -> str:
    if meant := _near(known):
        return f"did you mean {meant}?"
    return _elsewhere(known) or f"known are: {', '.join(known.keys)}"


def _meant_by_type(known: Known, document: Document) -> str | None:
    """The key of a mapping without `type` that its writer took for it."""
    value = document.value_at(known.place)
    keys = [str(key) for key in value if key != "type"] if isinstance(value, dict) else []
    others = (key for key in keys if key == "worker_type" or meant_by(key, ["type"]))
    return next(others, None) or near("type", keys)
