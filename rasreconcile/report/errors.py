"""An error as plain values, the same under every verb's `--json`."""

from __future__ import annotations

import errno
from typing import Any

from rasreconcile.errors import RasReconcileError, SpecError

OF_THE_SYSTEM = "system"
"""Code of what the operating system refused."""
FIX = "fix this and run the command again"


def error_values(error: RasReconcileError) -> list[dict[str, Any]]:
    """One of ours; of a spec, one for each fault."""
    if isinstance(error, SpecError):
        return [
            _values(
                error.code, fault.what, fault.remedy, file=fault.file, line=fault.line or None, key=fault.path
            )
            for fault in error.faults
        ]
    return [_values(error.code, error.trouble.what, error.trouble.remedy)]


def usage_values(message: str, remedy: str) -> list[dict[str, Any]]:
    """Of words that cannot be read as a command line."""
    return [_values("usage", message, remedy)]


def system_values(error: OSError) -> list[dict[str, Any]]:
    """Of what the operating system refused."""
    file = error.filename if isinstance(error.filename, str) else None
    return [_values(OF_THE_SYSTEM, error.strerror or str(error), FIX, file=file)]


def is_full(error: OSError) -> bool:
    """Whether no more can be written: the disk is full, or the quota, or a file as large as the shell allows."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _values(
    code: str, what: str, remedy: str, *, file: str | None = None, line: int | None = None, key: str = ""
) -> dict[str, Any]:
    return {"code": code, "what": what, "remedy": remedy, "file": file, "line": line, "key": key or None}
