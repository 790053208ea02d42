"""Picture models of the local gateway: what they draw, and what they refuse."""

import zlib

import pytest

from langchain_segmind.testing import LocalGateway
from tests.integration.call_styles import build
from tests.integration.local_clients import HELLO, post, vendors_client

SLUG = "flux-schnell"
PROMPT = "A lighthouse in Zürich"


def chunks(png):
    """Return the parts of a PNG by their type, and check their checksums."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    found, rest = {}, png[8:]
    while rest:
        size = int.from_bytes(rest[:4], "big")
        kind, data, checksum = rest[4:8], rest[8 : 8 + size], rest[8 + size : 12 + size]
        assert zlib.crc32(kind + data) == int.from_bytes(checksum, "big")
        found[kind.decode()], rest = data, rest[12 + size :]
    return found


def test_prompt_becomes_a_png_that_does_not_claim_to_be_a_models(gateway: LocalGateway) -> None:
    with vendors_client(gateway) as client:
        response = client.run_sync(SLUG, prompt=PROMPT, seed=7)

    png = chunks(response.content)
    assert response.headers["content-type"] == "image/png"
    assert [*png] == ["IHDR", "iTXt", "IDAT", "IEND"]
    assert png["iTXt"].endswith(f"\0[local stand-in] {PROMPT}".encode())
    assert int.from_bytes(png["IHDR"][:4], "big") == int.from_bytes(png["IHDR"][4:8], "big") == 64
    assert len(zlib.decompress(png["IDAT"])) == 64 * (1 + 3 * 64)
    assert gateway.executions == 1
    assert float(response.headers["x-cost"]) == pytest.approx(10 - gateway.credits) == 0.003


@pytest.mark.parametrize(
    ("version", "body", "reason"),
    [
        (1, {}, "missing field 'prompt'"),
        (1, {"prompt": " "}, "prompt: text must be non-empty"),
        (1, HELLO, "takes a prompt, not messages"),
        (2, {"prompt": PROMPT}, "on /v1 only"),
    ],
)
def test_other_request_is_refused_unbilled(
    gateway: LocalGateway, version: int, body: dict[str, str], reason: str
) -> None:
    response = post(gateway, body, SLUG, version=version)

    assert response.status_code == 400
    assert reason in response.json()["error"]
    assert gateway.executions == 0


def test_picture_models_are_not_listed_as_chat_models(gateway: LocalGateway) -> None:
    with build(gateway) as model:
        listed = {entry.slug for entry in model.list_models(base_url=gateway.base_url)}

    assert "gpt-4o" in listed
    assert not {SLUG, "seedream-4.5"} & listed
