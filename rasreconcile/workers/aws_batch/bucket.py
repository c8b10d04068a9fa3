"""Objects of one bucket: written with the digest that they must have, read back with the digest that they have."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from rasreconcile.errors import Unreachable
from rasreconcile.hashed_copy import CHUNK
from rasreconcile.jobs import Fetched, Staged
from rasreconcile.workers.aws_batch.account import Account, Missing, Taken
from rasreconcile.workers.aws_batch.keys import Keys, Listed
from rasreconcile.workers.aws_batch.parts import Parts, part_size
from rasreconcile.workers.input_cache import changed, reading

_AT_ONCE = 1000
_RESUMED = 8
"""Times that one download continues where the connection was cut."""
DIGEST = "sha256"
"""Under this name the digest of an object's bytes is kept with it."""
Way = Literal["whatever is there", "unless there"]


class Bucket:
    """Raises Unreachable and Refused as its account does. May be used by several threads."""

    def __init__(self, account: Account, keys: Keys, kms_key: str | None = None) -> None:
        self.account = account
        self.keys = keys
        self.sealed: Mapping[str, str] = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        )
        """What is said with every object that is written."""

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Every object below `prefix`, a thousand in one round trip."""
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=prefix, **more)
            for one in page.get("Contents", ()):
                yield Listed(one["Key"], int(one["Size"]), one["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def read(self, key: str, offset: int = 0, limit: int = 1 << 20) -> bytes | None:
        """Part of an object; None: there is none."""
        if limit <= 0:
            return b""
        try:
            answer = self._call("get_object", Key=key, Range=f"bytes={offset}-{offset + limit - 1}")
            return self.account.asking(lambda: bytes(answer["Body"].read(limit)))
        except Missing:
            return None
        except Exception as error:
            if _says(error, "InvalidRange"):
                return b""
            raise

    def seen(self, key: str) -> Mapping[str, Any] | None:
        """What S3 tells of an object without sending it; None: there is none."""
        try:
            found: Mapping[str, Any] = self._call("head_object", Key=key, ChecksumMode="ENABLED")
        except Missing:
            return None
        return found

    def put(self, key: str, data: bytes, way: Way = "whatever is there") -> None:
        """Writes a small object; S3 compares the digest. Raises Taken."""
        whole = hashlib.sha256(data)
        once = {"IfNoneMatch": "*"} if way == "unless there" else {}
        self._call(
            "put_object",
            Key=key,
            Body=data,
            ChecksumSHA256=base64.b64encode(whole.digest()).decode(),
            Metadata={DIGEST: whole.hexdigest()},
            **once,
            **self.sealed,
        )

    def holds(self, key: str, size: int, digest: str) -> Mapping[str, Any] | None:
        """What S3 tells of the object where it is there and, as far as S3 can tell, is this one."""
        found = self.seen(key)
        if found is None or found["ContentLength"] != size:
            return None
        if found.get("Metadata", {}).get(DIGEST) != digest:
            return None
        told = found.get("ChecksumSHA256", "")
        if told and "-" not in told and told != base64.b64encode(bytes.fromhex(digest)).decode():
            return None
        return found

    def send(self, key: str, staged: Staged) -> None:
        """Puts a file there once: of two that do so at once one is first, and both are content.

        Raises InputChanged where its bytes are no longer those that were hashed.
        """
        if staged.size > part_size(staged.size):
            Parts(self.account, self.keys.bucket, key, staged, self.sealed).send()
            return
        data, whole = bytearray(), hashlib.sha256()
        with reading(staged) as read:
            while part := read():
                data += part
                whole.update(part)
                if len(data) > staged.size:
                    raise changed(staged)
        if whole.hexdigest() != staged.digest:
            raise changed(staged)
        self.put(key, bytes(data))

    def fetch(self, key: str, into: Path, name: str) -> Fetched:
        """Copies an object to `into`, flushed; continues where the connection is cut. Raises FileNotFoundError."""
        whole, size, cut = hashlib.sha256(), 0, 0
        total: int | None = None
        write = None
        try:
            while total is None or size < total:
                try:
                    answer = self._from(key, size, name)
                    total = size + int(answer["ContentLength"])
                    if write is None:
                        # Not before: where there is no such output nothing is made here.
                        write = into.open("wb")
                    read: Callable[[int], bytes] = answer["Body"].read
                    while part := self.account.asking(lambda read=read: read(CHUNK)):  # type: ignore[misc]
                        write.write(part)
                        whole.update(part)
                        size += len(part)
                except Unreachable:
                    cut += 1
                    if cut > _RESUMED:
                        raise
            if write is not None:
                write.flush()
                os.fsync(write.fileno())
        finally:
            if write is not None:
                write.close()
        return Fetched(size, whole.hexdigest())

    def copy_onto_itself(self, key: str, size: int, digest: str) -> None:
        """So that it counts as used now."""
        if size >= 5 << 30:
            # More than one request may copy: such a file is sent again when the bucket's rule has removed it.
            return
        self._call(
            "copy_object",
            Key=key,
            CopySource={"Bucket": self.keys.bucket, "Key": key},
            Metadata={DIGEST: digest},
            MetadataDirective="REPLACE",
            **self.sealed,
        )

    def remove(self, keys: Collection[str]) -> None:
        """A thousand in one round trip, in this order; what is not there is no fault."""
        names = list(keys)
        for at in range(0, len(names), _AT_ONCE):
            some = [{"Key": key} for key in names[at : at + _AT_ONCE]]
            answer = self._call("delete_objects", Delete={"Objects": some, "Quiet": True})
            for fault in answer.get("Errors", ()):
                raise Unreachable(
                    f"{fault['Key']} cannot be removed: {fault.get('Message')}", "it will be retried"
                )

    def abort_uploads(self, prefix: str, before: float) -> None:
        """What is left of uploads that nobody completes, begun before this time in seconds since the epoch."""
        for one in self._call("list_multipart_uploads", Prefix=prefix).get("Uploads", ()):
            if one["Initiated"].timestamp() < before:
                self._call("abort_multipart_upload", Key=one["Key"], UploadId=one["UploadId"])

    def _from(self, key: str, offset: int, name: str) -> Mapping[str, Any]:
        at = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            found: Mapping[str, Any] = self._call("get_object", Key=key, **at)
        except Missing as error:
            raise FileNotFoundError(2, f"there is no {key}", name) from error
        return found

    def _call(self, operation: str, **words: Any) -> Any:
        return self.account.call("s3", operation, Bucket=self.keys.bucket, **words)


def put_once(bucket: Bucket, key: str, data: bytes) -> Literal["put", "there"]:
    """Whoever is first puts it. A put whose answer was lost is found to be one's own by what is there."""
    try:
        bucket.put(key, data, "unless there")
    except Taken:
        return "put" if bucket.read(key, 0, len(data) + 1) == data else "there"
    return "put"


def _says(error: Exception, code: str) -> bool:
    cause = error.__cause__
    response = getattr(cause, "response", None)
    return isinstance(response, dict) and response.get("Error", {}).get("Code") in {code, "416"}
