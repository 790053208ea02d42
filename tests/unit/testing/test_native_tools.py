"""Every family's own tool fields: read strictly, and only where the gateway forwards them."""

from typing import Any

import pytest

from langchain_segmind.testing import Call, ModelRequest, Offer, Reply, Result, Tool
from langchain_segmind.testing.directory import Family
from tests.unit.testing import bodies
from tests.unit.testing.bodies import SLUGS, gemini, json_schema, openai, turn, user, written

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
RETURNED = {"role": "tool", "tool_call_id": "c1", "content": "2"}
USED = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "c1", "name": "inc", "input": {"a": 1}}],
}
GIVEN = {"type": "tool_result", "tool_use_id": "c1", "content": "2"}
FUNCTION_CALL = turn({"functionCall": {"name": "inc", "args": {"a": 1}}}, role="model")
FUNCTION_RESPONSE = turn({"functionResponse": {"name": "inc", "response": {"result": "2"}}})

HISTORIES: dict[Family, dict[str, Any]] = {
    "openai": openai(user("Hi"), ASKED, RETURNED),
    "anthropic": openai(user("Hi"), USED, user([GIVEN])),
    "gemini": gemini(turn({"text": "Hi"}), FUNCTION_CALL, FUNCTION_RESPONSE),
}


def read(family: Family, body: dict[str, Any], *, forward: bool = True) -> ModelRequest:
    return bodies.read(SLUGS[family], body, forward_tools=forward)


def refusal(family: Family, body: dict[str, Any], *, forward: bool = True) -> str:
    status, text = bodies.refusal(SLUGS[family], body, forward_tools=forward)
    assert status == 400
    return text


@pytest.mark.parametrize("family", SLUGS)
def test_family_reads_the_same_offer_only_when_tools_are_forwarded(family: Family) -> None:
    assert read(family, HI[family]).offer is None
    assert read(family, HI[family] | OFFERS[family]).offer == Offer(TOOLS)
    request = read(family, HI[family] | OFFERS[family], forward=False)
    assert (request.offer, request.settings) == (None, {})


def mode(name: str, **more: Any) -> dict[str, Any]:
    return {"toolConfig": {"functionCallingConfig": {"mode": name, **more}}}


def function(**more: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", **more}}]}


def chosen(name: str) -> dict[str, Any]:
    return {"tool_choice": {"type": "function", "function": {"name": name}}}


def choice(**more: Any) -> dict[str, Any]:
    return {"tool_choice": more}


NOW = Offer(TOOLS[1:], forced=True)


@pytest.mark.parametrize(
    ("family", "chosen", "expected"),
    [
        ("openai", {"tool_choice": "auto"}, Offer(TOOLS)),
        ("openai", {"tool_choice": "none"}, None),
        ("openai", {"tool_choice": "required"}, Offer(TOOLS, forced=True)),
        ("openai", chosen("now"), NOW),
        ("openai", {"parallel_tool_calls": False}, Offer(TOOLS, most=1)),
        ("anthropic", choice(type="auto"), Offer(TOOLS)),
        ("anthropic", choice(type="none"), None),
        (
            "anthropic",
            choice(type="any", disable_parallel_tool_use=True),
            Offer(TOOLS, forced=True, most=1),
        ),
        ("anthropic", choice(type="tool", name="now"), NOW),
        ("gemini", mode("AUTO"), Offer(TOOLS)),
        ("gemini", mode("NONE"), None),
        ("gemini", mode("ANY", allowedFunctionNames=["now"]), NOW),
    ],
)
def test_tool_choice_narrows_the_offer(family: Family, chosen: Any, expected: Any) -> None:
    assert read(family, HI[family] | OFFERS[family] | chosen).offer == expected


@pytest.mark.parametrize("family", SLUGS)
def test_family_reads_calls_and_results(family: Family) -> None:
    asked, called, returned = read(family, HISTORIES[family] | OFFERS[family]).turns
    call_id = None if family == "gemini" else "c1"
    name = "inc" if family == "gemini" else None
    assert asked.text == "Hi"
    assert (called.role, called.calls) == ("assistant", (Call("inc", {"a": 1}, call_id),))
    assert (returned.role, returned.results) == ("user", (Result("2", call_id, name),))


@pytest.mark.parametrize("family", SLUGS)
def test_calls_and_results_are_refused_when_tools_are_not_forwarded(family: Family) -> None:
    assert refusal(family, HISTORIES[family], forward=False)


def test_results_may_be_errors_and_pictures() -> None:
    failed = user([{**GIVEN, "is_error": True}])
    body = openai(user("Hi"), USED, failed, **OFFERS["anthropic"])
    assert read("anthropic", body).turns[2].results[0].failed
    response = turn({"functionResponse": {"name": "inc", "response": {"error": "no"}}})
    body = gemini(turn({"text": "Hi"}), FUNCTION_CALL, response) | OFFERS["gemini"]
    assert read("gemini", body).turns[2].results[0].failed
    picture = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    shown = user([{**GIVEN, "content": [{"type": "image", "source": picture}]}])
    body = openai(user("Hi"), USED, shown, **OFFERS["anthropic"])
    assert read("anthropic", body).turns[2].media


def custom(**more: Any) -> dict[str, Any]:
    return {"tools": [{"name": "f", "input_schema": {"type": "object"}, **more}]}


def declared(**spec: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [spec]}]}


