"""A worker that is an enemy: whatever it leaves or says, nothing breaks, hangs, costs much memory, or is wrongly believed.

`python -m tests.reliability.enemy --answers 10000` tries more of each kind.
"""

from __future__ import annotations

import pytest
from waiting import LONGEST

from tests.reliability.enemy.directories import Outside, World
from tests.reliability.enemy.kinds import KINDS, refused
from tests.reliability.enemy.trial import tried

SEED = 20261127


def test_a_trial_spoils_nothing_but_its_own_run_directories(tmp_path) -> None:
    world = World(tmp_path)
    place = world.runs / "r"
    (place / "work").mkdir(parents=True)
    (place / "link").symlink_to(world.outside)
    outside = ["/nowhere/x", "../../../x", "..", "../../outside/secret"]
    for path in [
        *(place / "work" / name for name in outside),
        place / "link" / "secret",
        world.runs,
        world.secret,
    ]:
        with pytest.raises(Outside):
            world.require_own(path)
    world.require_own(place / "link")


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_an_enemy_leaves_or_says_is_told_in_words_and_never_wrongly_believed(kind) -> None:
    if (why := refused(kind)) is not None:
        pytest.skip(why)
    share = KINDS[kind].share
    # How long an answer takes is for people to read: on a busy machine it says nothing.
    found = tried(kind, SEED, range(share), patience=LONGEST)
    assert found.findings == {}
    assert found.outcomes.total() == share
    # Neither is everything refused, nor everything taken.
    assert len(found.outcomes) > 1
