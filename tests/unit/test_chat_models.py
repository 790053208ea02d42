"""ChatSegmind as LangChain sees it, before anything is sent."""

import copy
import json
import pickle
import traceback
import warnings
from typing import Any

import pytest
from langchain_core.load import dumpd, dumps
from langchain_core.messages import HumanMessage
from pydantic import create_model

from langchain_segmind import ChatSegmind, SegmindError

KEY = "SG_0123456789abcdef"


def int_tool(x: int) -> None:
    """Use a number."""


def text_tool(x: str) -> None:
    """Use a text."""


def build(**kwargs):
    return ChatSegmind(**{"model": "gpt-4o", "api_key": KEY, **kwargs})


def test_key_and_headers_are_in_no_repr_dump_or_trace_parameter():
    secrets = (KEY, "header-secret", "proxy-secret", "call-secret")
    model = build(
        default_headers={"X-Token": "header-secret"}, proxy="http://me:proxy-secret@127.0.0.1:1"
    )

    headers = {"X": "call-secret"}
    shown = [repr(model), str(model), dumps(model), json.dumps(dumpd(model))]
    shown += [str(model.model_dump()), str(model._identifying_params), str(model.asdict())]
    shown += [str(model._get_invocation_params(extra_headers=headers))]
    shown += [model._get_llm_string(extra_headers=headers), str(model._get_ls_params())]

    assert not [(s, text) for s in secrets for text in shown if s in text]


@pytest.mark.parametrize(
    ("settings", "is_shared"),
    [
        ({"model": "gpt-5"}, False),
        ({"base_url": "https://gw.example/v1"}, False),
        ({"temperature": 0.0}, False),
        ({"max_tokens": 5}, False),
        ({"top_p": 0.5}, False),
        ({"top_k": 5}, False),
        ({"stop": ["x"]}, False),
        ({"seed": 1}, False),
        ({"n": 2}, False),
        ({"presence_penalty": 0.5}, False),
        ({"frequency_penalty": 0.5}, False),
        ({"reasoning_effort": "low"}, False),
        ({"model_kwargs": {"web_search": True}}, False),
        ({"timeout": 1}, True),
        ({"max_retries": 9}, True),
        ({"default_headers": {"a": "b"}}, True),
    ],
)
def test_cached_answers_are_shared_when_models_answer_alike(settings, is_shared):
    key = build(**settings)._get_llm_string()

    assert key == build(**settings)._get_llm_string()
    assert (key == build()._get_llm_string()) is is_shared


def test_cached_answers_are_shared_however_a_setting_is_given():
    own = build(temperature=0, max_tokens=5, model_kwargs={"a": 1, "b": 2})._get_llm_string(["x"])
    stop = build(stop=["x"], family="openai", base_url="https://api.segmind.com/v1")
    call = stop._get_llm_string(b=2, a=1, max_tokens=5, temperature=0.0, seed=None, model="gpt-4o")

    assert own == call


@pytest.mark.parametrize(
    "kwargs",
    [
        {"model": "gpt-5"},
        {"stop": ["x"]},
        {"web_search": True},
        {"tools": [int_tool]},
        {"tools": [int_tool], "tool_choice": "any"},
        {"tools": [int_tool], "parallel_tool_calls": False},
        {"response_format": {"type": "json_object"}},
        {"response_format": create_model("A", x=(int, ...))},
        {"response_format": create_model("A", x=(str, ...))},
    ],
)
def test_cached_answers_are_not_shared_by_calls_of_other_settings(kwargs):
    other_schema = create_model("A", x=(float, ...))
    others: list[dict[str, Any]] = [{}, {"tools": [text_tool]}, {"response_format": other_schema}]

    key = build()._get_llm_string(**kwargs)

    assert key == build()._get_llm_string(**kwargs)
    assert key not in [build()._get_llm_string(**other) for other in others]
    assert " at 0x" not in key  # an address would differ in the next run of the program


