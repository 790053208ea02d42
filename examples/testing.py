"""Tests of an application, without an API key, without mocks and without changing the application.

    pytest examples/testing.py

Installing this package adds the fixture `segmind_gateway`, a local gateway. In a test that uses it,
every model calls this gateway, which returns scripted replies, fails on demand and logs requests.
"""

from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage

from langchain_segmind import ChatSegmind, SegmindError, content_block_from_file
from langchain_segmind.testing import Call, LocalGateway, Queue, Reply

# --- the application ---------------------------------------------------------------------------


def summary(text: str) -> str:
    """Summarize a text, with a smaller model if the better one fails."""
    better = ChatSegmind(model="gpt-5", max_tokens=100, poll_interval=0.05)
    smaller = ChatSegmind(model="gpt-4o", max_tokens=100)
    model = better.with_fallbacks([smaller], exceptions_to_handle=(SegmindError,))
    return model.invoke([("system", "Be brief."), ("human", f"Summarize: {text}")]).text


def caption(picture: bytes) -> str:
    """Describe a picture."""
    blocks = [{"type": "text", "text": "Describe this picture."}, content_block_from_file(picture)]
    message = ChatSegmind(model="claude-4.5-sonnet", queue=False).invoke(
        [{"role": "user", "content": blocks}]
    )
    if message.response_metadata["finish_reason"] == "length":
        return message.text + " (cut short)"
    return message.text


def chance_of_rain(city: str) -> str:
    """Return the chance of rain tomorrow, in percent."""
    return {"Bergen": "90"}.get(city, "50")


def advice(question: str) -> str:
    """Answer a question about tomorrow's weather."""
    agent = create_agent(ChatSegmind(model="gpt-4o"), [chance_of_rain])
    state = agent.invoke({"messages": [HumanMessage(question)]})
    return str(state["messages"][-1].text)


# --- its tests ---------------------------------------------------------------------------------


def test_summary_returns_the_models_answer(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply("It is on Thursday.")

    assert summary("The meeting moves to Thursday at 10.") == "It is on Thursday."


def test_summary_sends_the_system_prompt(segmind_gateway: LocalGateway) -> None:
    summary("The meeting moves.")

    [submit, *_polls] = segmind_gateway.requests
    assert submit.slug == "gpt-5"
    assert submit.body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert submit.body["max_tokens"] == 100


def test_summary_falls_back_when_the_job_fails(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.fail_job("out of memory", slug="gpt-5")
    segmind_gateway.reply("It is on Thursday.")

    assert summary("The meeting moves to Thursday.") == "It is on Thursday."
    assert segmind_gateway.requests[-1].slug == "gpt-4o"
    assert segmind_gateway.executions == 1  # only one run was billed


@pytest.mark.parametrize("status", [429, 500, 503])
def test_summary_is_retried_when_the_gateway_is_busy(
    segmind_gateway: LocalGateway, status: int
) -> None:
    segmind_gateway.fail(status=status, headers={"retry-after": "0"})
    segmind_gateway.reply("It is on Thursday.")

    assert summary("The meeting moves.") == "It is on Thursday."


@pytest.mark.segmind_gateway(queue=Queue(polls=3))
def test_summary_waits_for_its_job(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply("It is on Thursday.")

    assert summary("The meeting moves.") == "It is on Thursday."
    assert [job.state for job in segmind_gateway.jobs] == ["COMPLETED"]


def test_caption_is_marked_when_it_was_cut_off(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply(Reply("A light", finish_reason="length"))

    assert caption(b"\x89PNG\r\n\x1a\n...") == "A light (cut short)"


def test_agent_looks_up_the_rain(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply(Call("chance_of_rain", {"city": "Bergen"}))
    segmind_gateway.reply("Take an umbrella.")

    assert advice("What do I need in Bergen tomorrow?") == "Take an umbrella."
    assert "90" in str(segmind_gateway.requests[-1].body)  # the tool's result
