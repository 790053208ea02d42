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
from pydantic import BaseModel

from langchain_segmind import ChatSegmind, SegmindError

KEY = "SG_0123456789abcdef"


def build(**kwargs):
    return ChatSegmind(**{"model": "gpt-4o", "api_key": KEY, **kwargs})


def test_the_key_and_headers_are_in_no_repr_dump_or_trace_parameter():
    secrets = (KEY, "header-secret", "proxy-secret", "call-secret")
    model = build(
        default_headers={"X-Token": "header-secret"}, proxy="http://me:proxy-secret@127.0.0.1:1"
    )

    shown = [
        repr(model),
        str(model),
        dumps(model),
        json.dumps(dumpd(model)),
        str(model.model_dump()),
        str(model._identifying_params),
        str(model.asdict()),
        str(model._get_invocation_params(extra_headers={"X": "call-secret"})),
        str(model._get_llm_string(extra_headers={"X": "call-secret"})),
        str(model._get_ls_params()),
    ]

    assert not [(s, text) for s in secrets for text in shown if s in text]


@pytest.mark.parametrize(
    "other",
    [
        {"model": "gpt-5"},
        {"base_url": "https://gw.example/v1"},
        {"temperature": 0.0},
        {"max_tokens": 5},
        {"top_p": 0.5},
        {"top_k": 5},
        {"stop": ["x"]},
        {"seed": 1},
        {"n": 2},
        {"presence_penalty": 0.5},
        {"frequency_penalty": 0.5},
        {"reasoning_effort": "low"},
        {"model_kwargs": {"web_search": True}},
    ],
)
def test_models_that_answer_differently_share_no_cached_answers(other):
    assert build()._get_llm_string() != build(**other)._get_llm_string()
    assert build(**other)._get_llm_string() == build(**other)._get_llm_string()


@pytest.mark.parametrize(
    "same", [{"timeout": 1}, {"max_retries": 9}, {"default_headers": {"a": "b"}}]
)
def test_models_that_answer_alike_share_them(same):
    assert build()._get_llm_string() == build(**same)._get_llm_string()


def test_tracing_sees_the_calls_own_settings():
    model = build(temperature=0.1, stop=["a"])

    assert model._get_ls_params(stop=["b"], model="gpt-5", temperature=0.2, max_tokens=3) == {
        "ls_provider": "segmind",
        "ls_model_name": "gpt-5",
        "ls_model_type": "chat",
        "ls_temperature": 0.2,
        "ls_max_tokens": 3,
        "ls_stop": ["b"],
    }


def test_the_version_is_told_to_the_trace():
    assert build().metadata["lc_versions"]["langchain-segmind"]


def test_tokens_are_estimated_without_a_tokenizer():
    model = build()

    assert model.get_num_tokens("four") == 1
    assert model.get_num_tokens_from_messages([HumanMessage("12345678")]) >= 2
    assert build(custom_get_token_ids=lambda text: [1] * 7).get_num_tokens("x") == 7


def transport_of(model):
    return model._transport(model._destination())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_leaves_the_connections_behind(again):
    model = build(temperature=0.5)
    transport = transport_of(model)

    twin = again(model)

    assert twin.temperature == 0.5
    assert twin.api_key.get_secret_value() == KEY
    assert transport_of(twin) is not transport


def test_a_copy_with_another_address_gets_its_own_connections():
    model = build()
    transport = transport_of(model)

    assert transport_of(model.model_copy(update={"model": "gpt-5"})) is transport
    assert transport_of(model.model_copy(update={"verify": False})) is not transport
    assert transport_of(model) is transport


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


def test_an_address_that_was_assigned_is_checked_too():
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
        (
            {"input": "hi", "response_format": {"type": "json_schema", "json_schema": {"x": {1}}}},
            "set",
        ),
        ({"input": [("user", "hi"), ("narrator", "x")]}, "narrator"),
    ],
)
async def test_a_bad_call_is_refused_before_anything_is_sent(call, words):
    model = build(base_url="http://127.0.0.1:1/v1")  # nobody listens there

    for play in (model.invoke, lambda **kw: next(iter(model.stream(**kw)))):
        with pytest.raises(ValueError, match=words):
            play(**call)
    with pytest.raises(ValueError, match=words):
        await model.ainvoke(**call)


def test_a_stream_of_several_answers_is_refused():
    with pytest.raises(ValueError, match="n must be 1"):
        next(iter(build().stream("hi", n=2)))


def test_an_error_holds_the_key_nowhere():
    model = build(base_url="http://127.0.0.1:1/v1", max_retries=0)

    with pytest.raises(SegmindError) as caught:
        model.invoke("hi")

    error = caught.value
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    held = repr(error) + str(error) + repr(vars(error)) + repr(pickle.dumps(error)) + told
    assert KEY not in held
    assert error.__cause__ is None
    assert error.__context__ is None


class Person(BaseModel):
    """A person."""

    name: str


@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"schema": Person, "method": "guess"}, "method"),
        ({"schema": None}, "schema"),
        ({"schema": Person, "method": "json_mode", "strict": True}, "strict"),
    ],
)
def test_structured_output_refuses_what_it_cannot_do(kwargs, word):
    with pytest.raises(ValueError, match=word):
        build().with_structured_output(**kwargs)


def test_building_a_model_is_silent_and_opens_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = build()

    assert model._state.transports == {}
