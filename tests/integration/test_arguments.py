"""What one call is given is checked as the constructor's arguments are, before anything is sent."""

import asyncio
import re

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tools import BaseTool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ValidationError

from langchain_segmind import ChatSegmind
from tests.integration.call_styles import build, in_both_styles, model_requests

SLUGS = ("gpt-4o", "claude-4.5-sonnet", "gemini-2.5-flash")

pytestmark = in_both_styles


def invoke(model, /, **kwargs):
    return model.invoke("Hello", **kwargs)


def ainvoke(model, /, **kwargs):
    return asyncio.run(model.ainvoke("Hello", **kwargs))


def stream(model, /, **kwargs):
    return list(model.stream("Hello", **kwargs))


def astream(model, /, **kwargs):
    async def collect():
        return [chunk async for chunk in model.astream("Hello", **kwargs)]

    return asyncio.run(collect())


def batch(model, /, **kwargs):
    return model.batch(["Hello"], **kwargs)


def abatch(model, /, **kwargs):
    return asyncio.run(model.abatch(["Hello"], **kwargs))


def bind(model, /, **kwargs):
    return model.bind(**kwargs).invoke("Hello")


def submit(model, /, **kwargs):
    return model.submit("Hello", **kwargs)


def asubmit(model, /, **kwargs):
    return asyncio.run(model.asubmit("Hello", **kwargs))


def fetch(model, /, **kwargs):
    return model.get_job("a-job", **kwargs).result()


def afetch(model, /, **kwargs):
    return asyncio.run(model.get_job("a-job", **kwargs).aresult())


WAYS = (invoke, ainvoke, stream, astream, batch, abatch, bind, submit, asubmit, fetch, afetch)

every_way = pytest.mark.parametrize("call", WAYS, ids=lambda call: call.__name__)


@tool
def search(query: str) -> str:
    """Search the web."""
    return query


WRONG = [
    {"model": ""},
    {"model": " "},
    {"model": 0},
    {"model": []},
    {"model": False},
    {"model": b"gpt-4o"},
    {"model": "../v2/gpt-4o"},
    {"model_name": ""},
    {"model_name": "gpt-5"},
    {"stop_sequences": ["x"]},
    {"extra_headers": ""},
    {"extra_headers": []},
    {"extra_headers": 0},
    {"extra_headers": {"X-A": 1}},
    {"stop": ""},
    {"stop": [""]},
    {"stop": 0},
    {"stop": {}},
    {"n": 0},
    {"n": ""},
    {"max_tokens": 0},
    {"temperature": ""},
    {"seed": ""},
    {"tools": 0},
    {"tools": ""},
    {"tools": {}},
    {"tools": False},
    {"tools": "search"},
    {"tools": search},
    {"tools": [search], "tool_choice": ""},
    {"tools": [search], "tool_choice": []},
    {"tools": [search], "tool_choice": {}},
    {"tools": [search], "tool_choice": {"mode": "any"}},
    {"tools": [search], "tool_choice": 0},
    {"tool_choice": ""},
    {"tool_choice": {}},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": ""}}]},
    {"tools": [{"type": "function", "function": {"name": "f", "description": 0}}]},
    {"tools": [{"type": "function", "function": {"name": ""}}]},
    {"tools": [{"type": "function", "function": {}}]},
    {"tools": [{"type": "function", "function": None}]},
    {"response_format": ""},
    {"response_format": 0},
    {"response_format": []},
    {"response_format": False},
    {"parallel_tool_calls": 0},
    {"parallel_tool_calls": ""},
    {"stream": ""},
]


