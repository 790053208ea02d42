"""Tests of an application of yours, without a key, a patch or a change to it.

    pytest examples/testing.py

The fixture `segmind_gateway` comes with the package. It is a gateway on this machine, to which
every model built in the test goes: it plays your script, fails when you want it, and keeps a log.
"""

from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage

from langchain_segmind import ChatSegmind, SegmindError, content_block_from_file
from langchain_segmind.testing import Call, LocalGateway, Queue, Reply

# --- the application: nothing in it knows of tests ---------------------------------------------


def summary(text: str) -> str:
    """Summarize a text, with a smaller model where the better one is out of order."""
    better = ChatSegmind(model="gpt-5", max_tokens=100, poll_interval=0.05)
    smaller = ChatSegmind(model="gpt-4o", max_tokens=100)
    model = better.with_fallbacks([smaller], exceptions_to_handle=(SegmindError,))
    return model.invoke([("system", "Be brief."), ("human", f"Summarize: {text}")]).text


def caption(picture: bytes) -> str:
    """Put a picture into words."""
    blocks = [{"type": "text", "text": "Describe this picture."}, content_block_from_file(picture)]
    message = ChatSegmind(model="claude-4.5-sonnet").invoke([{"role": "user", "content": blocks}])
    if message.response_metadata["finish_reason"] == "length":
        return message.text + " (cut short)"
    return message.text


def chance_of_rain(city: str) -> str:
    """Tell how likely rain is tomorrow, in percent."""
    return {"Bergen": "90"}.get(city, "50")


def advice(question: str) -> str:
    """Say what to wear tomorrow."""
    agent = create_agent(ChatSegmind(model="gpt-4o"), [chance_of_rain])
    state = agent.invoke({"messages": [HumanMessage(question)]})
    return str(state["messages"][-1].text)


# --- its tests ---------------------------------------------------------------------------------


def test_a_summary_is_the_models_answer(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply("Bees dance.")

    assert summary("Bees tell each other of flowers by dancing.") == "Bees dance."


def test_the_model_is_asked_to_be_brief(segmind_gateway: LocalGateway) -> None:
    summary("Bees dance.")

    [submit, *_polls] = segmind_gateway.requests
    assert submit.slug == "gpt-5"
    assert submit.body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert submit.body["max_tokens"] == 100


def test_the_smaller_model_takes_over(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.fail_job("out of memory", slug="gpt-5")
    segmind_gateway.reply("Bees dance.")

    assert summary("Bees dance. They do.") == "Bees dance."
    assert segmind_gateway.requests[-1].slug == "gpt-4o"
    assert segmind_gateway.executions == 1  # and one was billed


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_summary_survives_a_busy_gateway(segmind_gateway: LocalGateway, status: int) -> None:
    segmind_gateway.fail(status=status, headers={"retry-after": "0"})
    segmind_gateway.reply("Bees dance.")

    assert summary("Bees dance.") == "Bees dance."


@pytest.mark.segmind_gateway(queue=Queue(polls=3))
def test_a_summary_waits_for_its_job(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply("Bees dance.")

    assert summary("Bees dance.") == "Bees dance."
    assert [job.state for job in segmind_gateway.jobs] == ["COMPLETED"]


def test_caption_is_marked_when_it_was_cut(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply(Reply("A light", finish_reason="length"))

    assert caption(b"\x89PNG\r\n\x1a\n...") == "A light (cut short)"


def test_the_agent_looks_up_the_rain(segmind_gateway: LocalGateway) -> None:
    segmind_gateway.reply(Call("chance_of_rain", {"city": "Bergen"}))
    segmind_gateway.reply("Take an umbrella.")

    assert advice("What do I need in Bergen tomorrow?") == "Take an umbrella."
    assert "90" in str(segmind_gateway.requests[-1].body)  # what the tool said
