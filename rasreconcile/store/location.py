"""Whether SQLite can keep its promises in a place. PURE: the mounts are an argument."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "afs",
        "ncpfs",
        "9p",
        "ceph",
        "glusterfs",
        "lustre",
        "beegfs",
    }
    | {
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.gcsfuse",
        "davfs",
        "fuse.davfs2",
    }
)
SYNCED = ("dropbox", "onedrive", "google drive", "googledrive", "icloud", "nextcloud", "owncloud", "box sync")


_REMOTE = 4
_REMOVABLE = {2, 5}
"""DRIVE_REMOVABLE, DRIVE_CDROM: memory sticks report that they wrote what they have not."""


def why_not(path: Path, mountinfo: str) -> str | None:
    """Why a store must not be at `path` (absolute, resolved); None where it may. `mountinfo`: /proc/self/mountinfo."""
    for part in path.parent.parts:
        if any(part.lower().startswith(name) for name in SYNCED):
            return f"{part} is synchronised by another program, which would corrupt the store"
    kind = _kind(path, mountinfo)
    if kind in NETWORK:
        return f"it is on a network file system ({kind}), whose locks SQLite cannot trust"
    return None


def why_not_on_drive(drive: str, kind: int) -> str | None:
    r"""The same of the drive that a resolved path has on Windows: `C:`, `\\server\share`; `kind`: GetDriveType's.

    A mapped drive resolves to its share, but not where another session or administrator has mapped it.
    """
    if drive.startswith("\\\\") or kind == _REMOTE:
        return f"it is on a network share ({drive}), whose locks SQLite cannot trust"
    if kind in _REMOVABLE:
        return f"it is on a drive that can be taken out ({drive})"
    return None


def _kind(path: Path, mountinfo: str) -> str | None:
    """The file system of the longest mount point above `path`."""
    best, found = -1, None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = PurePosixPath(_unescaped(fields[4]))
        if PurePosixPath(path).is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), after.split(" ")[0]
    return found


def _unescaped(text: str) -> str:
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return text
