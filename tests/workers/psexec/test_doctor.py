"""What an agent says of its host, and what a person is told to do about it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rasreconcile.workers.psexec.agent import Told
from rasreconcile.workers.psexec.doctor import Wanted, problems_of
from rasreconcile.workers.psexec.kind import PSEXEC, PsExecWorker
from rasreconcile.workers.windows.fix_script import fix_script, quoted
from rasreconcile.workers.windows.source import version

WELL = ["echo x", "clock 1000.0", r"me LAB\ras", "longest 10", "free 99999999", "hecras 6.6"]
WANTED = Wanted(server="lab", port=445, folder="C:\\R", session=2)


def told(**more: str) -> Told:
    values: dict[str, Any] = {
        "version": version(),
        "beat": "1 1",
        "time": 1.0,
        "session": "2",
        "me": r"LAB\ras",
    }
    return Told(**{**values, "runs": "", **more})


def test_a_host_that_is_well_has_no_problem() -> None:
    facts = ["fact hecras 6.6", "fact terms HEC-RAS 6.6", "fact defender_rule unset"]
    assert problems_of([*WELL, *facts], now=1000.0, status=told(), wanted=WANTED) == []


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        ("folder Access is denied", "worker_folder: Access is denied", "icacls"),
        ("links no", "does not support hard links", "NTFS"),
        ("free 1000", "only 0 MB are free", "free some space"),
        ("longest 200", "has 200 characters", "shorter"),
        ("clock 2000.0", "its clock is +1000 s off", "w32tm /resync"),
    ],
)
def test_each_fault_comes_with_what_cures_it(line: str, what: str, remedy: str) -> None:
    lines = [one for one in WELL if one.split()[0] != line.split(maxsplit=1)[0]]
    (problem,) = problems_of([*lines, line], now=1000.0, status=told(), wanted=WANTED)
    assert what in problem.what
    assert remedy in problem.remedy


def test_an_agent_in_the_wrong_session_or_of_an_old_version_is_told() -> None:
    (zero,) = problems_of(WELL, now=1000.0, status=told(session="0"), wanted=WANTED)
    assert "session 0, where HEC-RAS hangs" in zero.what
    (other,) = problems_of(WELL, now=1000.0, status=told(session="3"), wanted=WANTED)
    assert "set session_id: 3; `query session /server:lab`" in other.remedy
    (old,) = problems_of(WELL, now=1000.0, status=told(version="0000-00"), wanted=WANTED)
    assert "is version 0000-00" in old.what


def test_hec_ras_whose_terms_were_not_accepted_hangs_and_is_told_before() -> None:
    facts = ["fact hecras 6.5", "fact terms HEC-RAS 6.5"]
    (problem,) = problems_of([*WELL, *facts], now=1000.0, status=told(), wanted=WANTED)
    assert r"HEC-RAS 6.6: its terms were never accepted by LAB\ras" in problem.what


def test_rubbish_from_a_host_is_no_problem_and_no_error() -> None:
    lines = ["free many", "clock ", "longest -1", "fact", "", "fact terms", "free " + "9" * 40]
    assert problems_of(lines, now=1000.0, status=None, wanted=WANTED) == []


def worker(**more: Any) -> PsExecWorker:
    values = {"type": "psexec", "hostname": "lab", "share_path": r"\\lab\Ras Remote", "session_id": 2}
    return PsExecWorker.model_validate({**values, **more})


def test_where_a_person_joins_no_session_is_asked_for() -> None:
    joined = PsExecWorker.model_validate(
        {"type": "psexec", "hostname": "lab", "share_path": r"\\lab\R", "launcher": "none"}
    )
    assert joined.session_id is None
    with pytest.raises(ValidationError, match="session_id"):
        worker(session_id=None)


def test_credentials_with_psexec_would_show_the_password() -> None:
    secret = {"username": "u", "password": {"env": "P"}}
    assert worker(credentials=secret).credentials is not None
    with pytest.raises(ValidationError, match=r"command line that others can read; .*cmdkey"):
        worker(credentials=secret, launcher="psexec")


def test_the_script_for_the_administrator_allows_what_the_launcher_needs_and_no_more() -> None:
    assert PSEXEC.fix_script is not None
    task = PSEXEC.fix_script(
        worker(credentials={"username": r"LAB\o'neil", "password": {"env": "P"}}, worker_folder=r"C:\Ras 'x'")
    )
    assert r"$user = 'LAB\o''neil'" in task
    assert r"-Path 'C:\Ras ''x'''" in task
    assert "New-SmbShare -Name 'Ras Remote'" in task
    for word in ("LocalAccountTokenFilterPolicy", "RemoteRegistry", "SeBatchLogonRight", "SeNetworkLogonRight",
                 "d1e49aac-8f56-4280-b9ba-993a6d77406c", "SrpV2", "csc.exe", "w32tm", "query session"):  # fmt: skip
        assert word in task
    assert r"HKLM:\SOFTWARE\Microsoft\Windows" in task
    assert r"v4.0.30319\csc.exe" in task
    none = PSEXEC.fix_script(worker(launcher="none"))
    assert "LocalAccountTokenFilterPolicy" not in none
    assert "$user = whoami" in none


@pytest.mark.parametrize("text", ["a", "it's", "\u2019; Remove-Item x; \u2018", "$x `n"])
def test_a_word_for_powershell_ends_where_it_ends(text: str) -> None:
    inside = quoted(text)[1:-1]
    for quote in "'\u2018\u2019\u201a\u201b":
        inside = inside.replace(quote * 2, "")
    assert not set(inside) & set("'\u2018\u2019\u201a\u201b")


def test_no_share_no_part_about_shares() -> None:
    assert "SmbShare" not in fix_script(user=None, folder="C:\\R", share=None, starts=False)
