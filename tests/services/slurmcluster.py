"""A Slurm cluster of one's own: munged, slurmctld and a slurmd for each of three nodes, all of them on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from services import Service, absent
from waiting import LONGEST, until

NODES = ("n1", "n2", "n3")
CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=0
SlurmdUser=0
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
MinJobAge={job_age}
KillWait=2
MessageTimeout=100
ReturnToService=2
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1,sched_interval=1
MaxArraySize=5001
SlurmdTimeout=30
NodeName={nodes} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports} CPUs={cpus} RealMemory=400000
PartitionName=normal Nodes={nodes} Default=YES MaxTime=INFINITE State=UP DefMemPerCPU=20
PartitionName=short Nodes={nodes} MaxTime=1 State=UP DefMemPerCPU=20
PartitionName=closed Nodes={nodes} State=DOWN
{more}
"""
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")


def why_not() -> str | None:
    """What is missing here for running a cluster."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if lacks := [program for program in PROGRAMS if shutil.which(program, path=path) is None]:
        return f"{lacks[0]} is not installed"
    return None if os.geteuid() == 0 else "a Slurm cluster of one's own needs root"


class SlurmCluster:
    """Three nodes, and who gives them work. Whoever is told of `conf` by SLURM_CONF uses it."""

    def __init__(self, *, cpus: int = 200, job_age: int = 300, more: str = "") -> None:
        """`more`: lines of slurm.conf."""
        # A socket's name must be short, and munged wants nobody else to be able to write above it.
        self.folder = Path(tempfile.mkdtemp(prefix="rassl-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.conf = self.folder / "slurm.conf"
        self.port, *nodes = _free_ports(1 + len(NODES))
        self._text = CONF.format(
            host=socket.gethostname().partition(".")[0],
            folder=self.folder,
            port=self.port,
            nodes=",".join(NODES),
            ports=",".join(map(str, nodes)),
            cpus=cpus,
            job_age=job_age,
            more=more,
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """Of a process that uses it."""
        return {**os.environ, "SLURM_CONF": str(self.conf), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}

    def start(self) -> None:
        """Until every node is idle."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self.conf.write_text(self._text)
        for name in ("munge", "state", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        words = [
            f"--{word}={self.folder}/munge/{word.partition('-')[0]}"
            for word in ("socket", "pid-file", "log-file")
        ]
        self._run("munged", "--force", f"--key-file={key}", f"--seed-file={self.folder}/munge/seed", *words)
        self.start_controller("-c")
        for node in NODES:
            self.start_node(node)
        until(lambda: self.node_states() == dict.fromkeys(NODES, "idle"), self._logs())

    def start_controller(self, *words: str) -> None:
        """slurmctld, until it answers."""
        self._run("slurmctld", *words)
        until(lambda: self.ask("scontrol", "ping", check=False).stdout.find("UP") >= 0, self._logs())

    def stop_controller(self) -> None:
        """As a cluster's is for some minutes."""
        self._kill(self.folder / "slurmctld.pid")

    def start_node(self, node: str) -> None:
        self._run("slurmd", "-N", node)

    def stop_node(self, node: str) -> None:
        """Its machine loses its power: slurmd, and whatever it had begun."""
        self._kill(self.folder / f"slurmd.{node}.pid")
        for pid in self._steps(f"spool.{node}", node):
            _kill(pid)

    def node_states(self) -> Mapping[str, str]:
        printed = self.ask("sinfo", "--noheader", "--Node", "--partition=normal", "--format=%N %T").stdout
        return dict(line.split() for line in printed.splitlines())

    def resume(self, node: str) -> None:
        """A node that was drained or downed, until it takes jobs again; one that answers may have come back before."""
        self.ask("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False)
        until(lambda: self.node_states()[node] in {"idle", "mixed", "allocated"}, f"{node} did not come back")

    def ask(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One of Slurm's commands."""
        done = subprocess.run(
            words, env=self.environment, check=False, capture_output=True, text=True, timeout=LONGEST
        )
        assert not check or done.returncode == 0, f"{words}: {done.stderr}{done.stdout}"
        return done

    def jobs(self, *states: str, name: str = "") -> Sequence[str]:
        """How scancel calls them: those in one of the states, all that are not over where none is named."""
        asked = ["squeue", "--noheader", "--array", "--format=%i", *([f"--name={name}"] if name else [])]
        return self.ask(*asked, *([f"--states={','.join(states)}"] if states else [])).stdout.split()

    def is_idle(self) -> bool:
        return not self.jobs()

    def end_jobs(self) -> None:
        """Before the daemons stop: what is left of a job would stay."""
        self.ask("scancel", "--user=root", check=False)
        until(self.is_idle, "jobs did not end")

    def stop(self) -> None:
        """Everything, and its folder."""
        if self.conf.exists():
            self.ask("scancel", "--user=root", check=False)
            end = time.monotonic() + 30
            while not self.is_idle_or_dead() and time.monotonic() < end:
                time.sleep(0.05)
        for name in (*(f"slurmd.{node}.pid" for node in NODES), "slurmctld.pid", "munge/pid"):
            self._kill(self.folder / name)
        for node in NODES:
            for pid in self._steps(f"spool.{node}", node):
                _kill(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def is_idle_or_dead(self) -> bool:
        asked = self.ask("squeue", "--noheader", check=False)
        return asked.returncode != 0 or not asked.stdout.strip()

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            env=self.environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stdout.decode() + self._logs()

    def _kill(self, file: Path) -> None:
        try:
            pid = int(file.read_text())
        except (FileNotFoundError, ValueError):
            return
        _kill(pid)
        until(lambda: not _lives(pid), f"{file.name} did not end")
        file.unlink(missing_ok=True)

    def _steps(self, spool: str, node: str) -> Sequence[int]:
        """slurmstepd of jobs on this node, and all that they have begun."""
        known = _processes()
        found = {
            pid
            for pid, (_, marks) in known.items()
            if f"SLURM_CONF={self.conf}".encode() in marks and f"SLURMD_NODENAME={node}".encode() in marks
        }
        found |= {pid for pid, (_, marks) in known.items() if f"{self.folder}/{spool}".encode() in marks}
        return sorted(found)

    def _logs(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def _processes() -> Mapping[int, tuple[bytes, bytes]]:
    """Command line and environment of every other process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                found[int(entry.name)] = (
                    (entry / "cmdline").read_bytes(),
                    (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes(),
                )
            except OSError:
                continue
    return found


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def _running() -> Iterator[SlurmCluster]:
    if (missing := why_not()) is not None:
        absent(Service.SLURM, missing)
    made = SlurmCluster()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[SlurmCluster]:
    """One for all tests that leave it as it was."""
    with _running() as made:
        yield made


@pytest.fixture
def own_cluster() -> Iterator[SlurmCluster]:
    """One that a test may do harm to."""
    with _running() as made:
        yield made
