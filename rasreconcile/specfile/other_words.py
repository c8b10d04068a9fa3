"""What other run managers call the keys of a spec. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_ALIKE: Mapping[str, str] = {
    "only_on hostname": "worker workers host hosts runs_on node machine server address ip ansible_host",
    "workers": "hosts services machines executors",
    "numbers plans": "plan number plan_number plan_numbers",
    "numbers": "plans",
    "plans": "projects models targets tasks rule rules runs",
    "project": "path file prj prj_path project_path model",
    "needs": "depends_on after requires dependencies",
    "results": "output output_dir outdir dest_folder results_dir",
    "max_runtime_minutes": "timeout time time_limit walltime max_runtime",
    "max_concurrent max_parallel_plans": "max_workers jobs parallelism max_parallel replicas slots",
    "cores cpu_limit cores_per_plan": "threads cpus ncpus num_cores",
    "memory_limit memory_per_plan": "mem memory mem_limit",
    "state": "database db store",
    "retries": "retry max_retries attempts",
    "partition": "queue",
    "username": "user login ansible_user remote_user",
    "ssh_key_path": "key key_file key_filename identity_file private_key",
    "docker_image": "image container",
    "worker_folder": "folder workdir work_dir scratch",
    "type": "kind driver backend",
    "expect": "verify checks assert",
}
"""Our keys, the first that may stand at the place is meant; and theirs."""


def meant_by(word: str, keys: Sequence[str]) -> str | None:
    """The one of these keys that another program calls so."""
    for ours, theirs in _ALIKE.items():
        if word in theirs.split() and (found := next((key for key in ours.split() if key in keys), None)):
            return found
    return None
