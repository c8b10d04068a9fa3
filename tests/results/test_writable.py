"""Where results cannot be written is told before a run that would compute one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rasreconcile.results.writable import unwritable


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """That everybody may look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_folder_that_is_there_or_can_be_made_is_well(tmp_path: Path) -> None:
    assert unwritable(tmp_path / "x.p01.hdf") is None
    assert unwritable(tmp_path / "new" / "deep" / "x.p01.hdf") is None
    (tmp_path / "x.p01.hdf").write_text("")
    assert unwritable(tmp_path / "x.p01.hdf") is None


def test_a_folder_without_the_right_to_write_is_told_with_what_to_do(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    with an_ordinary_user():
        for output in (closed / "x.p01.hdf", closed / "new" / "x.p01.hdf"):
            trouble = unwritable(output)
            assert str(trouble) == (
                f"results cannot be written to {output.parent}: no right to write to {closed}; "
                "make it writable, or set `results` to another folder"
            )


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(unwritable(tmp_path / "file" / "deep" / "x.p01.hdf")).endswith(
        f"{tmp_path / 'file'} is not a folder; move that file away"
    )
    (tmp_path / "x.p01.hdf").mkdir()
    assert "a folder exists in the place of the result" in str(unwritable(tmp_path / "x.p01.hdf"))
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert str(unwritable(tmp_path / "gone" / "x.p01.hdf")).endswith(
        f"{tmp_path / 'gone'} is a link to nowhere; correct or remove it"
    )


def test_of_a_result_that_is_a_link_both_folders_count(folder: Path) -> None:
    (folder / "disk").mkdir()
    (folder / "here").mkdir()
    (folder / "disk" / "x.p01.hdf").write_text("")
    (folder / "here" / "x.p01.hdf").symlink_to(folder / "disk" / "x.p01.hdf")
    (folder / "here").chmod(0o777)
    (folder / "disk").chmod(0o555)
    with an_ordinary_user():
        assert f"written to {folder / 'disk'}: no right" in str(unwritable(folder / "here" / "x.p01.hdf"))
    (folder / "disk").chmod(0o755)
    (folder / "disk" / "x.p01.hdf").unlink()
    (folder / "disk").rmdir()
    assert "mount the disk, or remove the link" in str(unwritable(folder / "here" / "x.p01.hdf"))
