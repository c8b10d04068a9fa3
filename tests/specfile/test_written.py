"""What is written as a spec is read again as it was."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasreconcile.specfile.written import written
from rasreconcile.specfile.yamltext import parse

_LETTERS = st.characters(exclude_categories=["Cs", "Cc"])
_TEXT = st.text(_LETTERS) | st.sampled_from(
    ["04", "08", "6.6", "yes", "No", "~", "null", "1e3", "0x1", "C:\\R", "<<", "="]
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _TEXT | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e12, 1e12) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_TEXT.filter(lambda k: k != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), _VALUES, min_size=1, max_size=4))
def test_every_value_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    read = parse(written(value).encode(), "spec.yaml")
    assert read.faults == []
    assert read.value == value


def test_numbers_that_are_texts_stay_texts_for_every_reader() -> None:
    assert written({"numbers": ["04"], "type": "steady", "yes": "no"}) == (
        'numbers:\n- "04"\ntype: steady\n"yes": "no"\n'
    )
