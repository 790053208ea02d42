"""Heads and bodies of replies that break the rules."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Final

from langchain_segmind import errors as e
from tests.faults import server as does
from tests.faults.catalog.scenario import FINE, executed, fine, runs_and_sends, unknown
from tests.faults.server import Act, head, reply, sends


def _answers(headers: bytes) -> Act:
    return sends(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + FINE, then=does.waits(0.05))


def _chunked(body: bytes) -> Act:
    return sends(CHUNKED + body)


CHUNKED: Final = head(200, {"Transfer-Encoding": "chunked"}, None)
LENGTH: Final = b"Content-Length: %d\r\n" % len(FINE)

HEADS: Final = [
    *unknown(
        "head",
        e.SegmindConnectionError,
        {
            "no HTTP at all": b"what?\r\n\r\n",
            "bytes": bytes(range(255, 0, -1)) * 4,
            "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18,
            "a status that is not a number": b"HTTP/1.1 abc OK\r\n\r\n",
            "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
            "a status of zeros": b"HTTP/1.1 000 OK\r\n\r\n",
            "another protocol switched to": b"HTTP/1.1 101 OK\r\nUpgrade: x\r\n\r\n",
            "a status line too long": b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
            "a header too long": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        },
        act=sends,
        runs=1,
    ),
    *unknown(
        "head",
        e.SegmindConnectionError,
        {
            "150 headers": b"".join(b"X-%d: x\r\n" % n for n in range(150)) + LENGTH,
            "one length twice": LENGTH + LENGTH,
            "two lengths": LENGTH + b"Content-Length: 5\r\n",
            "a list of lengths": b"Content-Length: 5, 5\r\n",
            "a negative length": b"Content-Length: -1\r\n",
            "a length that is not a number": b"Content-Length: many\r\n",
            "a length in hexadecimals": b"Content-Length: 0x44\r\n",
            "an empty length": b"Content-Length:\r\n",
            "an endless length": b"Content-Length: " + b"9" * 30 + b"\r\n",
            "a length and chunks": LENGTH + b"Transfer-Encoding: chunked\r\n",
            "a strange transfer": b"Transfer-Encoding: gzip, chunked\r\n",
            "NUL in a value": LENGTH + b"X-A: a\0b\r\n",
            "NUL in a name": LENGTH + b"X\0A: b\r\n",
            "a lone CR in a value": LENGTH + b"X-A: a\rb\r\n",
            "a header without a colon": LENGTH + b"what\r\n",
            "a header without a name": LENGTH + b": b\r\n",
            "a header's name with a space": LENGTH + b"X A: b\r\n",
        },
        act=_answers,
        runs=1,
    ),
    *fine(
        "head",
        {
            "60 KB of one header": b"X: " + b"x" * 60_000 + b"\r\n" + LENGTH,
            "90 headers": b"".join(b"X-%d: x\r\n" % n for n in range(90)) + LENGTH,
            "a header folded": LENGTH + b"X-A: one\r\n two\r\n",
            "a header in Latin-1": LENGTH + b"X-A: caf\xe9\r\n",
            "a header in UTF-8": LENGTH + "X-A: \u2603\r\n".encode(),
            "an empty header": LENGTH + b"X-A:\r\n",
            "a control character": LENGTH + b"X-A: a\x1b[31mb\r\n",
            "odd numbers": LENGTH + b"X-Cost: much\r\nX-Remaining-Credits: nan\r\n",
            "a cookie": LENGTH + b"Set-Cookie: a=b; Domain=127.0.0.1\r\n",
            "another content type": LENGTH + b"Content-Type: text/html; charset=latin-1\r\n",
        },
        act=_answers,
    ),
    *executed(
        "head",
        e.SegmindResponseError,
        {
            "a chunk of no size": b"\r\n%s\r\n0\r\n\r\n" % FINE,
            "a chunk of negative size": b"-5\r\n%s\r\n0\r\n\r\n" % FINE,
            "a chunk whose size is not a number": b"zz\r\n%s\r\n0\r\n\r\n" % FINE,
            "a chunk longer than its size": b"5\r\n%s\r\n0\r\n\r\n" % FINE,
            "a chunk of endless size": b"f" * 20 + b"\r\n%s\r\n0\r\n\r\n" % FINE,
        },
        act=_chunked,
    ),
]


def _packed(encoded: tuple[str, bytes]) -> Act:
    encoding, body = encoded
    return reply(200, body, {"Content-Encoding": encoding}, runs=True)


BODIES: Final = [
    *executed(
        "body",
        e.SegmindResponseError,
        {
            "empty": b"",
            "blank": b" \r\n\t",
            "HTML": b"<!doctype html><html><body>Sign in</body></html>",
            "plain text": b"Service is fine",
            "cut JSON": FINE[:-5],
            "two answers": FINE + FINE,
            "bytes": bytes(range(256)),
            "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
            "an answer nested 100,000 deep": b'{"choices": [{"message": ' + b'{"a":' * 100_000,
            "only a BOM": b"\xef\xbb\xbf",
            "NUL": b"\0" * 100,
            "UTF-16": FINE.decode().encode("utf-16"),
            "control characters": b'{"error": "a\\u0000\\u001b[31m\\r\\nb"}',
            "100 KB of error": json.dumps({"error": "no " * 33_000}).encode(),
            "one number": b"1" * 5_000,
        },
        act=runs_and_sends,
    ),
    *fine(
        "body",
        {
            "BOM": b"\xef\xbb\xbf" + FINE,
            "space around": b"\r\n " + FINE + b" \n",
            "NaN beside": FINE[:-1] + b', "x": NaN, "y": -Infinity}',
            "half a surrogate beside": FINE[:-1] + b', "x": "\\ud800"}',
            "no UTF-8 beside": FINE[:-1] + b', "x": "\xff"}',
            "a number of 5,000 digits beside": FINE[:-1] + b', "x": ' + b"1" * 5_000 + b"}",
            "a key twice": b'{"choices": [], ' + FINE[1:],
            "5 MB beside": FINE[:-1] + b', "x": "' + b"x" * 5_000_000 + b'"}',
        },
        act=runs_and_sends,
    ),
    *executed(
        "body",
        e.SegmindResponseError,
        {
            "endless": does.endless,
            "endless chunks": does.repeats(
                b"f4240\r\n" + b" " * 1_000_000 + b"\r\n",
                start=head(200, {"Transfer-Encoding": "chunked"}, None),
            ),
        },
        gone=1,
    ),
    *executed("body", e.SegmindResponseError, {"33 MiB": runs_and_sends(b" " * (33 * 2**20))}),
    *fine(
        "body",
        {
            f"{encoding} although not asked for": _packed((encoding, body))
            for encoding, body in {
                "gzip": gzip.compress(FINE),
                "x-gzip": gzip.compress(FINE),
                "GZIP ": gzip.compress(FINE),
                "deflate": zlib.compress(FINE),
                "identity": FINE,
            }.items()
        },
    ),
    *executed(
        "body",
        e.SegmindResponseError,
        {
            "gzip bomb": ("gzip", gzip.compress(b" " * 200_000_000, 6)),
            "deflate bomb": ("deflate", zlib.compress(b" " * 200_000_000, 6)),
            "gzip cut": ("gzip", gzip.compress(FINE)[:-12]),
            "gzip that is not gzip": ("gzip", FINE),
            "gzip of nothing": ("gzip", b""),
            "brotli": ("br", b"???"),
            "zstd": ("zstd", b"(\xb5/\xfd"),
            "packed twice": ("gzip, gzip", gzip.compress(gzip.compress(FINE))),
            "packed unknowably": ("x" * 300, FINE),
        },
        act=_packed,
    ),
]
