"""The key that a host shows: whether it is the known one, and what to do where it is not."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass

from rasreconcile.errors import Refused
from rasreconcile.workers.openssh.certificate import SUFFIX, Certificate
from rasreconcile.workers.openssh.known_hosts import Known, fingerprint, known_hosts
from rasreconcile.workers.openssh.login import Login

_RSA = frozenset({"rsa-sha2-512", "rsa-sha2-256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the host showed."""

    kind: str
    key: bytes
    """As it travels, without a certificate."""
    certificate: bytes | None = None


class Trust:
    """What is known of the host of a login. Reads the files once."""

    def __init__(self, login: Login) -> None:
        """Raises Refused where a file is there and cannot be read."""
        self._login = login
        self._name = login.key_name or login.hostname
        has_port = login.port != 22 and not login.key_name
        self._entry = f"[{self._name}]:{login.port}" if has_port else self._name
        self._known = known_hosts(login.known_hosts, self._entry)
        # As ssh: a line without the port is good enough to accept a key, and no reason to refuse another.
        self._bare = known_hosts(login.known_hosts, self._name) if has_port else Known((), ())

    def in_order(self, algorithms: Collection[str]) -> tuple[str, ...]:
        """Those first by which the host can show what is known of it."""
        keys = [*self._known.of(""), *self._bare.of("")]
        kinds = {one.kind for one in keys}
        kinds |= _RSA if "ssh-rsa" in kinds else set()
        authorities = [*self._known.of("cert-authority"), *self._bare.of("cert-authority")]

        def rank(name: str) -> int:
            if name.endswith(SUFFIX):
                return 0 if authorities else 3
            return 1 if name in kinds else 2

        return tuple(sorted(algorithms, key=rank))

    def judge(self, shown: Shown, now: float) -> None:
        """Raises Refused where the host is not known by this key."""
        invalidate = None
        certificate = None
        if shown.certificate is not None:
            try:
                certificate = Certificate.parse(shown.certificate)
            except ValueError as error:
                invalidate = str(error)
        self._refuse_revoked(shown, certificate)
        if certificate is not None:
            invalidate = self._doubt(certificate, now)
            if invalidate is None:
                return
        same = {one.blob for one in (*self._known.of(""), *self._bare.of(""))}
        if shown.key in same:
            return
        if self._known.of(""):
            raise self._changed(shown)
        raise self._unknown(shown, invalidate)

    def _refuse_revoked(self, shown: Shown, certificate: Certificate | None) -> None:
        blobs = [shown.key, *([certificate.authority] if certificate else [])]
        for known in (self._known, self._bare):
            if (line := known.revoked(blobs)) is not None:
                whose = "its key" if line.blob == shown.key else "the authority of its certificate"
                raise Refused(
                    f"{self._login}: {whose} is revoked: {line.where} revokes {line.kind} "
                    f"{fingerprint(line.blob)}",
                    "someone may be intercepting the connection. Ask who runs this host for its new key",
                )

    def _doubt(self, certificate: Certificate, now: float) -> str | None:
        """Why the certificate does not prove it; None: it does."""
        known = [*self._known.of("cert-authority"), *self._bare.of("cert-authority")]
        if not any(line.blob == certificate.authority for line in known):
            by = fingerprint(certificate.authority)
            return f"its certificate is signed by {by}, which no line `@cert-authority` for it names"
        fault = certificate.fault(self._name, now)
        return f"its certificate is not accepted: {fault}" if fault else None

    def _changed(self, shown: Shown) -> Refused:
        login, old = self._login, self._known.of("")
        was = next((one for one in old if one.kind == shown.kind), old[0])
        file = was.where.rpartition(":")[0]
        return Refused(
            f"{login}: ITS HOST KEY HAS CHANGED: it shows {shown.kind} {fingerprint(shown.key)}, "
            f"known is {fingerprint(was.blob)} ({was.where})",
            "someone may be intercepting the connection. Only if you know that it was reinstalled: "
            f"`ssh-keygen -R {shlex.quote(self._entry)} -f {shlex.quote(file)}`, then add the new key",
        )

    def _unknown(self, shown: Shown, invalidate: str | None) -> Refused:
        login = self._login
        add = f"ssh-keyscan -p {login.port} {shlex.quote(login.hostname)} >> {shlex.quote(str(login.known_hosts[0]))}"
        if login.through is not None or login.command is not None or login.key_name:
            add = f"ssh -p {login.port} {shlex.quote(login.hostname)}"
        notes = [invalidate] if invalidate else []
        notes += [f"{', '.join(self._known.unread)} cannot be read"] if self._known.unread else []
        more = f" ({'; '.join(notes)})" if notes else ""
        return Refused(
            f"{login}: its host key is not known{more}: {shown.kind} {fingerprint(shown.key)}",
            "compare this with what `ssh-keygen -lf` says there of its /etc/ssh/ssh_host_*_key.pub, "
            f"then add it: `{add}`",
        )
