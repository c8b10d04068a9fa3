"""Prepared files count where a result was made from them, and say nothing where it was not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasreconcile.plans import Component, component, fingerprint, prepared_of, without_prepared
from rasreconcile.reasons import Cause, differences, prepared_differences

ENGINE = component("engine", "HEC-RAS 6.6")
FILES = st.dictionaries(
    st.sampled_from(["X.b01", "X.x01", "X.p01.tmp.hdf"]), st.sampled_from(["1" * 64, "2" * 64])
)


def parts(files: dict[str, str]) -> tuple[Component, ...]:
    return (ENGINE, *(Component(f"prepared {name}", digest) for name, digest in files.items()))


@given(FILES, FILES)
def test_only_what_was_there_and_is_another_now_is_a_reason(
    before: dict[str, str], now: dict[str, str]
) -> None:
    told = differences(parts(before), parts(now))
    assert {reason.subject for reason in told} == {n for n in before if n in now and before[n] != now[n]}
    assert all(reason.cause is Cause.INPUT_CHANGED and "prepared" in reason.evidence for reason in told)
    assert told == prepared_differences(parts(before), parts(now))


@given(FILES, FILES)
def test_the_fingerprint_knows_nothing_of_them(before: dict[str, str], now: dict[str, str]) -> None:
    assert fingerprint(parts(before)) == fingerprint(parts(now)) == fingerprint([ENGINE])


@given(FILES)
def test_every_component_is_one_or_the_other(files: dict[str, str]) -> None:
    assert {*without_prepared(parts(files)), *prepared_of(parts(files))} == set(parts(files))
