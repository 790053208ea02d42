"""The arguments of a call are checked like the constructor's, before anything is sent."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tools import BaseTool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ValidationError

from langchain_segmind import ChatSegmind, SegmindError, SegmindInvalidRequestError
from tests.integration.call_styles import build, model_requests


async def collect(stream):
    return [chunk async for chunk in stream]


CALLS: dict[str, Callable[..., Any]] = {
    "invoke": lambda model, /, **kwargs: model.invoke("Hello", **kwargs),
    "ainvoke": lambda model, /, **kwargs: asyncio.run(model.ainvoke("Hello", **kwargs)),
    "stream": lambda model, /, **kwargs: list(model.stream("Hello", **kwargs)),
    "astream": lambda model, /, **kwargs: asyncio.run(collect(model.astream("Hello", **kwargs))),
    "batch": lambda model, /, **kwargs: model.batch(["Hello"], **kwargs),
    "abatch": lambda model, /, **kwargs: asyncio.run(model.abatch(["Hello"], **kwargs)),
    "bind": lambda model, /, **kwargs: model.bind(**kwargs).invoke("Hello"),
    "submit": lambda model, /, **kwargs: model.submit("Hello", **kwargs),
    "asubmit": lambda model, /, **kwargs: asyncio.run(model.asubmit("Hello", **kwargs)),
    "result": lambda model, /, **kwargs: model.get_job("a-job", **kwargs).result(),
    "aresult": lambda model, /, **kwargs: asyncio.run(model.get_job("a-job", **kwargs).aresult()),
}
"""Every method that takes arguments of a call."""


@tool
def search(query: str) -> str:
    """Search the web."""
    return query


WRONG_VALUES: dict[str, list[Any]] = {
    "model": ["", " ", 0, [], False, b"gpt-4o", "a b", "../v2/gpt-4o"],
    "model_name": ["", "gpt-5"],
    "stop_sequences": [["x"]],
    "extra_headers": ["", [], 0, {"X-A": 1}],
    "stop": ["", [""], 0, {}],
    "n": [0, "", "x"],
    "max_tokens": [0],
    "temperature": [""],
    "seed": [""],
    "reasoning_effort": [0],
    "tools": [
        *(0, "", {}, False, "search", search),
        [{"type": "function", "function": {"name": "f", "parameters": ""}}],
        [{"type": "function", "function": {"name": "f", "description": 0}}],
        [{"type": "function", "function": {"name": ""}}],
        [{"type": "function", "function": {}}],
        [{"type": "function", "function": None}],
    ],
    "tool_choice": ["", {}],
    "response_format": ["", 0, [], False],
    "parallel_tool_calls": [0, ""],
    "stream": [""],
}
WRONG_CHOICES: list[Any] = ["", [], {}, {"mode": "sometimes"}, 0]
WRONG = {
    **{name: [{name: value} for value in values] for name, values in WRONG_VALUES.items()},
    "tool_choice of tools": [{"tools": [search], "tool_choice": each} for each in WRONG_CHOICES],
}
NOTHING: list[dict[str, Any]] = [
    *({name: None} for name in ("model", "extra_headers", "tools", "tool_choice")),
    *({name: None} for name in ("response_format", "parallel_tool_calls", "n")),
    *({"extra_headers": {}}, {"stop": []}, {"tools": []}),
]


@pytest.mark.parametrize("call", ["invoke", "astream", "submit", "aresult"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_argument_is_refused_before_anything_is_sent(gateway, call, name):
    with build(gateway) as model:
        for wrong in WRONG[name]:
            with pytest.raises(ValueError, match=next(reversed(wrong))) as caught:
                CALLS[call](model, **wrong)
            assert not isinstance(caught.value, ValidationError), wrong

    assert gateway.requests == []


@pytest.mark.parametrize("call", CALLS)
def test_blank_model_is_refused_by_every_method(gateway, call):
    with build(gateway) as model, pytest.raises(ValueError, match="model=''"):
        CALLS[call](model, model="")

    assert gateway.requests == []


@pytest.mark.parametrize(
    "name", ["model", "stop", "n", "temperature", "max_tokens", "reasoning_effort"]
)
def test_wrong_argument_has_the_message_of_the_constructor(gateway, name):
    for value in WRONG_VALUES[name]:
        with pytest.raises(ValidationError) as of_constructor:
            ChatSegmind(**{"model": "gpt-4o", "api_key": "SG_test", name: value})
        with build(gateway) as model, pytest.raises(ValueError, match=name) as of_call:
            model.invoke("Hello", **{name: value})

        message = of_constructor.value.errors()[0]["msg"].removeprefix("Value error, ")
        assert str(of_call.value).endswith(message)


@pytest.mark.parametrize("call", ["invoke", "ainvoke", "stream", "astream", "batch", "bind"])
def test_empty_argument_changes_nothing_that_is_sent(gateway, call):
    with build(gateway) as model:
        for arguments in ({}, *NOTHING):
            CALLS[call](model, **arguments)

    first, *others = model_requests(gateway)
    assert first.slug == "gpt-4o"
    assert [(r.slug, r.body) for r in others] == [("gpt-4o", first.body)] * len(NOTHING)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("temprature", "Did you mean temperature"),
        ("toolChoice", "Did you mean tool_choice"),
        ("functions", "bind_tools"),
        ("logprobs", "log probabilities"),
        ("openai_api_key", "api_key"),
        ("max_output_tokens", "max_tokens"),
    ],
)
def test_argument_that_means_nothing_to_a_model_is_refused_by_every_method(
    gateway, call, name, words
):
    with build(gateway) as model, pytest.raises(ValueError, match=words):
        CALLS[call](model, **{name: [1]})

    assert gateway.requests == []


@pytest.mark.parametrize("call", ["invoke", "ainvoke", "stream", "astream", "bind", "submit"])
def test_unknown_argument_is_sent_with_a_warning_unless_it_is_in_model_kwargs(gateway, call):
    with build(gateway, model_kwargs={"user": "ada"}) as model:
        with pytest.warns(UserWarning, match="a_new_field is not a setting"):
            CALLS[call](model, a_new_field=1)
        CALLS[call](model, model_kwargs={"a_new_field": 1, "max_completion_tokens": 9})
        CALLS[call](model, max_completion_tokens=7, web_search=True, disabled_params=None)

    sent = [r.body for r in model_requests(gateway)]
    assert [(b["user"], b.get("a_new_field")) for b in sent] == [("ada", n) for n in (1, 1, None)]
    assert [b.get("max_completion_tokens") for b in sent] == [None, 9, None]
    assert [b.get("max_tokens") for b in sent] == [None, None, 7]
    assert sent[2]["web_search"] is True
    assert not any("disabled_params" in b for b in sent)


@pytest.mark.parametrize("wrong", [3, {"temperature": 1}, {"api_key": "k"}, {"x": {1}}])
def test_model_kwargs_of_a_call_are_checked(gateway, wrong):
    with build(gateway) as model, pytest.raises(ValueError, match="model_kwargs"):
        model.invoke("Hello", model_kwargs=wrong)

    assert gateway.requests == []


class Traced(BaseCallbackHandler):
    """Keeps what tracing receives of a call."""

    def on_chat_model_start(self, serialized, messages, **kwargs):
        self.metadata = kwargs["metadata"]
        self.params = kwargs["invocation_params"]


def test_trace_names_the_models_slug_when_model_is_none(gateway):
    traced = Traced()

    with build(gateway) as model:
        model.invoke("Hello", {"callbacks": [traced]}, model=None)

    assert traced.metadata["ls_model_name"] == traced.params["model"] == "gpt-4o"


def test_empty_stop_list_overrides_the_models_stop(gateway):
    gateway.reply("one two", "one two")
    traced = Traced()

    with build(gateway, stop=["two"]) as model:
        assert model.invoke("Count").text == "one "
        assert model.invoke("Count", {"callbacks": [traced]}, stop=[]).text == "one two"

    assert "ls_stop" not in traced.metadata


def test_max_concurrency_of_a_batch_belongs_into_its_config(gateway):
    with build(gateway) as model:
        with pytest.raises(ValueError, match=r"config=\{'max_concurrency': \.\.\.\} to batch"):
            model.batch(["Hello"], max_concurrency=2)
        assert len(model.batch(["Hello"], {"max_concurrency": 2})) == 1


@pytest.mark.parametrize("method", ["status", "result"])
def test_job_without_an_id_is_refused_before_anything_is_sent(gateway, method):
    missing: Any = SegmindError("the submission failed").request_id
    with (
        build(gateway) as model,
        pytest.raises(SegmindInvalidRequestError, match="request_id must be a job's id"),
    ):
        getattr(model.get_job(missing), method)()

    assert gateway.requests == []


@pytest.mark.parametrize("slug", ["text-embedding-3-small", "gemini-embedding-001"])
def test_embedding_model_is_refused_before_anything_is_sent(gateway, slug):
    words = f"model='{slug}' is an embedding model. Use SegmindEmbeddings"
    with pytest.raises(ValueError, match=words):
        build(gateway, slug)
    with build(gateway) as model:
        for call in ("invoke", "stream", "submit"):
            with pytest.raises(ValueError, match=words):
                CALLS[call](model, model=slug)

    assert gateway.requests == []


@pytest.mark.parametrize("call", ["stream", "astream"])
def test_stream_is_refused_unless_n_is_one(gateway, call):
    with build(gateway, n=2) as model:
        for n in (2, "2", 2.0):
            with pytest.raises(ValueError, match="n must be 1"):
                CALLS[call](model, n=n)
        assert gateway.requests == []
        assert len(CALLS[call](model, n=None)) == 1

    assert "n" not in model_requests(gateway)[0].body


def test_list_models_rejects_a_blank_base_url(gateway):
    with build(gateway) as model, pytest.raises(ValueError, match="base_url"):
        model.list_models(base_url="")

    assert gateway.requests == []


# --- tools with the same name ----------------------------------------------------------------


def described(parameters):
    function = {"name": "send", "description": "Sends.", "parameters": parameters}
    return {"type": "function", "function": function}


class send(BaseModel):  # noqa: N801 - the name is the tool's
    """Sends."""

    to: str


def properties(**each):
    return {"type": "object", "properties": each}


def with_reversed_keys(value):
    if not isinstance(value, dict):
        return value
    return {name: with_reversed_keys(value[name]) for name in reversed(value)}


ONE = described(properties(to={"type": "integer", "default": 1}))
UNLIKE = {
    "properties": described(properties(mail={"type": "string"})),
    "required": described({**ONE["function"]["parameters"], "required": ["to"]}),
    "type": described(properties(to={"type": "number", "default": 1})),
    "true for 1": described(properties(to={"type": "integer", "default": True})),
    "description": {**ONE, "function": {**ONE["function"], "description": "Sends all."}},
    "strict": {**ONE, "function": {**ONE["function"], "strict": True}},
    "no parameters": {"type": "function", "function": {"name": "send", "description": "Sends."}},
    "a class": send,
    "Anthropic's form": {
        "name": "send",
        "description": "Sends.",
        "input_schema": properties(mail={"type": "string"}),
    },
}
ALIKE = {
    "itself": ONE,
    "titles": described(properties(to={"type": "integer", "default": 1, "title": "To"})),
    "order of keys": with_reversed_keys(ONE),
    "Anthropic's form": {
        "name": "send",
        "description": "Sends.",
        "input_schema": ONE["function"]["parameters"],
    },
}


def sender(account: str):
    """Make a function that sends, as a server that offers tools does for each account."""

    def send(to: str) -> str:
        """Sends."""
        return account

    return send


async def send_later(to: str) -> str:
    """Sends."""
    return to


class Account:
    def send(self, to: str) -> str:
        """Sends."""
        return to


class SendTool(BaseTool):
    name: str = "send"
    description: str = "Sends."
    account: str

    def _run(self, to: str) -> str:
        return self.account


ONE_SENDER, OTHER_SENDER = sender("a"), sender("b")
ACCOUNT = Account()
A_TOOL = SendTool(account="a")
DIFFERENT_TOOLS = {
    **{f"schema: {name}": (ONE, other) for name, other in UNLIKE.items()},
    "functions": (ONE_SENDER, OTHER_SENDER),
    "tools": (tool(ONE_SENDER), tool(OTHER_SENDER)),
    "a function and a tool": (ONE_SENDER, tool(OTHER_SENDER)),
    "methods": (Account().send, Account().send),
    "async": (tool("send", description="Sends.")(send_later), tool(ONE_SENDER)),
    "tool objects": (A_TOOL, SendTool(account="b")),
}
SAME_TOOL = {
    **{f"schema: {name}": (ONE, other) for name, other in ALIKE.items()},
    "class and its schema": (send, send.model_json_schema()),
    "functions": (ONE_SENDER, ONE_SENDER),
    "tools": (tool(ONE_SENDER), tool(ONE_SENDER)),
    "a function and a tool": (ONE_SENDER, tool(ONE_SENDER)),
    "methods": (ACCOUNT.send, ACCOUNT.send),
    "tool objects": (A_TOOL, A_TOOL),
    "a tool and its schema": (tool(ONE_SENDER), convert_to_openai_tool(tool(ONE_SENDER))),
}


@pytest.mark.parametrize("pair", DIFFERENT_TOOLS)
def test_different_tools_with_one_name_are_refused(gateway, pair):
    one, other = DIFFERENT_TOOLS[pair]
    calls = {
        **CALLS,
        "bind_tools": lambda model, tools: model.bind_tools(tools),
        "schema": lambda model, tools: model.with_structured_output(send, tools=tools).invoke("x"),
    }
    with build(gateway) as model:
        for tools in ([one, other], [other, one], [one, search, one, other]):
            for call in calls.values():
                with pytest.raises(ValueError, match="'send' is the name of two tools"):
                    call(model, tools=tools)

    assert gateway.requests == []


@pytest.mark.parametrize("pair", SAME_TOOL)
def test_same_tool_is_sent_once_when_given_twice(gateway, pair):
    one, other = SAME_TOOL[pair]
    with build(gateway) as model:
        model.bind_tools([one]).invoke("Hello")
        model.bind_tools([one, other]).invoke("Hello")
        model.invoke("Hello", tools=[one, one, other])

    bodies = [request.body for request in model_requests(gateway)]
    assert bodies[0] == bodies[1] == bodies[2]
