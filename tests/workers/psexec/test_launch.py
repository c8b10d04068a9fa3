"""How an agent is started: what is said to the Task Scheduler, to schtasks.exe and to PsExec.exe, word by word.

The stand-ins take the flags that Microsoft documents, and refuse every other word.
"""

from __future__ import annotations

import importlib
import re
import socket
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest
from services import Service, absent

from rasreconcile.errors import Refused, Unreachable
from rasreconcile.workers.psexec.launch import join_arguments, port_problem, run
from rasreconcile.workers.psexec.sysinternals import PsExecLauncher, find, places
from rasreconcile.workers.psexec.task import (
    TASK,
    RemoteScheduler,
    Schtasks,
    Target,
    TaskLauncher,
    task_xml,
)

FOLDER = r"C:\Ras (x86) & é^! Remote"
TARGET = Target(host="lab", folder=FOLDER, session=3, username=r"LAB\ras", password=lambda: "s3cret")
SPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


def test_the_task_opens_join_cmd_in_the_session_of_its_user_without_limits() -> None:
    root = ElementTree.fromstring(task_xml(TARGET).encode("utf-16"))
    found = {
        name: root.findtext(f".//t:{name}", namespaces=SPACE) for name in ("UserId", "LogonType", "Command")
    }
    assert found == {"UserId": r"LAB\ras", "LogonType": "InteractiveToken", "Command": "cmd.exe"}
    assert root.findtext(".//t:Arguments", namespaces=SPACE) == join_arguments(FOLDER)
    assert root.findtext(".//t:ExecutionTimeLimit", namespaces=SPACE) == "PT0S"
    assert root.findtext(".//t:RunLevel", namespaces=SPACE) == "LeastPrivilege"
    assert root.find(".//t:Triggers", SPACE) is None
    assert "s3cret" not in task_xml(TARGET)


def test_without_a_name_the_task_is_for_whoever_has_the_session() -> None:
    root = ElementTree.fromstring(task_xml(Target(host="lab", folder="C:\\R", session=3)).encode("utf-16"))
    assert root.findtext(".//t:GroupId", namespaces=SPACE) == "S-1-5-32-545"
    assert root.find(".//t:UserId", SPACE) is None


class FakeSchtasks:
    """As `schtasks /create /?` and `/run /?` say; whatever else is an error with exit code 1."""

    takes: ClassVar = {"/create": {"/s", "/tn", "/xml"}, "/run": {"/s", "/tn"}}
    flags: ClassVar = {"/create": {"/f"}, "/run": set()}

    def __init__(self) -> None:
        self.tasks: dict[str, str] = {}
        self.running: list[str] = []

    def __call__(self, command: Sequence[str] | str) -> tuple[int, str]:
        assert not isinstance(command, str)
        program, verb, *words = command
        assert program == "schtasks.exe"
        given: dict[str, str] = {}
        while words:
            word = words.pop(0)
            if word in self.flags[verb]:
                continue
            if word not in self.takes[verb]:
                return 1, f"ERROR: Invalid argument/option - '{word}'."
            given[word] = words.pop(0)
        if verb == "/create":
            self.tasks[given["/tn"]] = Path(given["/xml"]).read_bytes().decode("utf-16")
        elif given["/tn"] not in self.tasks:
            return 1, "ERROR: The system cannot find the file specified."
        else:
            self.running.append(given["/tn"])
        return 0, "SUCCESS"


def test_schtasks_registers_the_task_and_runs_it_and_leaves_no_file() -> None:
    host = FakeSchtasks()
    TaskLauncher(TARGET, Schtasks(TARGET, host)).start()
    assert host.running == [TASK]
    assert host.tasks[TASK] == task_xml(TARGET)


def test_a_no_of_schtasks_says_what_it_printed() -> None:
    with pytest.raises(Refused, match=r"schtasks.exe /create on lab exited with 1: ERROR: Access is denied."):
        Schtasks(TARGET, lambda _: (1, "ERROR: Access is denied.")).register("x")


