"""A private key: read from any file that OpenSSH takes, and the remedy where it cannot be."""

from __future__ import annotations

import io
import shlex
from base64 import b64decode
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from rasreconcile.errors import Refused
from rasreconcile.plain_files import LARGEST_SMALL, whole

_PUBLIC = (
    b"ssh-",
    b"ecdsa-",
    b"sk-ssh-",
    b"sk-ecdsa-",
    b"-----BEGIN PUBLIC KEY",
    b"---- BEGIN SSH2 PUBLIC KEY",
)
_UNLOCK = "load it into the agent with `ssh-add`, or name its passphrase under `password`"


def private_key(path: Path, passphrase: str | None) -> paramiko.PKey:
    """The key in this file. Raises Refused with the remedy."""
    data = _bytes(path)
    _refuse_other_kinds(path, data)
    loaded = _loaded(path, data, passphrase)
    match loaded:
        case rsa.RSAPrivateKey():
            kind: type[paramiko.PKey] = paramiko.RSAKey
        case ed25519.Ed25519PrivateKey():
            kind = paramiko.Ed25519Key
        case ec.EllipticCurvePrivateKey():
            kind = paramiko.ECDSAKey
        case _:
            raise _unsupported(path, type(loaded).__name__)
    # One format for all that OpenSSH reads: paramiko itself knows fewer.
    text = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    try:
        return kind.from_private_key(io.StringIO(text.decode()))
    except (paramiko.SSHException, ValueError) as error:
        raise _unsupported(path, str(error)) from error


def public_half(path: Path) -> bytes | None:
    """The public key of a private one, as it travels, without its passphrase: of FILE.pub, or of the file itself."""
    for place in (path, path.with_name(f"{path.name}.pub")):
        try:
            found = _public(whole(place, LARGEST_SMALL))
        except OSError:
            continue
        if found is not None:
            return found
    return None


def _public(data: bytes) -> bytes | None:
    try:
        if data.startswith(_PUBLIC):
            return paramiko.pkey.PublicBlob.from_string(data.decode(errors="replace")).key_blob
        if b"BEGIN OPENSSH PRIVATE KEY" in data:
            # The public half of a locked key lies open in its head: magic, cipher, KDF and its options, count, key.
            body = data.split(b"KEY-----", 1)[1].split(b"-----END", 1)[0]
            packed = b64decode(b"".join(body.split()), validate=True)
            read = paramiko.Message(packed.removeprefix(b"openssh-key-v1\0"))
            _, _, _, count = read.get_string(), read.get_string(), read.get_string(), read.get_int()
            return read.get_string() if count == 1 else None
    except (paramiko.SSHException, ValueError, IndexError):
        return None
    return None


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise Refused(f"{path} is a folder", f"name the private key in it, such as {path / 'id_ed25519'}")
        return whole(path, LARGEST_SMALL)
    except FileNotFoundError as error:
        raise Refused(
            f"there is no key {path}", f"make one with `ssh-keygen -f {path}`, or correct the path"
        ) from error
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}", "make the key readable for this user") from error


def _refuse_other_kinds(path: Path, data: bytes) -> None:
    quoted = shlex.quote(str(path))
    if data.startswith(b"PuTTY-User-Key-File"):
        made = shlex.quote(str(path.with_suffix("") if path.suffix.lower() == ".ppk" else f"{path}.openssh"))
        raise Refused(
            f"{path} is a key of PuTTY, which OpenSSH does not read",
            f"convert it with `puttygen {quoted} -O private-openssh -o {made}` and name {made}",
        )
    if data.startswith(_PUBLIC):
        private = path.with_name(path.name.removesuffix(".pub").removesuffix("-cert"))
        other = "the private key that belongs to it"
        if private != path and private.is_file():
            other = f"{private}, its private key"
        raise Refused(
            f"{path} is a public key, and a login needs the private one",
            f"name {other} (`ssh-keygen -f FILE` makes a pair)",
        )
    if b"BEGIN SSH2 ENCRYPTED PRIVATE KEY" in data:
        raise Refused(
            f"{path} is a key of another SSH program",
            f"convert it with `ssh-keygen -i -f {quoted} > {quoted}.openssh` and name {path}.openssh",
        )


def _loaded(path: Path, data: bytes, passphrase: str | None) -> object:
    word = passphrase.encode() if passphrase else None
    load = (
        serialization.load_ssh_private_key
        if b"BEGIN OPENSSH PRIVATE KEY" in data
        else serialization.load_pem_private_key
    )
    try:
        return load(data, word)
    except TypeError as error:
        if word is None:
            raise Refused(f"{path} needs its passphrase", _UNLOCK) from error
        # It has no passphrase, and one was given.
        return _loaded(path, data, None)
    except UnsupportedAlgorithm as error:
        raise _unsupported(path, str(error)) from error
    except ValueError as error:
        if word is None and b"ENCRYPTED" in data:
            raise Refused(f"{path} needs its passphrase", _UNLOCK) from error
        if b"PRIVATE KEY" not in data:
            raise Refused(
                f"{path} is not a private key", "name one, or make one with `ssh-keygen -f FILE`"
            ) from error
        if word is not None:
            raise Refused(
                f"{path} cannot be read: its passphrase is wrong, or it is damaged",
                f"correct `password`, and check whether `ssh-keygen -y -f {shlex.quote(str(path))}` reads it",
            ) from error
        raise Refused(
            f"{path} cannot be read: it is damaged",
            f"check whether `ssh-keygen -y -f {shlex.quote(str(path))}` reads it",
        ) from error


def _unsupported(path: Path, why: str) -> Refused:
    return Refused(
        f"{path}: keys of this kind are not supported ({' '.join(why.split())[:120]})",
        "make an ed25519, ecdsa or rsa key with `ssh-keygen -t ed25519`, or load this one into the agent",
    )
