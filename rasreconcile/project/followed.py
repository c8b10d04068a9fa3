"""Following a table of keys through a text: each file that is in use, and what is in use without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rasreconcile.errors import Trouble
from rasreconcile.project.file_keys import NAMES_NO_FILE, FileKey, sounds_like_a_file
from rasreconcile.project.text import Entry, is_on
from rasreconcile.records import Mention

FURTHER = "further"
"""The kind of a file that is named by a key of which nobody knows what it does: it counts, and is not missed."""

_Record = dict[str, list[Entry]]


def followed(table: Mapping[str, FileKey], found: Iterable[Entry]) -> Iterator[Mention]:
    """Record by record, in the order of the text; keys that no table has are followed by their sound."""
    scopes: dict[tuple[str, ...], dict[str, FileKey]] = {}
    for key, row in table.items():
        if row.kind and not row.ending:
            scopes.setdefault(row.records, {})[key] = row
    watched = {begins: _watched(rows) for begins, rows in scopes.items()}
    records: dict[tuple[str, ...], _Record] = {begins: {} for begins in scopes}
    for entry in found:
        if entry.value is None:
            continue
        for begins, record in records.items():
            if entry.key in begins:
                yield from _of_record(scopes[begins], record)
                record.clear()
            if entry.key in watched[begins]:
                record.setdefault(entry.key, []).append(entry)
        known = entry.key in table or entry.key in NAMES_NO_FILE
        if not known and sounds_like_a_file(entry.key, entry.value):
            yield Mention(FURTHER, entry.value, entry.line)
    for begins, record in records.items():
        yield from _of_record(scopes[begins], record)


def _watched(rows: Mapping[str, FileKey]) -> frozenset[str]:
    further = (key for row in rows.values() for key in (row.switch, row.unless, row.needs, row.detail) if key)
    return frozenset((*rows, *further))


def _of_record(rows: Mapping[str, FileKey], record: Mapping[str, Sequence[Entry]]) -> Iterator[Mention]:
    for key, row in rows.items():
        switch = record.get(row.switch, ())
        if (row.switch and not _on(switch)) or _on(record.get(row.unless, ())):
            continue
        if row.needs and not any(entry.value for entry in record.get(row.needs, ())):
            continue
        named = [entry for entry in record.get(key, ()) if entry.value]
        # Of a setting the last line counts; what has no switch may be named often.
        for entry in named[-1:] if row.switch else named:
            yield Mention(row.kind, entry.value or "", entry.line)
            yield from (
                Mention(f"{row.kind}-record", d.value, entry.line)
                for d in record.get(row.detail, ())
                if d.value
            )
        if switch and not named and row.without:
            yield Mention.fault(Trouble(row.without, "choose one in HEC-RAS"), switch[-1].line)


def _on(switch: Sequence[Entry]) -> bool:
    return bool(switch) and is_on(switch[-1].value or "")
