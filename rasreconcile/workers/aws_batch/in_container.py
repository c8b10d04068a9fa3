"""What a job's container runs: it fetches a run directory, claims the run, lets its runner run, and sends what it left.

Sent to the bucket behind `container_objects.py`, in one text, and run there by its digest: it knows nothing of this
package, and needs Python 3.9, boto3, and what `runner.sh` needs. `words` and `s3` are given to it by the line that
fetched it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.exceptions

from rasreconcile.workers.aws_batch.container_objects import (
    Objects,
    Unfit,
    opened_inside,
    patiently,
    read_plain,
)

PIECE = 8 << 20
"""Bytes of one piece of the log."""
SMALL = 16 << 20
"""Bytes of a file that comes back although nobody named it as an output."""
SMALL_ALTOGETHER = 256 << 20
SMALL_FILES = 2000
LONGEST_KEY = 1000
OWN = {
    "settings.sh",
    "steps.sh",
    "runner.sh",
    "outputs",
    "heartbeat",
    "growth",
    "started",
    "done.json",
    "cancel",
}


class Asked(Exception):
    """This container was asked to end."""


class Run:
    """One run, in a folder of its own on this container's disk."""

    def __init__(self, objects: Objects, words: dict[str, Any]) -> None:
        self.objects = objects
        self.words = words
        self.run = str(words["run"])
        self.job = re.sub("[^A-Za-z0-9-]", "-", os.environ.get("AWS_BATCH_JOB_ID", "unknown"))
        # Where the folder is a volume of the machine, two containers of one run may meet there.
        self.place = Path(words["folder"], f"{self.run}-{self.job}")
        self.sent = 0
        self.told = ""
        self.asked = False
        self.staged: dict[str, tuple[int, int]] = {}

    def key(self, name: str) -> str:
        return f"runs/{self.run}/{name}"

    def note(self, number: int, frame: Any) -> None:
        self.asked = True

    def announce(self, what: str) -> None:
        """In the flat folder by which one listing tells of all runs."""
        self.objects.put(f"live/{self.run}.{what}", b"")

    def compute(self) -> int:
        """The exit code of this container, which leaves nothing on its disk."""
        try:
            return self.computed()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)

    def computed(self) -> int:
        try:
            if not self.stage():
                return 0
            # From here on it ends in order, whoever asks.
            signal.signal(signal.SIGTERM, self.note)
            now = time.time()
            claim = f"pid 1\nstart {self.job}\nboot aws-batch\ntime {now:.3f}\ntoken {os.urandom(8).hex()}\n"
            if not self.objects.claim(self.key("started"), claim.encode()):
                return 0
        except Asked:
            return 143
        except (Unfit, OSError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self.objects.put(self.key("unclaimed"), str(error).encode("utf-8", "replace")[:1000])
            self.announce(f"unclaimed.{self.job}")
            return 1
        # Whoever looks finds the claim, too, where this word of it does not get there.
        patiently(lambda: self.announce(f"started.{self.job}"))
        return self.follow()

    def stage(self) -> bool:
        """Whether there is something to compute: a run that was removed is over."""
        asked = self.objects.get(self.key("job.json"))
        if asked is None:
            return False
        if hashlib.sha256(asked).hexdigest() != self.words["job"]:
            raise Unfit("job.json is not the one that was submitted")
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True, mode=0o700)
        staging = json.loads(asked.decode("utf-8", "surrogateescape"))["staging"]
        bundle = self.place / ".bundle"
        self.objects.fetch(self.key("bundle.tar"), bundle, staging["bundle"]["digest"])
        with tarfile.open(bundle, errors="surrogateescape") as tar:
            # Its digest is in job.json, whose digest came with the job: it is what was packed.
            tar.extractall(self.place)  # noqa: S202
        bundle.unlink()
        work = self.place / "work"
        work.mkdir(exist_ok=True)
        with ThreadPoolExecutor(4) as pool:
            for done in [
                pool.submit(self.objects.fetch, f"cache/{one['digest']}", work / one["name"], one["digest"])
                for one in staging["cached"]
            ]:
                done.result()
        (self.place / "job.json").write_bytes(asked)
        self.staged = {name: (found.st_size, found.st_mtime_ns) for name, found in self.walk()}
        return True

    def follow(self) -> int:
        """Runs the runner to its end, sending the log as it grows."""
        killed = oom_kills()
        if self.objects.get(self.key("cancel")) is not None:
            (self.place / "cancel").touch()
        environment = dict(os.environ)
        if self.words["image"]:
            environment["RASRECONCILE_IMAGE"] = self.words["image"]
        with (self.place / "runner.err").open("wb") as errors:
            runner = subprocess.Popen(
                ["sh", "runner.sh", str(self.place)],
                cwd=self.place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        last = 0.0
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                runner.wait(self.words["look"])
                break
            if self.asked:
                (self.place / "cancel").touch()
            elif time.monotonic() - last >= self.words["seconds"]:
                # A log that comes late harms nobody.
                with contextlib.suppress(botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                    if self.send_log():
                        last = time.monotonic()
        return self.bring_back(killed)

    def bring_back(self, killed: int) -> int:
        patiently(self.send_log)
        if self.asked and patiently(lambda: self.objects.get(self.key("cancel"))) is None:
            # Nobody of ours: the machine is taken away. The run is lost, and no word of an end is left.
            self.objects.put(self.key("evidence"), b"its container was asked to end by AWS")
            return 143
        done = self.end()
        if done is None:
            said = read_plain(self.place / "runner.err", 1000).decode(errors="replace").strip()
            why = f"its runner ended without recording an exit status: {said or 'the disk is full'}"
            patiently(lambda: self.objects.put(self.key("evidence"), why.encode()))
            return 1
        if done["exit_code"] != 0 and done["cause"] == "exited" and oom_kills() > killed:
            done["cause"] = "out of memory"
        try:
            if done["cause"] == "cancelled":
                # There is half a minute left, and nobody will ask for them.
                done["outputs"] = {}
            else:
                self.send_outputs(done["outputs"])
            self.send_rest(done["outputs"], done["cause"])
        except Unfit as error:
            why = f"what it left could not be sent: {error}"
            patiently(lambda: self.objects.put(self.key("evidence"), why.encode()))
            return 1
        text = json.dumps(done).encode()
        patiently(lambda: self.objects.put(self.key("done.json"), text))
        patiently(lambda: self.announce("done"))
        return 0 if done["exit_code"] == 0 else 1

    def end(self) -> dict[str, Any] | None:
        try:
            found = json.loads(read_plain(self.place / "done.json", 4 << 20))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def send_log(self) -> bool:
        """Whether it had grown."""
        grown = False
        while piece := read_plain(self.place / "log.txt", PIECE, self.sent):
            self.objects.put(self.key(f"log/{self.sent:015d}"), piece)
            self.sent += len(piece)
            grown = True
        if grown:
            self.announce(f"log.{self.sent}")
            before, self.told = self.told, f"live/{self.run}.log.{self.sent}"
            if before and before != self.told:
                self.objects.drop(before)
        return grown

    def send_outputs(self, outputs: dict[str, Any]) -> None:
        for name, record in outputs.items():
            file = opened_inside(self.place, f"work/{name}")
            if file is None:
                raise Unfit(f"{name} leads out of the run directory, or is gone")
            try:
                self.objects.send(self.key(f"outputs/{name}"), file, record["size"], record["digest"])
            finally:
                os.close(file)

    def send_rest(self, outputs: dict[str, Any], cause: str) -> None:
        """Small files that nobody named, for whoever looks for a cause; and the list of all that can be had."""
        lines, files, total = [], 0, 0
        for name, found in self.walk():
            is_file = stat.S_ISREG(found.st_mode)
            if name in OWN or (name == "runner.err" and not found.st_size):
                continue
            known = name in {"job.json", "log.txt"} or name.removeprefix("work/") in outputs
            if is_file and not known:
                if self.staged.get(name) == (found.st_size, found.st_mtime_ns) or cause == "cancelled":
                    continue
                files, total = files + 1, total + found.st_size
                if found.st_size > SMALL or files > SMALL_FILES or total > SMALL_ALTOGETHER:
                    continue
                if not self.send_small(name, found.st_size):
                    continue
            mode, changed = f"{found.st_mode:x}", int(found.st_mtime)
            lines.append(f"{mode} {found.st_size} {changed} {name}\n")
        listing = "".join(lines).encode("utf-8", "surrogateescape")
        patiently(lambda: self.objects.put(self.key("files"), listing))

    def send_small(self, name: str, size: int) -> bool:
        below = f"outputs/{name[5:]}" if name.startswith("work/") else f"control/{name}"
        try:
            if len(self.key(below).encode()) > LONGEST_KEY or not below.isprintable():
                return False
            data = read_plain(self.place / name, size)
        except (OSError, UnicodeEncodeError):
            # The job took the right to read it, or its name is no text.
            return False
        patiently(lambda: self.objects.put(self.key(below), data))
        return True

    def walk(self) -> list[tuple[str, os.stat_result]]:
        """All that lies in the run directory but plain folders; no link is followed."""
        found = []
        for folder, folders, names in os.walk(self.place):
            for name in sorted(names) + sorted(folders):
                path = Path(folder, name)
                with contextlib.suppress(OSError):
                    seen = path.lstat()
                    if not stat.S_ISDIR(seen.st_mode):
                        found.append((str(path)[len(str(self.place)) + 1 :], seen))
        return found


def oom_kills() -> int:
    """Processes of this container that the kernel has killed for want of memory, as far as can be told."""
    for name in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        with contextlib.suppress(OSError, ValueError):
            for line in Path(name).read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0


def answer(objects: Objects, words: dict[str, Any]) -> int:
    """Runs a question's script, and leaves what it printed."""
    asked = json.loads(objects.get(words["question"]) or b"{}")
    done = subprocess.run(
        ["sh", "-c", asked["script"], "sh", *asked["words"]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = {"code": done.returncode, "out": base64.b64encode(done.stdout).decode(), "time": time.time()}
    said["err"] = done.stderr.decode(errors="replace")[-500:]
    objects.put(words["question"] + ".answer", json.dumps(said).encode())
    return 0


def main(words: dict[str, Any], s3: Any) -> int:
    def asked_to_end(number: int, frame: Any) -> None:
        raise Asked

    # As process 1 it gets no signal that it does not ask for.
    signal.signal(signal.SIGTERM, asked_to_end)
    objects = Objects(s3, words)
    if "question" in words:
        return answer(objects, words)
    return Run(objects, words).compute()


if __name__ == "__main__":
    raise SystemExit(main(globals()["words"], globals()["s3"]))
