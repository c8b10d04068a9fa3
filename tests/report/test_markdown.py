"""Comments for a pull request: what would be computed, and what changed in the water."""

from __future__ import annotations

import pytest

from rasreconcile.report import markdown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Muncie/p04", "`Muncie/p04`"),
        ("A|B/p01", "`A\\|B/p01`"),
        ("a`b/p01", "`` a`b/p01 ``"),
    ],
)
def test_a_plan_of_any_name_is_code(name: str, shown: str) -> None:
    assert markdown._code(name) == shown


def test_words_are_no_markup_no_issue_and_tell_nobody() -> None:
    words = "see #12 @team <b>x</b> [a](b) *c* | d_e `f` & ~g~"
    said = markdown._text(words)
    assert "@" not in said
    assert said == ("see &#35;12 &#64;team &lt;b>x&lt;/b> \\[a\\](b) \\*c\\* \\| d\\_e \\`f\\` &amp; \\~g\\~")


def test_a_table_is_not_longer_than_a_comment_may_be() -> None:
    rows = [(f"`P/p{n:02}`", "stale", "why") for n in range(150)]
    *table, _, rest = markdown._table(("plan", "now", "why"), rows, "plan")
    assert len(table) == 2 + markdown.MOST_ROWS
    assert rest == "and 50 more plans"
