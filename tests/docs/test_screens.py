"""What `apply` of forty plans shows in a real terminal: nothing wraps, and nothing is drawn twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.screens import captured, problems


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
def test_no_screen_of_eighty_columns_wraps_or_keeps_pieces_also_after_a_ctrl_c(tmp_path: Path) -> None:
    shots = captured(tmp_path, 80)
    assert problems(shots, 80) == []
    assert "once fixed: `rasreconcile retry study.yaml --failed`" in " ".join(shots["left"].split())
    assert "still running; `status` shows" in " ".join(shots["left"].split())
