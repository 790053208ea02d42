"""Every family's own tool fields: read strictly, and only where the gateway forwards them."""

from typing import Any

import pytest

from langchain_segmind.testing import Call, ModelRequest, Offer, Reply, Result, Tool, Usage
from langchain_segmind.testing.answers import RefusalError
from langchain_segmind.testing.directory import Family, build_directory
from langchain_segmind.testing.families import Reading, Writing, read_request, write_reply

SLUGS: dict[Family, str] = {
    "openai": "gpt-4o",
    "anthropic": "claude-4.5-sonnet",
    "gemini": "gemini-2.5-flash",
}
DIRECTORY = build_directory()
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS = (Tool("inc", "Add one.", SCHEMA), Tool("now", "", {"type": "object", "properties": {}}))
FUNCTIONS = [{"name": tool.name, "parameters": tool.parameters} for tool in TOOLS]
FUNCTIONS[0]["description"] = "Add one."
CALL = Call("inc", {"a": 1}, "c1")

OFFERS: dict[Family, dict[str, Any]] = {
    "openai": {"tools": [{"type": "function", "function": spec} for spec in FUNCTIONS]},
    "anthropic": {
        "tools": [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in TOOLS
        ]
    },
    "gemini": {"tools": [{"functionDeclarations": FUNCTIONS}]},
}


def openai(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), **more}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def gemini(*contents: Any, **more: Any) -> dict[str, Any]:
    return {"messages": {"contents": list(contents)}, **more}


def turn(*parts: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


HI: dict[Family, dict[str, Any]] = {
    "openai": openai(user("Hi")),
    "anthropic": openai(user("Hi")),
    "gemini": gemini(turn({"text": "Hi"})),
}

ASKED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "inc", "arguments": '{"a": 1}'}}
    ],
}
TOLD = {"role": "tool", "tool_call_id": "c1", "content": "2"}
USED = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "c1", "name": "inc", "input": {"a": 1}}],
}
GIVEN = {"type": "tool_result", "tool_use_id": "c1", "content": "2"}
FUNCTION_CALL = turn({"functionCall": {"name": "inc", "args": {"a": 1}}}, role="model")
FUNCTION_RESPONSE = turn({"functionResponse": {"name": "inc", "response": {"result": "2"}}})

HISTORIES: dict[Family, dict[str, Any]] = {
    "openai": openai(user("Hi"), ASKED, TOLD),
    "anthropic": openai(user("Hi"), USED, user([GIVEN])),
    "gemini": gemini(turn({"text": "Hi"}), FUNCTION_CALL, FUNCTION_RESPONSE),
}


def read(family: Family, body: dict[str, Any], *, forward: bool = True) -> ModelRequest:
    reading = Reading(DIRECTORY[SLUGS[family]], body, forward_tools=forward)
    return read_request(reading)


def refusal(family: Family, body: dict[str, Any], *, forward: bool = True) -> str:
    with pytest.raises(RefusalError) as caught:
        read(family, body, forward=forward)
    assert caught.value.status == 400
    assert isinstance(caught.value.body, dict)
    return str(caught.value.body["error"])


@pytest.mark.parametrize("family", SLUGS)
def test_every_family_reads_the_same_offer(family: Family) -> None:
    assert read(family, HI[family] | OFFERS[family]).offer == Offer(TOOLS)


@pytest.mark.parametrize("family", SLUGS)
def test_no_offer_is_read_where_tools_are_not_forwarded(family: Family) -> None:
    question = read(family, HI[family] | OFFERS[family], forward=False)
    assert (question.offer, question.settings) == (None, {})


@pytest.mark.parametrize("family", SLUGS)
def test_a_conversation_without_tools_has_no_offer(family: Family) -> None:
    assert read(family, HI[family]).offer is None


