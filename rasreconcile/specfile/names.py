"""Words in a spec that must mean something: workers' names, and folders below somebody's `~`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from rasreconcile.errors import Fault, Trouble, Wrong
from rasreconcile.project.references import mapped_word
from rasreconcile.specfile.faults import near
from rasreconcile.specfile.files import is_windows_path, of_a_browser, of_a_shell, of_windows, place_of
from rasreconcile.specfile.yamltext import Document, Place, path_of
from rasreconcile.workers.kind import Kind, Kinds


def names_that_mean_nothing(document: Document, name: str, kinds: Kinds) -> list[Fault]:
    """Faults of `only_on`, and of workers that name others; in the plain values, to be told with the rest."""
    faults = []
    for place, word, known, what in _references(document.value, kinds):
        if word not in known:
            meant = near(word, known)
            remedy = f"did you mean {meant}?" if meant else f"there are: {', '.join(known) or 'none'}"
            faults.append(_fault(document, name, place, Trouble(f"{_short(word)} is not {what}", remedy)))
    return faults


def folders_of_nobody(document: Document, path: Path, kinds: Kinds) -> list[Fault]:
    """Faults of the paths on this machine that begin with the `~` of a user it does not have."""
    faults = []
    for place, word in _paths(document.value, kinds):
        if not word.startswith("~"):
            continue
        try:
            place_of(path, word)
        except Wrong as error:
            faults.append(_fault(document, str(path), place, error.trouble))
    return faults


def paths_of_elsewhere(document: Document, path: Path, kinds: Kinds) -> list[Fault]:
    """Faults of the paths on this machine that only Windows, a shell or a browser understands.

    A `project` may be one of another machine's where `path_map` says where that is here.
    """
    path_map = {k: str(v) for k, v in _mapping(_mapping(document.value).get("path_map")).items()}
    folder = path.absolute().parent
    return [
        _fault(document, str(path), place, wrong)
        for place, word in _paths(document.value, kinds)
        if (wrong := _of_elsewhere(word, folder, path_map if place[-1] == "project" else None))
    ]


def variables_of_workers(document: Document, name: str, kinds: Kinds) -> list[Fault]:
    """Faults of the paths on other machines that hold a shell's variables: no shell sees them there either."""
    faults = []
    for worker, fields in _mapping(_mapping(document.value).get("workers")).items():
        kind = _kind(fields, kinds)
        for key in {"worker_folder", "ras_exe_path"} - set(kind.local_paths if kind else ()):
            word = _mapping(fields).get(key)
            if isinstance(word, str) and "$" in word and (wrong := of_a_shell(word)):
                faults.append(_fault(document, name, ("workers", worker, key), wrong))
    return faults


def _of_elsewhere(word: str, folder: Path, path_map: Mapping[str, str] | None) -> Trouble | None:
    if not is_windows_path(word) and os.path.lexists(folder / word):
        return None
    wrong = of_a_browser(word) or of_a_shell(word) or of_windows(word)
    if wrong is None:
        return None
    if path_map is None or not is_windows_path(word):
        return wrong
    above = PureWindowsPath(word).parent
    remedy = (
        f"write it relative to the spec, or say where its folder is here: path_map: {{'{above}': FOLDER}}"
    )
    return None if mapped_word(word, path_map) is not None else Trouble(wrong.what, remedy)


def _fault(document: Document, name: str, place: Place, said: Trouble) -> Fault:
    return Fault(name, document.line_of(place), path_of(place), said.what, said.remedy)


def _short(word: str) -> str:
    return repr(word if len(word) <= 64 else f"{word[:64]}...")


def _references(
    value: Any, kinds: Kinds
) -> Iterator[tuple[tuple[str | int, ...], str, tuple[str, ...], str]]:
    workers = _mapping(_mapping(value).get("workers"))
    names = tuple(workers)
    for name, worker in workers.items():
        for key, wanted in _refers(worker, kinds).items():
            named = _mapping(worker).get(key)
            if isinstance(named, str):
                those = tuple(n for n, other in workers.items() if _mapping(other).get("type") == wanted)
                yield ("workers", name, key), named, those, f"a worker of type {wanted} of this spec"
    for index, entry in enumerate(_list(_mapping(value).get("plans"))):
        for n, word in enumerate(_list(_mapping(entry).get("only_on"))):
            if isinstance(word, str):
                yield ("plans", index, "only_on", n), word, names, "a worker of this spec"


def _paths(value: Any, kinds: Kinds) -> Iterator[tuple[tuple[str | int, ...], str]]:
    whole = _mapping(value)
    here: list[tuple[tuple[str | int, ...], Any]] = [((key,), whole.get(key)) for key in ("state", "results")]
    here += [(("path_map", prefix), place) for prefix, place in _mapping(whole.get("path_map")).items()]
    for name, worker in _mapping(whole.get("workers")).items():
        kind = _kind(worker, kinds)
        for key in kind.local_paths if kind else ():
            here.append((("workers", name, key), _mapping(worker).get(key)))
    for index, entry in enumerate(_list(whole.get("plans"))):
        for key in ("project", "results"):
            here.append((("plans", index, key), _mapping(entry).get(key)))
    yield from ((place, word) for place, word in here if isinstance(word, str))


def _kind(worker: Any, kinds: Kinds) -> Kind | None:
    named = _mapping(worker).get("type")
    return kinds.get(named) if isinstance(named, str) else None


def _refers(worker: Any, kinds: Kinds) -> Mapping[str, str]:
    kind = _kind(worker, kinds)
    return kind.refers if kind else {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
