"""What tracing and evaluation packages show of a call: model, tokens, settings, end."""

import json
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage

from langchain_segmind.testing import LocalGateway, Reply, Usage
from tests.integration.call_styles import CALL_STYLES, build
from tests.integration.processes import run_python
from tests.integration.samples import SLUGS, each_family

TRACERS = "tests.integration.tracers"


class Ends(BaseCallbackHandler):
    """Keeps the results and the metadata that tracers are given."""

    def __init__(self):
        self.results: list[Any] = []
        self.metadata: list[dict[str, Any]] = []

    def on_chat_model_start(self, serialized, messages, *, metadata=None, **kwargs):
        self.metadata.append(metadata or {})

    def on_llm_end(self, response, **kwargs):
        self.results.append(response)


async def collect(stream):
    return [chunk async for chunk in stream]


ASKED: dict[str, Any] = {
    "invoke": lambda model, config: model.invoke("Hello", config),
    "batch": lambda model, config: model.batch(["Hello"], config),
    "stream": lambda model, config: list(model.stream("Hello", config)),
    "ainvoke": lambda model, config: model.ainvoke("Hello", config),
    "abatch": lambda model, config: model.abatch(["Hello"], config),
    "astream": lambda model, config: collect(model.astream("Hello", config)),
}

in_every_way = pytest.mark.parametrize("way", ASKED)


async def ask(way, model, handler):
    asked = ASKED[way](model, {"callbacks": [handler]})
    return await asked if way.startswith("a") else asked


@pytest.fixture
def answering(gateway):
    gateway.reply(*[Reply("Hi", finish_reason="length", usage=Usage(12, 7))] * 3)
    return gateway


# --- packages that trace ---------------------------------------------------------------------


def traced(package):
    """Return what a package shows of calls of each family in each way."""
    with LocalGateway() as gateway:
        gateway.reply(*[Reply("Hi", finish_reason="length", usage=Usage(12, 7))] * 18)
        printed, errors, code = run_python("-m", TRACERS, package, *SLUGS, gateway=gateway)
    assert code == 0, errors
    shown = json.loads(printed)
    assert len(shown) == 18
    return [(f"{line['slug']}, {line['way']}", line["slug"], line["span"]) for line in shown]


def test_openllmetry_shows_model_tokens_and_end():
    for call, slug, span in traced("openllmetry"):
        expected = {
            "gen_ai.request.model": slug,
            "gen_ai.request.temperature": 0.5,
            "gen_ai.response.model": slug,
            "gen_ai.response.finish_reasons": ["length"],
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.usage.output_tokens": 7,
            "gen_ai.usage.total_tokens": 19,
        }
        assert {name: span.get(name) for name in expected} == expected, call


def test_openinference_shows_model_tokens_and_end():
    for call, slug, span in traced("openinference"):
        expected = {
            "llm.model_name": slug,
            "llm.provider": "segmind",
            "llm.token_count.prompt": 12,
            "llm.token_count.completion": 7,
            "llm.token_count.total": 19,
            "llm.finish_reason": "length",
        }
        assert {name: span.get(name) for name in expected} == expected, call


def test_langfuse_shows_model_settings_and_tokens():
    for call, slug, span in traced("langfuse"):
        assert span["langfuse.observation.model.name"] == slug, call
        settings = json.loads(span["langfuse.observation.model.parameters"])
        assert settings["temperature"] == 0.5, call
        usage = json.loads(span["langfuse.observation.usage_details"])
        assert usage == {"input": 12, "output": 7, "total": 19}, call


# --- what they read --------------------------------------------------------------------------


@pytest.mark.usefixtures("call_style")
@pytest.mark.parametrize("call_style", CALL_STYLES, indirect=True)
@pytest.mark.parametrize("way", ["invoke", "batch", "ainvoke", "abatch"])
@each_family
async def test_result_of_a_call_has_model_and_tokens(slug, way, answering):
    """ragas reads these names (`ragas.cost.get_token_usage_for_openai`), and so does Sentry."""
    ends = Ends()
    with build(answering, slug) as model:
        await ask(way, model, ends)

    (result,) = ends.results
    assert result.llm_output == {
        "model_name": slug,
        "token_usage": {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19},
    }


async def test_result_of_many_prompts_adds_up_their_tokens(call, answering):
    with build(answering) as model:
        result = await call(model, "generate", [[HumanMessage("a")], [HumanMessage("b")]])

    assert result.llm_output == {
        "model_name": "gpt-4o",
        "token_usage": {"prompt_tokens": 24, "completion_tokens": 14, "total_tokens": 38},
    }


async def test_result_has_the_details_of_tokens(call, gateway):
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    body = {"choices": [{"message": {"content": "Hi"}}], "usage": usage}
    gateway.reply(*[Reply(body=body)] * 2)
    with build(gateway) as model:
        result = await call(model, "generate", [[HumanMessage("a")], [HumanMessage("b")]])

    assert result.llm_output["token_usage"] == {
        "prompt_tokens": 24,
        "completion_tokens": 14,
        "total_tokens": 38,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 6},
    }


async def test_result_names_the_model_of_the_call(call, answering):
    with build(answering) as model:
        result = await call(model, "generate", [[HumanMessage("a")]], model="gpt-5.4")

    assert result.llm_output["model_name"] == "gpt-5.4"


async def test_result_of_unknown_usage_has_no_tokens(call):
    with LocalGateway() as gateway, build(gateway) as model:
        gateway.reply(Reply(body={"choices": [{"message": {"content": "hi"}}]}))
        result = await call(model, "generate", [[HumanMessage("a")]])

    assert result.llm_output == {"model_name": "gpt-4o"}


async def test_result_from_a_cache_names_the_model_and_claims_no_tokens(call, answering):
    with build(answering, cache=InMemoryCache()) as model:
        for _ in range(2):
            result = await call(model, "generate", [[HumanMessage("a")]])

    assert result.llm_output == {"model_name": "gpt-4o"}
    assert "token_usage" not in result.generations[0][0].message.response_metadata


@in_every_way
@each_family
async def test_result_has_the_reason_for_its_end(slug, way, answering):
    """ragas and OpenLLMetry read it in `generation_info`."""
    ends = Ends()
    with build(answering, slug) as model:
        await ask(way, model, ends)

    generation = ends.results[0].generations[0][0]
    assert generation.generation_info["finish_reason"] == "length"
    assert generation.message.response_metadata["finish_reason"] == "length"


@each_family
async def test_events_of_a_stream_have_model_and_end(slug, answering):
    with build(answering, slug) as model:
        events = list(model.stream_events("Hello", version="v3"))
        events += await collect(await model.astream_events("Hello", version="v3"))

    starts = [event for event in events if event["event"] == "message-start"]
    ends = [event for event in events if event["event"] == "message-finish"]
    model_of = {"provider": "segmind", "model": slug}
    assert [start["metadata"] for start in starts] == [model_of, model_of]
    assert [end["metadata"]["finish_reason"] for end in ends] == ["length", "length"]
    assert [end["usage"]["total_tokens"] for end in ends] == [19, 19]


@in_every_way
async def test_metadata_of_a_trace_has_the_settings_that_langsmith_shows(way, answering):
    ends = Ends()
    with build(answering, temperature=0.5, max_tokens=100, stop=["x"]) as model:
        await ask(way, model, ends)

    (metadata,) = ends.metadata
    assert {name: value for name, value in metadata.items() if name.startswith("ls_")} == {
        "ls_provider": "segmind",
        "ls_model_name": "gpt-4o",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 100,
        "ls_stop": ["x"],
        "ls_integration": "langchain_chat_model",
    }