@pytest.mark.parametrize(
    ("family", "choice", "expected"),
    [
        ("openai", {"tool_choice": "auto"}, Offer(TOOLS)),
        ("openai", {"tool_choice": "none"}, None),
        ("openai", {"tool_choice": "required"}, Offer(TOOLS, forced=True)),
        (
            "openai",
            {"tool_choice": {"type": "function", "function": {"name": "now"}}},
            Offer(TOOLS[1:], forced=True),
        ),
        ("openai", {"parallel_tool_calls": False}, Offer(TOOLS, most=1)),
        ("anthropic", {"tool_choice": {"type": "auto"}}, Offer(TOOLS)),
        ("anthropic", {"tool_choice": {"type": "none"}}, None),
        (
            "anthropic",
            {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
            Offer(TOOLS, forced=True, most=1),
        ),
        (
            "anthropic",
            {"tool_choice": {"type": "tool", "name": "now"}},
            Offer(TOOLS[1:], forced=True),
        ),
        ("gemini", {"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}, Offer(TOOLS)),
        ("gemini", {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}, None),
        (
            "gemini",
            {
                "toolConfig": {
                    "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["now"]}
                }
            },
            Offer(TOOLS[1:], forced=True),
        ),
    ],
)
def test_choices_narrow_the_offer(family: Family, choice: Any, expected: Offer | None) -> None:
    assert read(family, HI[family] | OFFERS[family] | choice).offer == expected


@pytest.mark.parametrize("family", SLUGS)
def test_every_family_reads_calls_and_results(family: Family) -> None:
    asked, called, told = read(family, HISTORIES[family] | OFFERS[family]).turns
    call_id = None if family == "gemini" else "c1"
    name = "inc" if family == "gemini" else None
    assert asked.text == "Hi"
    assert (called.role, called.calls) == ("assistant", (Call("inc", {"a": 1}, call_id),))
    assert (told.role, told.results) == ("user", (Result("2", call_id, name),))


@pytest.mark.parametrize("family", SLUGS)
def test_calls_and_results_are_refused_where_tools_are_not_forwarded(family: Family) -> None:
    assert refusal(family, HISTORIES[family], forward=False)


def test_errors_and_pictures_may_be_results() -> None:
    failed = user([{**GIVEN, "is_error": True}])
    body = openai(user("Hi"), USED, failed, **OFFERS["anthropic"])
    assert read("anthropic", body).turns[2].results[0].failed
    response = turn({"functionResponse": {"name": "inc", "response": {"error": "no"}}})
    body = gemini(turn({"text": "Hi"}), FUNCTION_CALL, response, **OFFERS["gemini"])
    assert read("gemini", body).turns[2].results[0].failed
    picture = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    shown = user([{**GIVEN, "content": [{"type": "image", "source": picture}]}])
    body = openai(user("Hi"), USED, shown, **OFFERS["anthropic"])
    assert read("anthropic", body).turns[2].media


def function(**more: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", **more}}]}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (openai(user("Hi"), tools=[]), "tools"),
        (openai(user("Hi"), tools=[{"name": "f"}]), "tools[0]"),
        (openai(user("Hi"), **function(name="a b")), "tools[0].function.name"),
        (openai(user("Hi"), **function(input_schema={})), "'input_schema'"),
        (openai(user("Hi"), **function(parameters={"type": "string"})), "'object'"),
        (openai(user("Hi"), **function(strict="yes")), "strict"),
        (openai(user("Hi"), tools=OFFERS["openai"]["tools"] * 2), "unique"),
        (openai(user("Hi"), tool_choice="auto"), "'tools'"),
        (openai(user("Hi"), tool_choice="any", **function()), "tool_choice"),
        (openai(user("Hi"), parallel_tool_calls="no", **function()), "parallel_tool_calls"),
        (
            openai(
                user("Hi"),
                tool_choice={"type": "function", "function": {"name": "g"}},
                **function(),
            ),
            '"g" is not',
        ),
        (openai(user("Hi"), ASKED), "must be followed"),
        (openai(user("Hi"), ASKED, user("So?")), "must be followed"),
        (openai(user("Hi"), TOLD), "preceding message"),
        (openai(user("Hi"), ASKED, {**TOLD, "tool_call_id": "c2"}), "preceding message"),
        (openai(user("Hi"), ASKED, {**TOLD, "name": "inc"}), "'name'"),
        (openai(user("Hi"), {**ASKED, "tool_calls": []}), "tool_calls"),
    ],
)
def test_openai_refuses_malformed_tools_and_says_where(body: Any, where: str) -> None:
    assert where in refusal("openai", body)


def custom(**more: Any) -> dict[str, Any]:
    return {"tools": [{"name": "f", "input_schema": {"type": "object"}, **more}]}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (openai(user("Hi"), **OFFERS["openai"]), "tools.0"),
        (openai(user("Hi"), **custom(input_schema={})), "input_schema"),
        (openai(user("Hi"), tool_choice={"type": "any"}), "tool_choice"),
        (openai(user("Hi"), tool_choice="any", **custom()), "tool_choice"),
        (openai(user("Hi"), tool_choice={"type": "required"}, **custom()), "tool_choice.type"),
        (openai(user("Hi"), tool_choice={"type": "tool"}, **custom()), "'name'"),
        (openai(user("Hi"), USED, **custom()), "tool_result"),
        (openai(user("Hi"), USED, user("So?"), **custom()), "tool_result"),
        (openai(user([GIVEN]), **custom()), "unexpected `tool_use_id`"),
        (openai(user("Hi"), USED, user([GIVEN])), "must define tools"),
        (
            openai(user("Hi"), USED, user([{"type": "text", "text": "So:"}, GIVEN]), **custom()),
            "before all others",
        ),
    ],
)
def test_claude_refuses_malformed_tools_and_says_where(body: Any, where: str) -> None:
    assert where in refusal("anthropic", body)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (HI["gemini"] | OFFERS["openai"], "tools[0]"),
        (HI["gemini"] | {"tools": [{"functionDeclarations": [{"name": "1f"}]}]}, "name"),
        (
            HI["gemini"]
            | {
                "tools": [
                    {
                        "functionDeclarations": [
                            {"name": "f", "parameters": {"properties": {"a": {"$ref": "#/x"}}}}
                        ]
                    }
                ]
            },
            "$ref is not supported",
        ),
        (HI["gemini"] | {"toolConfig": {}}, "toolConfig"),
        (
            HI["gemini"]
            | OFFERS["gemini"]
            | {"toolConfig": {"functionCallingConfig": {"mode": "any"}}},
            "mode",
        ),
        (gemini(turn({"text": "Hi"}), FUNCTION_CALL), "function response parts"),
        (gemini(turn({"text": "Hi"}), FUNCTION_RESPONSE), "function response parts"),
    ],
)
def test_gemini_refuses_malformed_tools_and_says_where(body: Any, where: str) -> None:
    assert where in refusal("gemini", body)


