"""What a daemon means that will say the same again, and the remedy. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from rasreconcile.errors import Trouble, trouble_of

NO_FOLDER = r"bind source path does not exist: (.*)"
_OTHER_PROCESSOR = r"exec format error|does not (?:match|provide) the specified platform"
_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"no such image: (\S+)|not found: .* pull access",
        "the image {0} is not there",
        "`docker pull` or `docker load` it",
    ),
    (
        r"no space left on device",
        "the disk of the daemon is full",
        "free some space (`docker system df` shows what uses it)",
    ),
    (NO_FOLDER, "the daemon has no folder {0}", "correct remote_staging_path"),
    (
        _OTHER_PROCESSOR,
        "the image is for another kind of processor than the daemon's machine",
        "use an image for that machine (`docker build --platform`)",
    ),
    (
        r'exec: "([^"]+)": (?:executable file not found|stat|permission denied)|exec ([^"]+) failed: no such file',
        "the image cannot run `{0}`",
        "use an image with a shell and coreutils or busybox",
    ),
    (
        r"permission denied",
        "this user has no access to the daemon",
        "add it to the group `docker`, or use a daemon of its own",
    ),
    (r"http request to an https server", "the daemon wants TLS", "set docker_cert_path or DOCKER_CERT_PATH"),
    (
        r"certificate verify failed|tls.*(alert|handshake)|sslv3|certificate required",
        "the certificates do not match the daemon's",
        "look at ca.pem, cert.pem and key.pem in docker_cert_path",
    ),
    (
        r"not found in known_hosts|host key verification failed|no .* host key is known",
        "the host key of {host} is not known",
        "{compare}",
    ),
    (
        r"does not match|remote host identification has changed",
        "its host key is not the one that is known",
        "find out why; only then `ssh-keygen -R {name}`",
    ),
    (
        r"authentication failed|no authentication methods|permission denied \(publickey|private key file is encrypted",
        "the ssh login was rejected",
        "set ssh_key_path, or load the key into the agent",
    ),
    (r"requested cpus|range of cpus", "it has fewer processors than cpu_limit asks for", "lower it"),
    (r"minimum memory limit|invalid size", "memory_limit is too small for a container", "raise it"),
)


def other_processor(said: str) -> bool:
    """Whether it is the image's architecture that is in the way."""
    return re.search(_OTHER_PROCESSOR, said, re.IGNORECASE) is not None


def reason_of(said: str, host: str = "") -> Trouble | None:
    """What stands in the way and what to do, where asking again will not help; None: it may."""
    where = urlsplit(host)
    port = f"-p {where.port} " if where.port else ""
    words = {
        "host": where.hostname,
        "compare": "compare it with the host's own, then add it by"
        f" `ssh-keyscan {port}{where.hostname} >>~/.ssh/known_hosts`",
        "name": f"[{where.hostname}]:{where.port}" if where.port else where.hostname,
    }
    for pattern, what, remedy in sorted(_KNOWN, key=lambda known: "publickey" not in known[0]):
        if found := re.search(pattern, said, re.IGNORECASE):
            named = next((group for group in found.groups() if group), "")
            return Trouble(what.format(named, **words), remedy.format(named, **words))
    return None


def silence_of(error: Exception) -> str:
    """Why a daemon did not answer, as the system has it; libraries wrap that into names of their own classes."""
    of_system = (one for one in _causes(error) if isinstance(one, OSError) and one.errno is not None)
    match next(of_system, None):
        case None:
            return str(error)
        case FileNotFoundError(filename=None):
            return "nothing listens at its socket"
        case found:
            return trouble_of(found).what if found.filename else found.strerror or str(found)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
