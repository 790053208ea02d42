"""Models that refuse a setting: what is sent in its place, how often, and what it costs."""

import logging

import pytest
from pydantic import BaseModel

from langchain_segmind import SegmindError, track_usage
from langchain_segmind.testing import LocalGateway, Queue
from tests.integration.call_styles import build, in_both_styles, model_requests

SLUG = "o4-mini"


class City(BaseModel):
    name: str


def gateway_refusing(*names, **kwargs):
    return LocalGateway(refuses_settings={SLUG: names}, **kwargs)


def sent(gateway, *names):
    return [{n: r.body[n] for n in names if n in r.body} for r in model_requests(gateway)]


class TestBothStyles:
    pytestmark = in_both_styles

    async def test_refused_max_tokens_is_sent_under_its_other_name_and_remembered(self, call):
        with gateway_refusing("max_tokens") as gateway, track_usage() as usage:
            async with build(gateway, SLUG, max_tokens=50, max_retries=0) as model:
                for _ in range(2):
                    assert (await call(model, "invoke", "Hello")).text
                await call(model, "invoke", "Hello", model="gpt-4o")

        old, new = {"max_tokens": 50}, {"max_completion_tokens": 50}
        assert sent(gateway, *old, *new) == [old, new, new, old]
        assert (gateway.executions, usage.calls) == (3, 3)
        assert usage.cost == pytest.approx(10 - gateway.credits)

    async def test_refused_stop_is_left_out_and_enforced(self, call):
        with gateway_refusing("stop") as gateway:
            gateway.reply("one two three", "one two three")
            async with build(gateway, SLUG) as model:
                answers = [await call(model, "invoke", "Hi", stop=["two"]) for _ in range(2)]

        assert [answer.text for answer in answers] == ["one ", "one "]
        assert sent(gateway, "stop") == [{"stop": ["two"]}, {}, {}]

    async def test_several_refusals_are_answered_each_once(self, call):
        with gateway_refusing("max_tokens", "stop", refuses_format=[SLUG]) as gateway:
            async with build(gateway, SLUG, max_tokens=99, stop=["."]) as model:
                await call(model, "invoke", "Hello")
                gateway.reply('{"name": "Paris"}')
                chain = model.with_structured_output(City)
                assert await call(chain, "invoke", "Capital of France?") == City(name="Paris")

        names = [set(body) - {"messages"} for body in (r.body for r in model_requests(gateway))]
        assert names == [
            {"max_tokens", "stop"},
            {"max_completion_tokens", "stop"},
            {"max_completion_tokens"},
            {"max_completion_tokens", "response_format"},
            {"max_completion_tokens"},
        ]
        assert gateway.executions == 2

    async def test_setting_without_a_replacement_is_an_error_that_names_it(self, call):
        with gateway_refusing("temperature", "verbosity") as gateway:
            async with build(gateway, SLUG, max_retries=0) as model:
                for name in ("temperature", "verbosity"):
                    with pytest.raises(SegmindError, match=f"accept {name} .*leave it") as caught:
                        await call(model, "invoke", "Hello", **{name: 0})
                    assert caught.value.billed is False

        assert len(model_requests(gateway)) == 2
        assert gateway.executions == 0

    async def test_setting_that_stays_refused_ends_with_the_last_refusal(self, call):
        with gateway_refusing("max_tokens", "max_completion_tokens") as gateway:
            async with build(gateway, SLUG, max_tokens=5, max_retries=0) as model:
                with pytest.raises(SegmindError, match="accept max_completion_tokens"):
                    await call(model, "invoke", "Hello")

        assert len(model_requests(gateway)) == 2


async def test_job_that_fails_for_a_setting_is_submitted_again(call):
    with LocalGateway() as gateway:
        gateway.fail_job("Unsupported parameter: 'max_tokens' is not supported with this model.")
        async with build(gateway, SLUG, queue=True, poll_interval=0.01, max_tokens=9) as model:
            assert (await call(model, "invoke", "Hello")).text

    old, new = {"max_tokens": 9}, {"max_completion_tokens": 9}
    assert sent(gateway, *old, *new) == [old, new]
    assert gateway.executions == 1


async def test_submit_remembers_what_the_model_refused(call):
    refusing = gateway_refusing("max_tokens", "stop", refuses_format=[SLUG], queue=Queue())
    with refusing as gateway:
        async with build(gateway, SLUG, max_tokens=50, stop=["."], poll_interval=0.01) as model:
            asked = model.bind(response_format=City)
            jobs = [await call(asked, "submit", "Capital of France?") for _ in range(2)]
            assert (await call(jobs[1], "result")).text
            await call(model, "invoke", "Hello")

    old, new = {"max_tokens": 50}, {"max_completion_tokens": 50}
    names = (*old, *new, "stop")
    assert sent(gateway, *names) == [old, old, new, new, {**new, "stop": ["."]}, new]
    formats = ["response_format" in request.body for request in model_requests(gateway)]
    assert formats == [True, False, False, False, False, False]
    assert gateway.executions == 3


def test_refused_setting_is_logged_once(caplog):
    caplog.set_level(logging.INFO, "langchain_segmind")
    with gateway_refusing("stop") as gateway, build(gateway, SLUG, stop=["."]) as model:
        for _ in range(2):
            model.invoke("Hello")

    assert [r.getMessage() for r in caplog.records if "refuses stop" in r.getMessage()] == [
        f"{SLUG} refuses stop; what replaces it is sent from now on"
    ]
