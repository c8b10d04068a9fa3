"""What other run managers call it: their verbs and options, and what to say here."""

from __future__ import annotations

from collections.abc import Mapping

VERBS: Mapping[str, str] = {
    **dict.fromkeys(
        ("run", "up", "start", "submit", "sbatch", "make", "build", "compute", "execute"), "apply"
    ),
    **dict.fromkeys(("plan", "dry-run", "preview", "pull"), "diff"),
    **dict.fromkeys(("ps", "ls", "list", "get", "top", "show", "squeue", "queue"), "status"),
    **dict.fromkeys(("down", "stop", "kill", "abort", "scancel", "rm", "delete", "destroy"), "cancel"),
    **dict.fromkeys(("clean", "cleanup"), "gc"),
    **dict.fromkeys(("validate", "lint", "doctor", "test", "verify"), "check"),
    **dict.fromkeys(("log", "tail", "fetch"), "logs"),
    **dict.fromkeys(("why", "describe", "inspect"), "explain"),
    **dict.fromkeys(("rerun", "restart", "resume"), "retry"),
    **dict.fromkeys(("new", "create"), "init"),
    **dict.fromkeys(("import",), "adopt"),
    **dict.fromkeys(("output", "outputs", "export"), "results"),
    "help": "--help",
    "version": "--version",
}
"""A word is not taken for a verb that is spelled alike and removes something: `run` is not `prune`."""

_SPEC = "Name the spec without an option: `rasreconcile {} spec.yaml`."
_SLOTS = "Each worker's `cores_total` and `cores_per_plan` in the spec, and `max_concurrent`, say how many run at once."
_PLANS = "Name plans without an option: `rasreconcile {} Muncie/p04`."
OPTIONS: Mapping[str, str] = {
    **dict.fromkeys(("-f", "--file", "-s", "--spec", "--snakefile", "--config", "-c", "-i"), _SPEC),
    **dict.fromkeys(("-j", "--jobs", "--workers", "--cores", "--max-workers", "--parallel", "-w"), _SLOTS),
    **dict.fromkeys(("--plan", "--plans", "-p", "--target", "-t"), _PLANS),
    **dict.fromkeys(("-n", "--dry", "--check", "--noop"), "`rasreconcile diff` shows what `apply` would do."),
    **dict.fromkeys(
        ("--force", "-F", "--forceall", "--rerun", "--force-recreate", "-B", "-a"),
        "`rasreconcile retry` has plans computed again.",
    ),
    **dict.fromkeys(("-y", "--yes", "--auto-approve", "--no-input"), "Leave it out: nothing is asked."),
    **dict.fromkeys(
        ("-k", "--keep-going"), "Leave it out: other plans continue, unless the spec has `max_fails`."
    ),
    **dict.fromkeys(("-o", "--output", "--format"), "`--json` writes JSON, where the verb has it."),
    **dict.fromkeys(
        ("-d", "--detach", "--background"), "Leave it out: runs are detached, and Ctrl-C leaves them."
    ),
}


def hint_of(option: str, verb: str) -> str:
    """What to say instead of this option of other programs; empty where it is nobody's."""
    return OPTIONS.get(option, "").format(verb)