REFERRING = {"properties": {"a": {"$ref": "#/x"}}}
LATE_RESULT = user([{"type": "text", "text": "So:"}, GIVEN])
MALFORMED: dict[Family, list[tuple[dict[str, Any], str]]] = {
    "openai": [
        (HI["openai"] | {"tools": []}, "tools"),
        (HI["openai"] | {"tools": [{"name": "f"}]}, "tools[0]"),
        (HI["openai"] | function(name="a b"), "tools[0].function.name"),
        (HI["openai"] | function(input_schema={}), "'input_schema'"),
        (HI["openai"] | function(parameters={"type": "string"}), "'object'"),
        (HI["openai"] | function(strict="yes"), "strict"),
        (HI["openai"] | {"tools": OFFERS["openai"]["tools"] * 2}, "unique"),
        (HI["openai"] | {"tool_choice": "auto"}, "'tools'"),
        (HI["openai"] | {"tool_choice": "any"} | function(), "tool_choice"),
        (HI["openai"] | {"parallel_tool_calls": "no"} | function(), "parallel_tool_calls"),
        (HI["openai"] | chosen("g") | function(), '"g" is not'),
        (openai(user("Hi"), ASKED), "must be followed"),
        (openai(user("Hi"), ASKED, user("So?")), "must be followed"),
        (openai(user("Hi"), RETURNED), "preceding message"),
        (openai(user("Hi"), ASKED, {**RETURNED, "tool_call_id": "c2"}), "preceding message"),
        (openai(user("Hi"), ASKED, {**RETURNED, "name": "inc"}), "'name'"),
        (openai(user("Hi"), {**ASKED, "tool_calls": []}), "tool_calls"),
    ],
    "anthropic": [
        (HI["anthropic"] | OFFERS["openai"], "tools.0"),
        (HI["anthropic"] | custom(input_schema={}), "input_schema"),
        (HI["anthropic"] | choice(type="any"), "tool_choice"),
        (HI["anthropic"] | {"tool_choice": "any"} | custom(), "tool_choice"),
        (HI["anthropic"] | choice(type="required") | custom(), "tool_choice.type"),
        (HI["anthropic"] | choice(type="tool") | custom(), "'name'"),
        (openai(user("Hi"), USED, **custom()), "tool_result"),
        (openai(user("Hi"), USED, user("So?"), **custom()), "tool_result"),
        (openai(user([GIVEN]), **custom()), "unexpected `tool_use_id`"),
        (openai(user("Hi"), USED, user([GIVEN])), "must define tools"),
        (openai(user("Hi"), USED, LATE_RESULT, **custom()), "before all others"),
    ],
    "gemini": [
        (HI["gemini"] | OFFERS["openai"], "tools[0]"),
        (HI["gemini"] | declared(name="1f"), "name"),
        (HI["gemini"] | declared(name="f", parameters=REFERRING), "$ref is not supported"),
        (HI["gemini"] | {"toolConfig": {}}, "toolConfig"),
        (HI["gemini"] | OFFERS["gemini"] | mode("any"), "mode"),
        (gemini(turn({"text": "Hi"}), FUNCTION_CALL), "function response parts"),
        (gemini(turn({"text": "Hi"}), FUNCTION_RESPONSE), "function response parts"),
    ],
}


@pytest.mark.parametrize(
    ("family", "body", "where"),
    [(family, body, where) for family, rows in MALFORMED.items() for body, where in rows],
)
def test_family_refuses_malformed_tools_and_names_the_place(
    family: Family, body: Any, where: str
) -> None:
    assert where in refusal(family, body)


@pytest.mark.parametrize("forward", [False, True])
@pytest.mark.parametrize("key", ["$ref", "$defs"])
def test_gemini_refuses_references_in_a_schema(key: str, forward: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"items": [{key: {}}]}}}
    body = HI["gemini"] | json_schema(schema)
    assert f"{key} is not supported" in refusal("gemini", body, forward=forward)


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
