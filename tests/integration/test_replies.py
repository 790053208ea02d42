"""Replies that were paid for: what can be read is returned, the rest is an error that says what."""

import json

import pytest

from langchain_segmind import SegmindResponseError
from langchain_segmind.testing import Reply
from tests.integration.call_styles import build, model_requests


@pytest.mark.parametrize("body", [{"output": "Bees dance."}, {"response": "Bees dance."}])
async def test_text_alone_is_the_answer(gateway, call, body):
    gateway.reply(Reply(body=body))

    async with build(gateway, "llama-v3p1-8b-instruct") as model:
        assert (await call(model, "invoke", "Hello")).text == "Bees dance."


@pytest.mark.parametrize(
    ("queue", "body"),
    [
        (False, b"\xff\xd8\xff\xe0"),
        (False, b"\x89PNG\r\n\x1a\n"),
        (False, {"images": ["https://x.example/1"]}),
        (True, b"https://x.example/a.png"),
    ],
)
async def test_picture_raises_an_error_about_a_model_that_does_not_chat(gateway, call, queue, body):
    gateway.reply(Reply(body=body))

    async with build(gateway, queue=queue, poll_interval=0.01) as model:
        with pytest.raises(SegmindResponseError, match="makes pictures and does not") as caught:
            await call(model, "invoke", "Hello")

    assert caught.value.billed is True
    assert "\ufffd" not in str(caught.value)
    assert len(model_requests(gateway)) == 1


@pytest.mark.parametrize("queue", [False, True])
async def test_half_a_reply_is_an_error_that_has_its_text(gateway, call, queue):
    whole = {"usage": {"x": {}}, "choices": [{"message": {"content": "Bees dance in circles."}}]}
    gateway.reply(Reply(body=json.dumps(whole).encode()[:-12]))

    async with build(gateway, queue=queue, poll_interval=0.01) as model:
        with pytest.raises(SegmindResponseError, match="cut short") as caught:
            await call(model, "invoke", "Hello")

    assert caught.value.billed is True
    assert "Bees dance in c" in str(caught.value)
    assert "Bees dance in c" in str(caught.value.body)