class RecordedWire:
    """In place of impacket's transport: the requests that its own code has made."""

    def __init__(self, answers: list[Exception | None]) -> None:
        self.requests: list[Any] = []
        self.said: dict[str, Any] = {}
        self._answers = answers

    def set_credentials(self, user: str, password: str, domain: str) -> None:
        self.said["who"] = (user, password, domain)

    def set_kerberos(self, flag: object) -> None:
        self.said["kerberos"] = flag

    def set_auth_level(self, level: int) -> None:
        self.said["level"] = level

    def set_auth_type(self, kind: int) -> None:
        self.said["type"] = kind

    def get_dce_rpc(self) -> RecordedWire:
        return self

    def connect(self) -> None:
        """Nobody is there."""

    def bind(self, interface: bytes) -> None:
        self.said["interface"] = interface

    def disconnect(self) -> None:
        """Nobody is there."""

    def request(self, request: Any) -> None:
        self.requests.append(request)
        # The library puts the bytes together: what cannot be sent fails here.
        request.getData()
        answer = self._answers.pop(0)
        if answer is not None:
            raise answer


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> RecordedWire:
    try:
        transport = importlib.import_module("impacket.dcerpc.v5.transport")
    except ModuleNotFoundError:
        absent(Service.SAMBA, "impacket is not installed")
    made = RecordedWire([None, None])

    def factory(binding: str) -> RecordedWire:
        made.said["binding"] = binding
        return made

    monkeypatch.setattr(transport, "DCERPCTransportFactory", factory)
    return made


def test_from_elsewhere_the_task_is_registered_and_run_in_the_named_session(wire: RecordedWire) -> None:
    from impacket.dcerpc.v5 import rpcrt, tsch

    TaskLauncher(TARGET, RemoteScheduler(TARGET)).start()
    register, begin = wire.requests
    assert (register.opnum, begin.opnum) == (tsch.SchRpcRegisterTask.opnum, tsch.SchRpcRun.opnum)
    assert register["path"] == begin["path"] == f"\\{TASK}\0"
    assert register["xml"] == task_xml(TARGET) + "\0"
    assert register["flags"] == tsch.TASK_CREATE | tsch.TASK_UPDATE
    assert register["logonType"] == tsch.TASK_LOGON_INTERACTIVE_TOKEN
    assert (begin["flags"], begin["sessionId"]) == (tsch.TASK_RUN_USE_SESSION_ID, 3)
    assert wire.said == {
        "binding": r"ncacn_np:lab[\pipe\atsvc]",
        "who": ("ras", "s3cret", "LAB"),
        "kerberos": False,
        "level": rpcrt.RPC_C_AUTHN_LEVEL_PKT_PRIVACY,
        "interface": tsch.MSRPC_UUID_TSCHS,
    }


def test_without_credentials_a_ticket_is_shown(wire: RecordedWire) -> None:
    from impacket.dcerpc.v5 import rpcrt, tsch

    target = Target(host="lab", folder="C:\\R", session=2)
    TaskLauncher(target, RemoteScheduler(target)).start()
    assert (wire.said["kerberos"], wire.said["type"]) == (True, rpcrt.RPC_C_AUTHN_GSS_NEGOTIATE)
    assert wire.requests[0]["logonType"] == tsch.TASK_LOGON_GROUP


def test_a_host_that_says_no_and_one_that_says_nothing_are_told_apart(wire: RecordedWire) -> None:
    from impacket.dcerpc.v5.rpcrt import DCERPCException

    wire._answers[:] = [DCERPCException("rpc_s_access_denied")]
    with pytest.raises(Refused, match=r"lab: its Task Scheduler: .*rpc_s_access_denied; .*launcher: none"):
        RemoteScheduler(TARGET).begin(3)
    wire._answers[:] = [ConnectionRefusedError(111, "Connection refused")]
    with pytest.raises(Unreachable, match="Connection refused"):
        RemoteScheduler(TARGET).begin(3)