@pytest.mark.parametrize("forward", [False, True])
@pytest.mark.parametrize("key", ["$ref", "$defs"])
def test_gemini_takes_no_references_in_a_schema(key: str, forward: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"items": [{key: {}}]}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = HI["gemini"] | {"response_format": wanted}
    assert f"{key} is not supported" in refusal("gemini", body, forward=forward)


def written(family: Family, reply: Reply) -> dict[str, Any]:
    return write_reply(family, Writing("slug", reply, Usage(3, 2), "1"))


WITH_CALLS = Reply("Wait.", calls=(CALL, Call("now")))


def test_openai_writes_calls() -> None:
    choice = written("openai", WITH_CALLS)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Wait."
    first, second = choice["message"]["tool_calls"]
    assert [first] == ASKED["tool_calls"]
    assert second["function"] == {"name": "now", "arguments": "{}"}
    assert second["id"]
    assert written("openai", Reply(calls=(CALL,)))["choices"][0]["message"]["content"] is None


def test_anthropic_writes_calls() -> None:
    body = written("anthropic", WITH_CALLS)
    assert body["stop_reason"] == "tool_use"
    text, first, second = body["content"]
    assert text == {"type": "text", "text": "Wait."}
    assert [first] == USED["content"]
    assert (second["name"], second["input"]) == ("now", {})
    assert second["id"].startswith("toolu_")


def test_gemini_writes_calls() -> None:
    candidate = written("gemini", WITH_CALLS)["candidates"][0]
    assert candidate["finishReason"] == "STOP"
    assert candidate["content"]["parts"] == [
        {"text": "Wait."},
        {"functionCall": {"id": "c1", "name": "inc", "args": {"a": 1}}},
        {"functionCall": {"name": "now", "args": {}}},
    ]
