"""Where the files of a run are, in words for people."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rasreconcile.specfile import load

CORES = "cores_total: 1, cores_per_plan: 1"


@pytest.mark.parametrize(
    ("worker", "place"),
    [
        ("{type: local, worker_folder: runs", "one, {folder}/runs/r-1"),
        ("{type: ssh, hostname: box", "one, ~/.rasreconcile/runs/r-1"),
        (
            r"{type: ssh, hostname: box, platform: windows, worker_folder: 'C:\ras runs'",
            r"one, C:\ras runs\r-1",
        ),
        ("{type: docker, docker_image: hecras, worker_folder: runs", "one, {folder}/runs/r-1"),
        (
            "{type: docker, docker_image: hecras, docker_host: 'ssh://me@box'",
            "one, Docker volume rasreconcile-one, runs/r-1",
        ),
        (
            "{type: docker, docker_image: hecras, docker_host: 'tcp://box:2376', share_path: /mnt/share,"
            " remote_staging_path: /srv/share",
            "one, /mnt/share/r-1",
        ),
    ],
)
def test_the_place_is_told_as_its_worker_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: str, place: str
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        f"version: 1\nengine: {{type: steady}}\nplans: [{{project: A.prj}}]\nworkers:\n  one: {worker}, {CORES}}}\n"
    )
    loaded = load(spec)
    if "{folder}" in place:
        # A path of this machine, as it spells paths.
        place = place.replace("/", os.sep)
    assert loaded.directory_of("one", "r-1") == place.format(folder=tmp_path)
    assert loaded.directory_of("two", "r-1") is None
