"""What needs no daemon: names of folders, archives that lie, and what errors mean."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from rasreconcile.errors import InputChanged, Refused, Unreachable
from rasreconcile.jobs import Staged
from rasreconcile.workers.docker.archives import Sent, Text, pack, unpack_one
from rasreconcile.workers.docker.daemon import Daemon
from rasreconcile.workers.docker.error_messages import reason_of
from rasreconcile.workers.docker.paths import below, views
from rasreconcile.workers.docker.transport import DaemonAddress


@pytest.mark.parametrize("path", [r"C:\Models\Muncie", "c:/Models/Muncie", r"C:\\Models\Muncie" + "\\"])
def test_a_windows_folder_has_the_names_that_daemons_give_it(path) -> None:
    assert views(path) == (
        "/mnt/c/Models/Muncie",
        "/run/desktop/mnt/host/c/Models/Muncie",
        "/c/Models/Muncie",
        path,
    )


@pytest.mark.parametrize("path", ["/srv/ras runs", r"\\host\share", "relative", "/mnt/c/x"])
def test_other_folders_are_called_as_they_are(path) -> None:
    assert views(path) == (path,)


def test_names_below_a_folder_are_in_its_own_spelling() -> None:
    assert below("/srv/runs/", "a") == "/srv/runs/a"
    assert below("D:\\runs", "a") == "D:\\runs\\a"


def _archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for entry, content in members:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def _entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


HOSTILE = {
    "a symbolic link": _archive((_entry("r.hdf", tarfile.SYMTYPE, "/etc/passwd"), b"")),
    "a hard link": _archive((_entry("r.hdf", tarfile.LNKTYPE, "/etc/passwd"), b"")),
    "a device": _archive((_entry("r.hdf", tarfile.CHRTYPE), b"")),
    "a pipe": _archive((_entry("r.hdf", tarfile.FIFOTYPE), b"")),
    "a folder": _archive((_entry("r.hdf", tarfile.DIRTYPE), b"")),
    "a way out": _archive((_entry("../r.hdf"), b"12345")),
    "an absolute name": _archive((_entry("/r.hdf"), b"12345")),
    "another name": _archive((_entry("other"), b"12345")),
    "nothing": _archive(),
    "too short": _archive((_entry("r.hdf"), b"1234")),
    "too long": _archive((_entry("r.hdf"), b"123456")),
    "endless headers": _archive(
        (_entry("pax", tarfile.XHDTYPE), b"x" * 2_000_000), (_entry("r.hdf"), b"12345")
    ),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_an_archive_that_is_not_the_one_plain_file_is_not_taken(data, tmp_path) -> None:
    (tmp_path / "work").mkdir()
    with pytest.raises((Refused, Unreachable)):
        unpack_one([data], "sub/r.hdf", 5, tmp_path / "work" / "into")
    assert list(tmp_path.iterdir()) == [tmp_path / "work"]
    assert list((tmp_path / "work").iterdir()) == []


def test_an_archive_that_never_ends_is_left(tmp_path) -> None:
    def forever():
        yield _archive((_entry("r.hdf"), b"12345"))[:512]
        while True:
            yield b"x" * 65536

    taken = unpack_one(forever(), "r.hdf", 5, tmp_path / "into")
    assert (taken.size, (tmp_path / "into").read_bytes()) == (5, b"xxxxx")


@pytest.mark.parametrize("cut", [100, 512, 700, 1023])
def test_an_archive_that_was_cut_short_is_fetched_again(cut, tmp_path) -> None:
    data = _archive((_entry("r.hdf"), b"y" * 600))
    with pytest.raises(Unreachable, match="fetched again"):
        unpack_one([data[:cut]], "r.hdf", 600, tmp_path / "into")


def test_what_is_packed_is_what_was_hashed(tmp_path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"data" * 1000)
    staged = Staged(source=source, name="a", digest=hashlib.sha256(b"data" * 1000).hexdigest(), size=4000)
    name = "x/Über lauf " + "n" * 120
    packed = b"".join(pack([Text("x/t", b"1"), Sent(name, staged)], owner=1000))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getnames() == ["x", "x/t", name]
        content = tar.extractfile(name)
        assert content is not None
        assert content.read() == b"data" * 1000
        assert {member.uid for member in tar} == {1000}
    for changed in (b"date" * 1000, b"data" * 999, b"data" * 1001):
        source.write_bytes(changed)
        with pytest.raises(InputChanged, match="changed after it was hashed"):
            list(pack([Sent("a", staged)], owner=1000))


SAID = {
    "No such image: hecras:6.6": "`docker pull`",
    "write /var/lib/docker/x: no space left on device": "free some space",
    "('Connection aborted.', PermissionError(13, 'Permission denied'))": "group `docker`",
    "root@h: Permission denied (publickey,password).": "ssh_key_path",
    "Server '[h]:22' not found in known_hosts": "ssh-keyscan -p 2222 box",
    "Host key verification failed.": "ssh-keyscan -p 2222 box",
    "Client sent an HTTP request to an HTTPS server.": "docker_cert_path",
    'exec: "sh": executable file not found in $PATH: unknown': "cannot run `sh`",
}


@pytest.mark.parametrize(("said", "remedy"), SAID.items())
def test_what_will_not_mend_itself_is_told_with_its_remedy(said, remedy) -> None:
    assert remedy in str(reason_of(said, "ssh://me@box:2222"))


def test_what_may_mend_itself_is_no_refusal() -> None:
    for said in ("Connection refused", "Read timed out", "context deadline exceeded", "EOF"):
        assert reason_of(said) is None


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("unix:///nowhere.sock", "unix:///nowhere.sock: nothing listens at its socket"),
        ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1: Connection refused"),
    ],
)
def test_a_daemon_that_does_not_answer_is_told_in_the_words_of_the_system(place, said) -> None:
    daemon = Daemon(DaemonAddress(host=place))
    with pytest.raises(Unreachable) as raised:
        daemon.about()
    assert str(raised.value) == f"{said}; check that the daemon is running and reachable"
