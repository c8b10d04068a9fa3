"""The account: clients of S3 and Batch, and what AWS answers in our words. The one home of boto3 in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
import botocore.config
import botocore.exceptions as refusals

from rasreconcile.errors import Refused, Unreachable, WorkerError

T = TypeVar("T")

ATTEMPTS = 6
"""Tries of a call that is throttled or cut, by botocore, which waits longer each time."""
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
PASSING = frozenset(
    {
        *EXPIRED,
        *(
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
        ),
        *("InternalError", "InternalFailure", "ServiceUnavailable", "ServerException", "RequestTimeout"),
        *("ConditionalRequestConflict", "OperationAborted", "BadDigest", "XAmzContentChecksumMismatch"),
        *("429", "500", "502", "503", "504"),
    }
)
"""Codes of what is over after a while, or when somebody has renewed the credentials."""
GONE = frozenset({"NoSuchKey", "NoSuchUpload", "404"})
TAKEN = frozenset({"PreconditionFailed", "412"})
_AGAIN = "it will be retried"
_REMEDIES = {
    "ExpiredToken": "renew the credentials, as `aws sso login` does; runs go on meanwhile",
    "AccessDenied": "give this user or role the rights that docs/workers/aws-batch.md lists",
    "403": "give this user or role the rights that docs/workers/aws-batch.md lists",
    "NoSuchBucket": "create the bucket, or correct `bucket`",
    "PermanentRedirect": "set `region` to the bucket's",
    "AuthorizationHeaderMalformed": "set `region` to the bucket's",
    "IllegalLocationConstraintException": "set `region` to the bucket's",
    "301": "set `region` to the bucket's",
    "RequestTimeTooSkewed": "synchronise this machine's clock by NTP",
    "InvalidAccessKeyId": "correct the credentials: `aws sts get-caller-identity` shows whose they are",
    "SignatureDoesNotMatch": "correct the credentials: `aws sts get-caller-identity` shows whose they are",
    "UnrecognizedClientException": "correct the credentials: `aws sts get-caller-identity` shows whose they are",
    "ClientException": "correct `queue`, `job_definition`, `cores_per_plan` or `memory_per_plan`",
}
_SAME = {
    "ExpiredTokenException": "ExpiredToken",
    "RequestExpired": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
    "UnauthorizedOperation": "AccessDenied",
    "InvalidClientTokenId": "InvalidAccessKeyId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
}


class Account:
    """Clients, made when they are first used; botocore's may be used by several threads."""

    def __init__(self, *, region: str | None, profile: str | None, endpoint: str | None) -> None:
        self._region = region
        self._profile = profile
        self.endpoint = endpoint
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, **words: Any) -> Any:
        """What the operation answers. Raises Missing, Taken, Unreachable, Refused."""
        return self.asking(lambda: getattr(self._client(service), operation)(**words))

    def asking(self, ask: Callable[[], T]) -> T:
        """What `ask` returns; what AWS or the way to it says against it, in our words."""
        try:
            return ask()
        except refusals.ClientError as error:
            raise self._in_our_words(error) from error
        except (refusals.NoCredentialsError, refusals.PartialCredentialsError) as error:
            remedy = "`aws configure`, `aws sso login`, or a role for this machine"
            raise Refused(f"there are no credentials for AWS: {error}", remedy) from error
        except (refusals.NoRegionError, refusals.ProfileNotFound, refusals.ConfigParseError) as error:
            raise Refused(f"{error}", "correct `region`, `profile` or ~/.aws/config") from error
        except (refusals.UnauthorizedSSOTokenError, refusals.TokenRetrievalError) as error:
            self.forget()
            raise Unreachable(f"{error}", _REMEDIES["ExpiredToken"]) from error
        except refusals.ParamValidationError as error:
            raise Refused(f"{error}".replace("\n", " "), "correct the worker in the spec") from error
        except (refusals.BotoCoreError, OSError) as error:
            raise Unreachable(f"AWS does not answer: {error}", _AGAIN) from error

    @property
    def region(self) -> str:
        """That calls go to."""
        return self.asking(lambda: str(self._client("batch").meta.region_name))

    def forget(self) -> None:
        """The clients: the next call reads the credentials again."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                session = boto3.Session(profile_name=self._profile, region_name=self._region)
                config = botocore.config.Config(
                    connect_timeout=10,
                    read_timeout=60,
                    max_pool_connections=32,
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                )
                self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=config)
            return self._clients[service]

    def _in_our_words(self, error: refusals.ClientError) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = str(error.response.get("Error", {}).get("Message", "")) or code
        if code in GONE:
            return Missing(said)
        if code in TAKEN:
            return Taken(said)
        if code in EXPIRED:
            self.forget()
        remedy = _REMEDIES.get(_SAME.get(code, code))
        what = f"{error.operation_name}: {said} ({code})"
        if code in PASSING or status >= 500:
            return Unreachable(what, remedy or _AGAIN)
        return Refused(what, remedy or "see what AWS says of it")


class Missing(WorkerError):
    """There is no such object."""


class Taken(WorkerError):
    """There is such an object already."""