def label(value):
    """Name a case alike in every process: no addresses of objects."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


@pytest.mark.parametrize("call", [invoke, astream, submit, afetch], ids=lambda call: call.__name__)
@pytest.mark.parametrize("wrong", WRONG, ids=label)
def test_a_wrong_argument_of_a_call_is_refused_before_anything_is_sent(gateway, call, wrong):
    with build(gateway) as model, pytest.raises(ValueError, match=next(reversed(wrong))) as caught:
        call(model, **wrong)

    assert gateway.requests == []
    assert not isinstance(caught.value, ValidationError)


@every_way
@pytest.mark.parametrize("slug", SLUGS)
def test_a_blank_model_is_never_answered_by_another(gateway, slug, call):
    with build(gateway, slug) as model, pytest.raises(ValueError, match="model=''"):
        call(model, model="")

    assert gateway.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": ""},
        {"model": "a b"},
        {"model": 5},
        {"model": []},
        {"stop": ""},
        {"stop": [""]},
        {"n": 0},
        {"n": "x"},
        {"temperature": ""},
        {"max_tokens": 0},
        {"reasoning_effort": 0},
    ],
    ids=label,
)
def test_a_call_uses_the_words_of_the_constructor(gateway, wrong):
    with pytest.raises(ValidationError) as of_constructor:
        ChatSegmind(**{"model": "gpt-4o", "api_key": "SG_test", **wrong})
    with build(gateway) as model, pytest.raises(ValueError, match=next(iter(wrong))) as of_call:
        model.invoke("Hello", **wrong)

    words = of_constructor.value.errors()[0]["msg"].removeprefix("Value error, ")
    assert str(of_call.value).endswith(words)


@pytest.mark.parametrize("call", [invoke, ainvoke, stream, astream, batch, bind])
@pytest.mark.parametrize(
    "nothing",
    [
        {"model": None},
        {"extra_headers": None},
        {"extra_headers": {}},
        {"stop": []},
        {"tools": None},
        {"tools": []},
        {"tool_choice": None},
        {"response_format": None},
        {"parallel_tool_calls": None},
        {"n": None},
    ],
    ids=label,
)
def test_nothing_given_is_the_models_own(gateway, call, nothing):
    with build(gateway) as model:
        call(model)
        call(model, **nothing)

    first, second = model_requests(gateway)
    assert (first.slug, first.body) == (second.slug, second.body) == ("gpt-4o", first.body)


class Traced(BaseCallbackHandler):
    """Keeps what a trace says of the call."""

    def on_chat_model_start(self, serialized, messages, **kwargs):
        self.metadata = kwargs["metadata"]
        self.params = kwargs["invocation_params"]


def test_a_trace_names_the_model_that_is_asked(gateway):
    traced = Traced()

    with build(gateway) as model:
        model.invoke("Hello", {"callbacks": [traced]}, model=None)

    assert traced.metadata["ls_model_name"] == traced.params["model"] == "gpt-4o"


def test_an_empty_list_of_stop_words_overrides_the_models_own(gateway):
    gateway.reply("one two", "one two")
    traced = Traced()

    with build(gateway, stop=["two"]) as model:
        assert model.invoke("Count").text == "one "
        assert model.invoke("Count", {"callbacks": [traced]}, stop=[]).text == "one two"

    assert "ls_stop" not in traced.metadata


@pytest.mark.parametrize("call", [stream, astream])
@pytest.mark.parametrize("n", [2, "2", 2.0])
def test_a_stream_of_several_answers_is_refused_in_any_spelling(gateway, call, n):
    with build(gateway) as model, pytest.raises(ValueError, match="n must be 1"):
        call(model, n=n)

    assert gateway.requests == []


@pytest.mark.parametrize("call", [stream, astream])
def test_a_stream_may_leave_out_the_models_n(gateway, call):
    with build(gateway, n=2) as model:
        assert len(call(model, n=None)) == 1

    assert "n" not in model_requests(gateway)[0].body


def test_a_blank_address_of_the_catalogue_is_not_the_vendors(gateway):
    with build(gateway) as model, pytest.raises(ValueError, match="base_url"):
        model.list_models(base_url="")

    assert gateway.requests == []


# --- tools of one name -----------------------------------------------------------------------


def described(name="send", about="Sends.", parameters=None, **more):
    found = parameters or {"type": "object", "properties": {"to": {"type": "string"}}}
    function = {"name": name, "description": about, "parameters": found, **more}
    return {"type": "function", "function": function}


class send(BaseModel):  # noqa: N801 - the name is the tool's
    """Sends."""

    to: str


def properties(**each):
    return {"type": "object", "properties": each}


ONE = described(parameters=properties(to={"type": "integer", "default": 1}))
UNLIKE = {
    "properties": described(parameters=properties(mail={"type": "string"})),
    "required": described(parameters={**ONE["function"]["parameters"], "required": ["to"]}),
    "type": described(parameters=properties(to={"type": "number", "default": 1})),
    "true for 1": described(parameters=properties(to={"type": "integer", "default": True})),
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
    "titles": described(parameters=properties(to={"type": "integer", "default": 1, "title": "To"})),
    "order of keys": {
        "function": {
            "parameters": {
                "properties": {"to": {"default": 1, "type": "integer"}},
                "type": "object",
            },
            "description": "Sends.",
            "name": "send",
        },
        "type": "function",
    },
    "Anthropic's form": {
        "name": "send",
        "description": "Sends.",
        "input_schema": ONE["function"]["parameters"],
    },
}


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("other", UNLIKE)
def test_different_tools_of_one_name_are_refused_where_they_are_bound(gateway, slug, other):
    with build(gateway, slug) as model:
        for tools in ([ONE, UNLIKE[other]], [UNLIKE[other], ONE], [ONE, search, UNLIKE[other]]):
            with pytest.raises(ValueError, match="'send' is the name of two tools"):
                model.bind_tools(tools)


@pytest.mark.parametrize("call", [ainvoke, stream, bind, asubmit, fetch])
@pytest.mark.parametrize("other", UNLIKE)
def test_different_tools_of_one_name_are_refused_at_a_call(gateway, call, other):
    with build(gateway) as model, pytest.raises(ValueError, match="name of two tools"):
        call(model, tools=[ONE, UNLIKE[other]])

    assert gateway.requests == []


def test_different_tools_of_one_name_are_refused_beside_a_schema(gateway):
    with build(gateway) as model, pytest.raises(ValueError, match="name of two tools"):
        model.with_structured_output(send, tools=[ONE, UNLIKE["type"]]).invoke("Hello")

    assert gateway.requests == []


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("other", ALIKE)
def test_the_same_tool_twice_is_the_tool(gateway, slug, other):
    with build(gateway, slug) as model:
        model.bind_tools([ONE]).invoke("Hello")
        model.bind_tools([ONE, ALIKE[other]]).invoke("Hello")
        model.invoke("Hello", tools=[ONE, ONE, ALIKE[other]])

    bodies = [request.body for request in model_requests(gateway)]
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize("twice", [[search, search], [send, send.model_json_schema()]])
def test_a_function_or_class_given_twice_is_one_tool(gateway, twice):
    with build(gateway) as model:
        model.bind_tools(twice).invoke("Hello")
        model.bind_tools(twice[:1]).invoke("Hello")

    first, second = model_requests(gateway)
    assert first.body == second.body


def sender(log):
    """Make a function that sends, as a server that offers tools does for each account."""

    def send(to: str) -> str:
        """Sends."""
        log.append(to)
        return "ok"

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


ONE_SENDER, OTHER_SENDER = sender([]), sender([])
ACCOUNT = Account()
A_TOOL = SendTool(account="a")
UNLIKE_CODE = {
    "functions": (ONE_SENDER, OTHER_SENDER),
    "tools": (tool(ONE_SENDER), tool(OTHER_SENDER)),
    "a function and a tool": (ONE_SENDER, tool(OTHER_SENDER)),
    "methods": (Account().send, Account().send),
    "async": (tool("send", description="Sends.")(send_later), tool(ONE_SENDER)),
    "tool objects": (A_TOOL, SendTool(account="b")),
}
LIKE_CODE = {
    "functions": (ONE_SENDER, ONE_SENDER),
    "tools": (tool(ONE_SENDER), tool(ONE_SENDER)),
    "a function and a tool": (ONE_SENDER, tool(ONE_SENDER)),
    "methods": (ACCOUNT.send, ACCOUNT.send),
    "tool objects": (A_TOOL, A_TOOL),
    "a tool and its schema": (tool(ONE_SENDER), convert_to_openai_tool(tool(ONE_SENDER))),
}


@pytest.mark.parametrize("pair", UNLIKE_CODE)
def test_different_code_of_one_name_is_refused(gateway, pair):
    one, other = UNLIKE_CODE[pair]
    with build(gateway) as model:
        for tools in ([one, other], [other, one], [one, search, one, other]):
            with pytest.raises(ValueError, match="'send' is the name of two tools"):
                model.bind_tools(tools)
            for call in (invoke, ainvoke, stream, submit):
                with pytest.raises(ValueError, match="'send' is the name of two tools"):
                    call(model, tools=tools)

    assert gateway.requests == []


@pytest.mark.parametrize("pair", LIKE_CODE)
def test_the_same_code_twice_is_one_tool(gateway, pair):
    one, other = LIKE_CODE[pair]
    with build(gateway) as model:
        model.bind_tools([one, other]).invoke("Hello")
        model.bind_tools([one]).invoke("Hello")

    first, second = model_requests(gateway)
    assert first.body == second.body
