"""What a container knows of S3 and of files: the first half of the program that it runs; see `in_container.py`."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import time
from pathlib import Path
from typing import Any

import botocore.exceptions

CHUNK = 1 << 20
PART = 64 << 20
PATIENCE = 900.0
"""Seconds for which what a run has left is sent again, where S3 does not take it."""
PLAIN = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))
"""No link is followed, and no pipe waited for; Windows knows none of these, and no container runs there."""


class Unfit(Exception):
    """Nothing will come of this start; the message says why."""


class Objects:
    """The bucket, as this container sees it."""

    def __init__(self, s3: Any, words: dict[str, Any]) -> None:
        self.s3 = s3
        self.bucket = words["bucket"]
        self.prefix = words["prefix"]
        self.sealed = words["sealed"]

    def get(self, key: str) -> bytes | None:
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + key)
        except botocore.exceptions.ClientError as error:
            if code_of(error) in {"NoSuchKey", "404"}:
                return None
            raise
        return bytes(found["Body"].read())

    def put(self, key: str, data: bytes, **more: Any) -> None:
        whole = hashlib.sha256(data)
        self.s3.put_object(
            Bucket=self.bucket,
            Key=self.prefix + key,
            Body=data,
            ChecksumSHA256=base64.b64encode(whole.digest()).decode(),
            Metadata={"sha256": whole.hexdigest()},
            **more,
            **self.sealed,
        )

    def claim(self, key: str, data: bytes) -> bool:
        """Whether it is this container that put it there; its own put may have been answered by nobody."""
        until = time.monotonic() + 60
        while True:
            try:
                self.put(key, data, IfNoneMatch="*")
            except botocore.exceptions.ClientError as error:
                if code_of(error) in {"PreconditionFailed", "412"}:
                    return self.get(key) == data
                # Another write to it was going on: whose claim holds is not known yet.
                if code_of(error) not in {"ConditionalRequestConflict", "409"} or time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return True

    def fetch(self, key: str, into: Path, digest: str) -> None:
        """Raises Unfit where what arrives has another digest."""
        into.parent.mkdir(parents=True, exist_ok=True)
        whole = hashlib.sha256()
        for attempt in range(3):
            try:
                found = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + key)
                whole = hashlib.sha256()
                with into.open("wb") as write:
                    for part in found["Body"].iter_chunks(CHUNK):
                        write.write(part)
                        whole.update(part)
                break
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
                if code_of(error) in {"NoSuchKey", "404"}:
                    raise Unfit(f"{key} is not in the bucket any more") from error
                if attempt == 2:
                    raise
        if whole.hexdigest() != digest:
            raise Unfit(f"{key} arrived with the digest {whole.hexdigest()[:12]}, it should be {digest[:12]}")

    def send(self, key: str, file: int, size: int, digest: str) -> None:
        """A file by its descriptor. Raises Unfit where its bytes are not those of the digest."""
        if size <= PART:
            data = read_all(file, size)
            if hashlib.sha256(data).hexdigest() != digest:
                raise Unfit(f"{key} changed after it was measured")
            patiently(lambda: self.put(key, data))
            return
        where = {"Bucket": self.bucket, "Key": self.prefix + key}
        begun = patiently(
            lambda: self.s3.create_multipart_upload(
                **where, ChecksumAlgorithm="SHA256", Metadata={"sha256": digest}, **self.sealed
            )
        )
        parts: list[dict[str, Any]] = []
        whole, left = hashlib.sha256(), size
        at_once = max(PART, -(-size // 9000))
        while left > 0:
            data = read_all(file, min(at_once, left))
            left -= len(data) or left
            whole.update(data)
            checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
            one = {"PartNumber": len(parts) + 1, "ChecksumSHA256": checksum}
            sent = patiently(
                lambda one=one, data=data: self.s3.upload_part(
                    **where, UploadId=begun["UploadId"], Body=data, **one
                )
            )
            parts.append({**one, "ETag": sent["ETag"]})
        if whole.hexdigest() != digest:
            self.s3.abort_multipart_upload(**where, UploadId=begun["UploadId"])
            raise Unfit(f"{key} changed after it was measured")
        patiently(
            lambda: self.s3.complete_multipart_upload(
                **where, UploadId=begun["UploadId"], MultipartUpload={"Parts": parts}
            )
        )

    def drop(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=self.prefix + key)


def code_of(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def patiently(call: Any) -> Any:
    """What was computed for hours is worth some minutes: calls again until S3 takes it, or says no."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except botocore.exceptions.BotoCoreError:
            if time.monotonic() > until:
                raise
        except botocore.exceptions.ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            passing = status >= 500 or status in {408, 429} or code_of(error) == "BadDigest"
            if not passing or time.monotonic() > until:
                raise
        time.sleep(1)


def read_all(file: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.read(file, min(size, CHUNK))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_plain(path: Path, limit: int, offset: int = 0) -> bytes:
    """Part of a plain file; empty where it is none, whatever a job has put in its place."""
    try:
        file = os.open(path, PLAIN)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return b""
        os.lseek(file, offset, os.SEEK_SET)
        return read_all(file, limit)
    finally:
        os.close(file)


def opened_inside(place: Path, name: str) -> int | None:
    """A plain file inside the run directory, also by a link that stays there."""
    try:
        really = (place / name).resolve(strict=True)
        really.relative_to(place.resolve())
        file = os.open(really, PLAIN)
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None
