"""The variables by which CI agents find, and end, what a job of theirs has left running. PURE."""

from __future__ import annotations

from collections.abc import Mapping

MARKS = frozenset(
    {
        # GitHub Actions: every process with the job's value is ended when the job is over.
        "RUNNER_TRACKING_ID",
        # Azure Pipelines and what was made of its agent.
        "VSTS_PROCESS_LOOKUP_ID",
        # Jenkins and Hudson; pipelines set the first, other jobs compare the rest, all of which must be there.
        "JENKINS_NODE_COOKIE",
        "JENKINS_SERVER_COOKIE",
        "JENKINS_COOKIE",
        "HUDSON_SERVER_COOKIE",
        "HUDSON_COOKIE",
        "BUILD_ID",
        # BlueKing CI, beside BUILD_ID.
        "VM_SEQ_ID",
    }
)


def unmarked(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a run that is to outlive the job it was started in."""
    return {name: value for name, value in environ.items() if name not in MARKS}
