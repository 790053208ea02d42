"""Turn what was read of a reply, or the exception in its place, into a `Response` or a `Failure`.

Both drivers do it here, so they report the same. It never decides what to do next.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator
from typing import Final

from pydantic import SecretStr

from langchain_segmind._flows.types import Failure, FaultKind, Response
from langchain_segmind._http.headers import Headers
from langchain_segmind._text import redact

CHUNK_BYTES: Final = 64 * 1024
_MAX_REPLY_BYTES: Final = 32 * 1024 * 1024
_MAX_ERROR_BYTES: Final = 64 * 1024
_MAX_INFLATED_BYTES: Final = 16 * CHUNK_BYTES  # at once

MAX_LATE_WORK: Final = 0.5
"""Seconds of CPU time that reading a reply may take after its deadline, as long as bytes are there.

It ends a reply whose server keeps sending. A full socket's buffer takes a part of it."""

POOL_TIMEOUT: Final = Failure("not_sent", "timeout", "no connection became free")
PROXY_AUTH_REQUIRED: Final = Failure("not_sent", "connection", "the proxy answered 407")


def max_body_bytes(status: int) -> int:
    """Return how many bytes of a body are worth reading."""
    return _MAX_REPLY_BYTES if 200 <= status < 300 else _MAX_ERROR_BYTES


def response_from_parts(
    status: int,
    headers: Headers,
    body: bytearray,
    error: BaseException | None,
    key: SecretStr | None,
) -> Response:
    """Build the value of a reply from what was read of it before it ended, or broke with `error`.

    Only a complete 2xx body is kept whole, and nothing big is held twice. The key is redacted,
    should the gateway echo it.
    """
    secret = "" if key is None else key.get_secret_value()
    by_name = dict(reversed(headers))  # the first of several with one name counts
    if secret in "|".join(by_name.values()):
        by_name = {name: redact(value, secret) for name, value in by_name.items()}
    limit = max_body_bytes(status)
    fault: FaultKind | None = None
    detail = ""
    if error is not None:
        fault = "timeout" if _is_timeout(error) else "cut"
        detail = "" if fault == "timeout" else _root_message(error)
    elif len(body) > limit:
        fault, detail = "too_large", f"more than {limit} bytes"
    elif "content-encoding" in by_name:
        body, fault = _decompress(body, by_name["content-encoding"], limit)
    is_clipped = (fault is not None or not 200 <= status < 300) and len(body) > _MAX_ERROR_BYTES
    kept = bytes(body[:_MAX_ERROR_BYTES] if is_clipped else body)
    if secret.encode() in kept:  # an echo of the key could end up in an error or a log
        kept = redact(kept.decode("latin-1"), secret).encode("latin-1")
    if is_clipped:
        kept = kept[: len(kept) - len(secret)]  # the end may be a part of the key
    return Response(status, by_name, kept, fault, redact(detail, secret) if detail else "")


def _decompress(body: bytearray, encoding: str, limit: int) -> tuple[bytearray, FaultKind | None]:
    """Decompress a body that was compressed although we asked for none, up to a limit."""
    match encoding.strip().lower():
        case "identity" | "":
            return body, None
        case "gzip" | "x-gzip" | "deflate":
            return _inflate(body, limit)
        case _:
            return body, "encoding"


def _inflate(body: bytearray, limit: int) -> tuple[bytearray, FaultKind | None]:
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    inflated = bytearray()
    for start in range(0, len(body), CHUNK_BYTES):
        compressed: bytes = bytes(body[start : start + CHUNK_BYTES])
        chunk = b"?"
        while (compressed or len(chunk) == _MAX_INFLATED_BYTES) and not decompressor.eof:
            try:
                chunk = decompressor.decompress(compressed, _MAX_INFLATED_BYTES)
            except zlib.error:
                return body, "encoding"
            inflated += chunk
            if len(inflated) > limit:
                return inflated, "too_large"
            compressed = decompressor.unconsumed_tail
    return inflated, None if decompressor.eof else "cut"


def failure_from_error(error: BaseException, *, is_sent: bool, target: str) -> Failure:
    """Build the value of an exchange that broke before any reply.

    Args:
        error: What broke it.
        is_sent: Whether there was a connection and the request began to leave.
        target: Where the connection was to lead.
    """
    if is_sent:
        is_timeout = _is_timeout(error)
        fault: FaultKind = "timeout" if is_timeout else "connection"
        return Failure("unknown", fault, "" if is_timeout else _root_message(error))
    if _is_timeout(error):
        return Failure("not_sent", "timeout", f"no connection to {target}")
    is_tls = any(_is_tls_refusal(cause) for cause in _causes(error))
    detail = f"{target}: {_root_message(error)}"
    return Failure("not_sent", "tls" if is_tls else "connection", detail)


def _is_tls_refusal(error: BaseException) -> bool:
    """Return whether TLS itself failed, which a retry cannot mend; a broken connection can be."""
    is_broken = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return isinstance(error, ssl.SSLError | ssl.CertificateError) and not is_broken


def _is_timeout(error: BaseException) -> bool:
    """Return whether a timeout is among the causes of an exception."""
    # Python 3.10's asyncio.TimeoutError is not yet the built-in one.
    return any(
        isinstance(cause, TimeoutError) or type(cause).__name__ == "TimeoutError"
        for cause in _causes(error)
    )


def _root_message(error: BaseException) -> str:
    """Return the message of the deepest cause of an exception, the system's own if there is one."""
    errors = list(_causes(error))
    system = [e.strerror for e in errors if isinstance(e, OSError) and e.strerror]
    others = [str(e) for e in errors if str(e) and " object at 0x" not in str(e)]
    return (system or others[::-1] or [type(error).__name__])[0][:300]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes; requests and urllib3 also keep them in other places."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            nested = getattr(cause, "reason", None)
            pending += [cause.__context__, cause.__cause__, nested, *cause.args]
