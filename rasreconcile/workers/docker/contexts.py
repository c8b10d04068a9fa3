"""Which daemon Docker's own command line would talk to: by DOCKER_HOST, DOCKER_CONTEXT, or the context in use.

As `resolveContextName` of docker/cli has it, and the folders of its context store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasreconcile.errors import Refused
from rasreconcile.plain_files import head

_LARGEST = 4 << 20
_DEFAULT = "default"
_INSTEAD = "or set docker_host in the spec"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files that a daemon's TLS needs; None: this one is not there."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    skip_verify: bool = False
    """The context says that the daemon's certificate is not to be checked."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A daemon's address, and what it is dialled with."""

    host: str
    certificates: Certificates | None = None


def endpoint_of_context(environ: Mapping[str, str], home: Path | None) -> Endpoint | None:
    """Where the context in use leads; None: none is in use, and DOCKER_HOST or the local daemon is meant.

    Raises Refused where it is one that Docker could not use either.
    """
    if environ.get("DOCKER_HOST"):
        return None
    folder = _config_folder(environ, home)
    name, why = environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    if not name and folder is not None:
        name, why = _current_context(folder / "config.json"), str(folder / "config.json")
    if not name or name == _DEFAULT:
        return None
    return _endpoint(folder, name, why)


def _config_folder(environ: Mapping[str, str], home: Path | None) -> Path | None:
    if named := environ.get("DOCKER_CONFIG"):
        return Path(named)
    return None if home is None else home / ".docker"


def _current_context(config: Path) -> str | None:
    """None where there is no such file, or it names none."""
    document = _document(config)
    name = document.get("currentContext") if document is not None else None
    return name if isinstance(name, str) else None


def _endpoint(folder: Path | None, name: str, why: str) -> Endpoint:
    digest = hashlib.sha256(name.encode()).hexdigest()
    document = None
    if folder is not None:
        document = _document(folder / "contexts" / "meta" / digest / "meta.json")
    if document is None or folder is None:
        raise Refused(
            f"the Docker context {name!r}, which {why} names, does not exist",
            f"choose one of `docker context ls` by `docker context use`, {_INSTEAD}",
        )
    endpoints = document.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(host, str) or "://" not in host:
        raise Refused(
            f"the Docker context {name!r} has no address of a daemon",
            f"look at it with `docker context inspect {name}`, {_INSTEAD}",
        )
    skip = isinstance(docker, dict) and docker.get("SkipTLSVerify") is True
    return Endpoint(host, _certificates(folder / "contexts" / "tls" / digest / "docker", skip))


def _certificates(folder: Path, skip_verify: bool) -> Certificates | None:
    authority, certificate, key = (
        folder / name if (folder / name).is_file() else None for name in ("ca.pem", "cert.pem", "key.pem")
    )
    if not (authority or certificate or key or skip_verify):
        return None
    return Certificates(authority, certificate, key, skip_verify)


def _document(path: Path) -> dict[str, Any] | None:
    """A JSON object; None where there is no such file. Raises Refused where it cannot be read."""
    try:
        document = json.loads(head(path, _LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}", f"correct its rights, {_INSTEAD}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(f"{path}: it is not JSON: {error}", f"correct it, {_INSTEAD}") from error
    if not isinstance(document, dict):
        raise Refused(f"{path}: it is not a JSON object", f"correct it, {_INSTEAD}")
    return document