def test_trace_has_the_settings_of_the_call():
    model = build(temperature=0.1, stop=["a"])

    assert model._get_ls_params(stop=["b"], model="gpt-5", temperature=0.2, max_tokens=3) == {
        "ls_provider": "segmind",
        "ls_model_name": "gpt-5",
        "ls_model_type": "chat",
        "ls_temperature": 0.2,
        "ls_max_tokens": 3,
        "ls_stop": ["b"],
    }


def test_trace_has_the_version():
    assert build().metadata["lc_versions"]["langchain-segmind"]


def test_tokens_are_estimated_without_a_tokenizer():
    model = build()

    assert model.get_num_tokens("four") == 1
    assert model.get_num_tokens_from_messages([HumanMessage("12345678")]) >= 2
    assert build(custom_get_token_ids=lambda text: [1] * 7).get_num_tokens("x") == 7


def transport_of(model):
    return model._transport(model._destination())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copy_has_the_settings_without_the_connections(again):
    model = build(temperature=0.5)
    transport = transport_of(model)

    twin = again(model)

    assert twin.temperature == 0.5
    assert twin.api_key.get_secret_value() == KEY
    assert transport_of(twin) is not transport


def test_copy_gets_its_own_connections_when_it_connects_otherwise():
    model = build()
    transport = transport_of(model)

    assert transport_of(model.model_copy(update={"model": "gpt-5"})) is transport
    assert transport_of(model.model_copy(update={"verify": False})) is not transport
    assert transport_of(model) is transport


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
JSON_SCHEMA = {"type": "json_schema"}


def test_call_checks_an_address_that_was_assigned():
    model = build()
    model.base_url = "http://gw.example/v1"

    with pytest.raises(ValueError, match="https"):
        model.invoke("hi")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"input": []}, "messages"),
        ({"input": "hi", "model": "../v2/x"}, "slug"),
        ({"input": "hi", "model": 7}, "model"),
        ({"input": "hi", "stop": [""]}, "stop"),
        ({"input": "hi", "temperature": float("nan")}, "temperature"),
        ({"input": "hi", "circle": CIRCLE}, "contains itself"),
        ({"input": "hi", "web_search": float("inf")}, "web_search"),
        ({"input": "hi", "extra_headers": {"X-Api-Key": "x"}}, "api_key"),
        ({"input": "hi", "api_key": "x"}, "api_key"),
        ({"input": "hi", "base_url": "x"}, "base_url"),
        ({"input": "hi", "timeout": 3}, "timeout"),
        ({"input": "hi", "tools": [{}]}, "tools"),
        ({"input": "hi", "response_format": {"json_schema": {"x": {1}}, **JSON_SCHEMA}}, "set"),
        ({"input": [("user", "hi"), ("narrator", "x")]}, "narrator"),
    ],
)
async def test_invalid_call_is_rejected_before_anything_is_sent(call, words):
    model = build(base_url="http://127.0.0.1:1/v1")  # nobody listens there

    for play in (model.invoke, lambda **kw: next(iter(model.stream(**kw)))):
        with pytest.raises(ValueError, match=words):
            play(**call)
    with pytest.raises(ValueError, match=words):
        await model.ainvoke(**call)


def test_stream_rejects_several_answers():
    with pytest.raises(ValueError, match="n must be 1"):
        next(iter(build().stream("hi", n=2)))


def test_error_does_not_contain_the_key():
    model = build(base_url="http://127.0.0.1:1/v1", max_retries=0)

    with pytest.raises(SegmindError) as caught:
        model.invoke("hi")

    error = caught.value
    shown = [*traceback.TracebackException.from_exception(error, capture_locals=True).format()]
    shown += [repr(error), str(error), repr(vars(error)), repr(pickle.dumps(error))]
    assert KEY not in "".join(shown)
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"schema": {"title": "x"}, "method": "guess"}, "method"),
        ({"schema": None}, "schema"),
        ({"schema": {"title": "x"}, "method": "json_mode", "strict": True}, "strict"),
    ],
)
def test_structured_output_rejects_what_it_cannot_do(kwargs, word):
    with pytest.raises(ValueError, match=word):
        build().with_structured_output(**kwargs)


def test_building_a_model_warns_of_nothing_and_opens_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = build()

    assert model._state.transports == {}
