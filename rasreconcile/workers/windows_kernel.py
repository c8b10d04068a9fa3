"""What only Windows can answer, of processes and their jobs, by its kernel32. Only there can this be imported."""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes  # noqa: E402
import msvcrt  # noqa: E402
import os  # noqa: E402
from ctypes import wintypes  # noqa: E402

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_QUERY_LIMITED = 0x1000
_SET_INFORMATION = 0x200
_SYNCHRONIZE = 0x100000
_TERMINATE = 0x1
_STILL_RUNNING = 0x102
_MORE_DATA = 234
_KILL_ON_CLOSE = 0x2000
_EXTENDED_LIMITS = 9
_PROCESS_LIST = 3
_LONGEST_PATH = 32768
_TICKS = 10_000_000
"""In a second, of file times."""
_SLACK = 60 * _TICKS
"""A process of this boot may seem to be that much older than the boot: the clock was set since."""
_TO_1970 = 11_644_473_600
"""Seconds from the beginning of file times."""


class _Limits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("process_time", ctypes.c_longlong),
        ("job_time", ctypes.c_longlong),
        ("flags", wintypes.DWORD),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("active_processes", wintypes.DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority_class", wintypes.DWORD),
        ("scheduling_class", wintypes.DWORD),
        ("io", ctypes.c_ulonglong * 6),
        ("memory", ctypes.c_size_t * 4),
    )


_HANDLE = wintypes.HANDLE
_kernel.OpenProcess.restype = _HANDLE
_kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
_kernel.GetCurrentProcess.restype = _HANDLE
_kernel.CloseHandle.argtypes = (_HANDLE,)
_kernel.SetPriorityClass.argtypes = (_HANDLE, wintypes.DWORD)
_kernel.TerminateProcess.argtypes = (_HANDLE, wintypes.UINT)
_kernel.WaitForSingleObject.argtypes = (_HANDLE, wintypes.DWORD)
_kernel.GetProcessTimes.argtypes = (_HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4)
_kernel.GetTickCount64.restype = ctypes.c_ulonglong
_kernel.CreateJobObjectW.restype = _HANDLE
_kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
_kernel.SetInformationJobObject.argtypes = (_HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
_kernel.AssignProcessToJobObject.argtypes = (_HANDLE, _HANDLE)
_kernel.QueryInformationJobObject.argtypes = (
    _HANDLE,
    ctypes.c_int,
    ctypes.c_void_p,
    wintypes.DWORD,
    ctypes.c_void_p,
)
_kernel.GetFinalPathNameByHandleW.argtypes = (_HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD)


class Job:
    """A job object with this process in it and every child to come; the kernel ends them all when this process ends."""

    def __init__(self) -> None:
        """Raises OSError where Windows refuses: before Windows 8 a process could be in one job only."""
        self._handle = _handle(_kernel.CreateJobObjectW(None, None))
        limits = _Limits(flags=_KILL_ON_CLOSE)
        size = ctypes.sizeof(limits)
        _checked(_kernel.SetInformationJobObject(self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), size))
        _checked(_kernel.AssignProcessToJobObject(self._handle, _kernel.GetCurrentProcess()))

    def others(self) -> list[int]:
        """Process ids of all that is in the job beside this process."""
        room = 256
        while True:
            listed = (ctypes.c_size_t * (room + 1))()
            size = ctypes.sizeof(listed)
            if _kernel.QueryInformationJobObject(
                self._handle, _PROCESS_LIST, ctypes.byref(listed), size, None
            ):
                # Two numbers of 32 bits, how many there are and how many are listed, then the list.
                count = listed[0] >> 32 if ctypes.sizeof(ctypes.c_size_t) == 8 else listed[1]
                return [pid for pid in listed[1 : count + 1] if pid != os.getpid()]
            if ctypes.get_last_error() != _MORE_DATA:
                raise ctypes.WinError(ctypes.get_last_error())
            room *= 4


def start_of(pid: int) -> int | None:
    """When the process began, in file time: no other has it, also not after a restart; None: it has ended."""
    process = _kernel.OpenProcess(_QUERY_LIMITED | _SYNCHRONIZE, False, pid)
    if not process:
        return None
    try:
        # Whoever holds a handle keeps the number of a process that has ended.
        if _kernel.WaitForSingleObject(process, 0) != _STILL_RUNNING:
            return None
        created, *others = (wintypes.FILETIME() for _ in range(4))
        _checked(_kernel.GetProcessTimes(process, *map(ctypes.byref, (created, *others))))
        return int(created.dwHighDateTime) << 32 | int(created.dwLowDateTime)
    finally:
        _kernel.CloseHandle(process)


def prioritize(pid: int, kind: int) -> None:
    """Gives the process a priority class, which its children inherit; one that has ended needs none."""
    process = _kernel.OpenProcess(_SET_INFORMATION, False, pid)
    if process:
        _kernel.SetPriorityClass(process, kind)
        _kernel.CloseHandle(process)


def end(pid: int) -> None:
    """Ends the process at once; one that has ended, or is about to, is left to that."""
    process = _kernel.OpenProcess(_TERMINATE, False, pid)
    if process:
        _kernel.TerminateProcess(process, 1)
        _kernel.CloseHandle(process)


def began_before_boot(start: int, now: float) -> bool:
    """Whether a process that began then, in file time, did so before the last boot; `now`: seconds since 1970."""
    up: int = _kernel.GetTickCount64()
    booted = (now + _TO_1970) * _TICKS - up * (_TICKS // 1000)
    return start < booted - _SLACK


def awake_seconds() -> float:
    """Since the start of the machine, without the time that it slept; no setting of the clock changes it."""
    ticks = ctypes.c_ulonglong()
    _checked(_kernel.QueryUnbiasedInterruptTime(ctypes.byref(ticks)))
    return ticks.value / _TICKS


def path_of(file: int) -> str:
    """Where the file behind this descriptor lies, whatever links led to it; without the prefix of long paths."""
    room = ctypes.create_unicode_buffer(_LONGEST_PATH)
    _checked(_kernel.GetFinalPathNameByHandleW(msvcrt.get_osfhandle(file), room, _LONGEST_PATH, 0))
    return plain(room.value)


def plain(path: str) -> str:
    """The path without the prefix that Windows gives to long ones."""
    if path.startswith("\\\\?\\UNC\\"):
        return "\\\\" + path[8:]
    return path.removeprefix("\\\\?\\")


def _handle(found: int | None) -> int:
    if not found:
        raise ctypes.WinError(ctypes.get_last_error())
    return found


def _checked(answer: int) -> None:
    if not answer:
        raise ctypes.WinError(ctypes.get_last_error())
