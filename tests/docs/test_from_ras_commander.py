"""The page for users of ras-commander names every call and parameter, and what it says of the spec is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from rasreconcile.specfile import load, schema_json
from rasreconcile.workers.kinds import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "from-ras-commander.md").read_text(encoding="utf-8")
# Source: gpt-cmdr/ras-commander, ras_commander/remote: RasWorker, LocalWorker, PsexecWorker, DockerWorker, Execution.
COMMON = {"worker_type", "worker_id", "ras_object", "ras_exe_path", "hostname", "capabilities", "metadata"}
SCHEDULED = {
    "worker_folder",
    "process_priority",
    "queue_priority",
    "cores_total",
    "cores_per_plan",
    "max_parallel_plans",
}
PSEXEC = {"share_path", "credentials", "session_id", "system_account", "psexec_path", "remote_temp_folder"}
DOCKER = {
    "docker_image", "docker_host", "share_path", "remote_staging_path", "remote_host_os", "container_input_path",
    "container_output_path", "container_script_path", "max_runtime_minutes", "preprocess_on_host", "use_ssh_client",
    "ssh_key_path", "cpu_limit", "memory_limit", "staging_directory",
}  # fmt: skip
REMOTE = {
    "plan_numbers", "workers", "ras_object", "num_cores", "clear_geompre", "force_geompre", "force_rerun",
    "max_concurrent", "autoclean", "copy_geometry_outputs",
}  # fmt: skip
KINDS_THERE = {"psexec", "local", "ssh", "winrm", "docker", "slurm", "aws_ec2", "azure_fr"}


def columns(text: str) -> list[tuple[set[str], set[str]]]:
    """Of every row of a table: the names in its first column, and those in its second."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [tuple(set(re.findall(r"`(\w+)`", cell)) for cell in row[:2]) for row in rows]  # type: ignore[misc]


def part(head: str) -> str:
    return PAGE.partition(f"## {head}")[2].partition("\n## ")[0]


def test_every_parameter_is_in_a_table() -> None:
    there = set().union(*(names for names, _ in columns(part("Parameters of `init_ras_worker`"))))
    assert (COMMON | SCHEDULED | PSEXEC | DOCKER) - there == set()
    remote = set().union(*(names for names, _ in columns(part("Parameters of `compute_parallel_remote`"))))
    assert remote == REMOTE
    assert [kind for kind in KINDS_THERE if f"`{kind}`" not in PAGE] == []


def test_every_field_that_it_names_is_one_of_the_spec() -> None:
    known = {
        name
        for model in [json.loads(schema_json()), *json.loads(schema_json())["$defs"].values()]
        for name in model.get("properties", {})
    }
    for head in ("Parameters of `init_ras_worker`", "Parameters of `compute_parallel_remote`"):
        named = set().union(*(names for _, names in columns(part(head))))
        assert named - known == set()


def test_the_spec_of_the_page_is_without_fault(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "spec.yaml").write_text(block)
    spec = load(tmp_path / "spec.yaml").spec
    assert spec.placement == "strict"
    assert [worker.slots for worker in spec.workers.values()] == [4, 8]


def test_the_kinds_that_are_not_built_are_said_to_be_so() -> None:
    not_built = {name for name, kind in KINDS.items() if kind.opener is None}
    said = {
        kind
        for line in PAGE.splitlines()
        if "not built yet" in line
        for kind in re.findall(r"`(\w+)`", line)
        if kind in KINDS
    }
    assert not_built <= said
