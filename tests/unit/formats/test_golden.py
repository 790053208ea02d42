"""Golden samples: messages to body, and reply to answer, as files to read."""

import json
from pathlib import Path

import pytest
from langchain_core.messages import convert_to_messages

from langchain_segmind import _formats
from langchain_segmind._messages.from_langchain import from_langchain
from langchain_segmind._messages.to_langchain import to_ai_message
from langchain_segmind._messages.types import ChatRequest
from langchain_segmind.models import model_info_for

SAMPLES = {path.stem: json.loads(path.read_text()) for path in Path("tests/golden").glob("*.json")}


@pytest.fixture(params=sorted(SAMPLES))
def sample(request):
    return SAMPLES[request.param]


def test_messages_become_the_body(sample):
    messages = convert_to_messages(sample["messages"])
    asked = ChatRequest(from_langchain(messages), sample["settings"])

    body = _formats.FORMATS[model_info_for(sample["slug"]).family].encode(asked)

    assert body == sample["body"]


def test_reply_becomes_the_answer(sample):
    response = _formats.decode(json.dumps(sample["reply"]).encode())
    message = to_ai_message(response.choices[0], response.usage, {})

    answer = {
        "id": response.id,
        "text": message.text,
        "reasoning": message.additional_kwargs.get("reasoning_content"),
        "refusal": message.additional_kwargs.get("refusal"),
        "calls": message.tool_calls or None,
        "finish_reason": message.response_metadata.get("finish_reason"),
        "native_finish_reason": message.response_metadata.get("native_finish_reason"),
        "usage": message.usage_metadata,
    }
    assert {k: v for k, v in answer.items() if v is not None} == {
        k: v for k, v in sample["answer"].items() if v is not None
    }