class FakePsExec:
    """As `psexec -?` says: flags, then the program and whatever follows it, as it is."""

    flags: ClassVar = {"-accepteula", "-nobanner", "-h", "-d"}
    takes: ClassVar = {"-r", "-i"}

    def __init__(self, signature: str = "signed-by-microsoft") -> None:
        self.signature = signature
        self.asked: list[str] = []
        self.given: dict[str, str] = {}
        self.rest = ""

    def __call__(self, command: Sequence[str] | str) -> tuple[int, str]:
        if not isinstance(command, str):
            self.asked = list(command)
            return 0, self.signature
        found = re.fullmatch(r'"([^"]+)" \\\\(\S+) (.*)', command)
        assert found is not None
        words = found[3]
        while words.startswith("-"):
            flag, _, words = words.partition(" ")
            if flag in self.takes:
                self.given[flag], _, words = words.partition(" ")
            elif flag in self.flags:
                self.given[flag] = ""
            else:
                return 1, "usage"
        self.rest = words
        return 4711, "cmd.exe started on lab with process ID 4711."


def a_psexec(folder: Path) -> Path:
    (folder / "PsExec64.exe").touch()
    return folder / "PsExec64.exe"


def test_psexec_is_called_with_flags_it_knows_and_no_password(tmp_path: Path) -> None:
    host = FakePsExec()
    said = PsExecLauncher(TARGET, a_psexec(tmp_path), host).start()
    assert set(host.given) == {"-accepteula", "-nobanner", "-h", "-r", "-i", "-d"}
    assert host.given["-i"] == "3"
    assert re.fullmatch("rasreconcile-[0-9a-f]{6}", host.given["-r"])
    assert host.rest == f"cmd.exe {join_arguments(FOLDER)}"
    assert "process ID 4711" in said
    assert "s3cret" not in str(vars(host))


def test_a_psexec_that_microsoft_has_not_signed_is_not_run(tmp_path: Path) -> None:
    host = FakePsExec(signature="")
    with pytest.raises(Refused, match="valid signature of Microsoft"):
        PsExecLauncher(TARGET, a_psexec(tmp_path), host).start()
    assert host.rest == ""
    assert host.asked[0] == "powershell.exe"


def test_psexec_is_searched_where_it_is_named_then_on_path_then_in_the_usual_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(Refused, match=r"psexec_path: .*Nowhere.exe is not there; download"):
        find(tmp_path / "Nowhere.exe")
    with pytest.raises(Refused, match=r"PsExec.exe is not there; download"):
        find(None, lambda _: None)
    (tmp_path / "PSTools").mkdir()
    usual = a_psexec(tmp_path / "PSTools")
    assert find(None, lambda _: None) == usual
    assert find(None, lambda name: f"/on/path/{name}") == Path("/on/path/PsExec64.exe")
    assert len(set(places())) == len(list(places()))


def test_a_program_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match=r"no-such-program is not there"):
        run(["no-such-program"])


def test_a_port_that_nobody_listens_on_is_told_with_the_command_that_opens_it() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        (problem,) = port_problem("127.0.0.1", one.getsockname()[1])
    assert "does not answer" in problem.what
    assert "File and Printer Sharing" in problem.remedy
    with socket.create_server(("127.0.0.1", 0)) as two:
        assert port_problem("127.0.0.1", two.getsockname()[1]) == []


@pytest.mark.parametrize("folder", [FOLDER, "C:\\R\\", r"D:\it's %ras%"])
def test_what_cmd_is_told_is_join_cmd_of_the_folder(folder: str) -> None:
    found = re.fullmatch(r'/d /v:off /s /c ""(.+)" quiet"', join_arguments(folder))
    assert found is not None
    assert PureWindowsPath(found[1]) == PureWindowsPath(folder, "join.cmd")
