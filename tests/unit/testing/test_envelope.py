"""Tool calls in an envelope: recognised by its schema, and written in every manner."""

import json
from typing import Any, get_args

import pytest

from langchain_segmind.testing import HelpfulBrain, Question, Reply, Turn
from langchain_segmind.testing.helpful.tools.manners import Manner

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/add.Whole"}},
    "required": ["a", "b"],
}
PLACE = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
DEFINITIONS = {"add.Whole": {"type": "integer"}}
ANSWER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
}


def offered(name: str, arguments: Any, about: str = "") -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "properties": {"name": {"type": "string", "enum": [name]}, "arguments": arguments},
        "required": ["name", "arguments"],
    }


ADD = offered("add", NUMBERS, "Add two integers.")
WEATHER = offered("get_weather", PLACE, "Get the weather at a location.")


def envelope(*offers: Any, answer: Any = None, **calls: int) -> dict[str, Any]:
    items = offers[0] if len(offers) == 1 else {"anyOf": list(offers)}
    say = {"anyOf": [answer, {"type": "null"}]} if answer else {"type": "string"}
    return {
        "type": "object",
        "properties": {"say": say, "calls": {"type": "array", "items": items, **calls}},
        "required": ["say", "calls"],
        "$defs": DEFINITIONS,
    }


def reply(schema: Any, *said: str, manner: Manner = "plain", alone: bool = False) -> Reply:
    """Play a conversation in which user and assistant take turns."""
    turns = tuple(Turn("assistant" if at % 2 else "user", text) for at, text in enumerate(said))
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    system = "You can call tools. Tools:\n- add: Add two integers. Arguments: {}"
    if alone:
        system = f"Reply with JSON alone, no other words. JSON schema: {json.dumps(schema)}\nGo."
    question = Question("gpt-4o", "openai", system, turns, None if alone else wanted)
    return HelpfulBrain(manner).answer(question)


def answer(schema: Any, *said: str, **how: Any) -> Any:
    return json.loads(reply(schema, *said, **how).text)


SUM = [{"name": "add", "arguments": {"a": 3, "b": 4}}]


@pytest.mark.parametrize("offers", [(ADD,), (WEATHER, ADD), (ADD, WEATHER)])
@pytest.mark.parametrize("alone", [False, True])
def test_calls_in_the_envelope(offers: Any, alone: bool) -> None:
    said = answer(envelope(*offers), "add 3 and 4", alone=alone)
    assert said == {"say": "I will use add.", "calls": SUM}


@pytest.mark.parametrize("alone", [False, True])
def test_says_what_it_would_have_said_where_no_tool_fits(alone: bool) -> None:
    said = answer(envelope(ADD, WEATHER), "What is the capital of France?", alone=alone)
    assert said == {"say": "The capital of France is Paris.", "calls": []}


def test_other_names_for_words_and_calls_will_do() -> None:
    schema = envelope(ADD)
    properties = schema["properties"]
    schema["properties"] = {"tool_uses": properties["calls"], "text": properties["say"]}
    assert answer(schema, "add 3 and 4") == {"tool_uses": SUM, "text": "I will use add."}


def test_a_list_of_anything_else_is_no_envelope() -> None:
    people = offered("x", {"type": "string"})
    people["properties"] = {"name": {"type": "string"}, "year": {"type": "integer"}}
    people["required"] = ["name", "year"]
    said = answer(envelope(people), "Ada was born in 1815.")
    assert said["calls"][0] == {"name": "Ada", "year": 1815}


PARIS = '<tool_call id="c1" name="get_weather">{"location": "Paris"}</tool_call>'
ROME = '<tool_call id="c2" name="get_weather">{"location": "Rome"}</tool_call>'
TWO = f"Let me see.\n{PARIS}\n{ROME}"


def test_reads_calls_and_results_told_as_text() -> None:
    results = (
        '<tool_result id="c1" name="get_weather">It is 21 degrees.\nNo wind.</tool_result>\n'
        '<tool_result id="c2" name="get_weather">\nIt rains.\n</tool_result>'
    )
    said = answer(envelope(WEATHER), "What's the weather in Paris and in Rome?", TWO, results)
    assert said == {"say": "It is 21 degrees.\nNo wind.\nIt rains.", "calls": []}


def test_hears_of_an_error() -> None:
    request = "What's the weather in Paris?"
    error = '<tool_result id="c1" name="get_weather" status="error">timed out</tool_result>'
    assert answer(envelope(WEATHER), request, PARIS, error)["calls"]
    said = answer(envelope(WEATHER), request, PARIS, error, PARIS, error)
    assert said["calls"] == []
    assert "failed" in said["say"]


def test_a_request_may_stand_behind_results_in_one_turn() -> None:
    results = '<tool_result id="c1">It is sunny.</tool_result>\nAnd what is 3 + 4?'
    assert answer(envelope(WEATHER, ADD), "Weather in Paris?", PARIS, results)["calls"] == SUM


def test_tells_results_where_no_tool_is_offered_any_more() -> None:
    turns = (
        Turn("user", "What's the weather in Paris?"),
        Turn("assistant", PARIS),
        Turn("user", '<tool_result id="c1">It is sunny.</tool_result>'),
    )
    assert HelpfulBrain().answer(Question("o3", "openai", "", turns)).text == "It is sunny."


def test_a_forced_call_is_made_and_one_call_at_most() -> None:
    assert len(answer(envelope(ADD, WEATHER, minItems=1), "Hello!")["calls"]) == 1
    request = "What's the weather in Paris and in Rome?"
    assert len(answer(envelope(WEATHER), request)["calls"]) == 2
    assert len(answer(envelope(WEATHER, maxItems=1), request)["calls"]) == 1


def test_says_null_while_it_calls_and_then_fills_the_answer() -> None:
    schema, request = envelope(WEATHER, answer=ANSWER), "What's the weather in Paris?"
    assert answer(schema, request)["say"] is None
    result = '<tool_result id="c1" name="get_weather">21 degrees in Paris.</tool_result>'
    said = answer(schema, request, PARIS, result)
    assert said == {"say": {"city": "Paris", "degrees": 21}, "calls": []}


def test_the_tools_in_the_system_text_are_no_documents() -> None:
    said = answer(envelope(ADD), "Who won the cup?")
    assert "do not know" in said["say"]


CALL = '{"name": "add", "arguments": {"a": 3, "b": 4}}'
PLAIN = f'{{"say": "I will use add.", "calls": [{CALL}]}}'
WRITTEN: dict[Manner, str] = {
    "plain": PLAIN,
    "fenced": f"```json\n{PLAIN}\n```",
    "prose": f"Sure, here it is:\n{PLAIN}\nLet me know if you need more.",
    "tags": f"I will use add.\n<tool_call>{CALL}</tool_call>",
    "bare": CALL,
    "list": f"[{CALL}]",
    "openai": '{"content": "I will use add.", "tool_calls": [{"id": "call_1", "type": "function", '
    '"function": {"name": "add", "arguments": "{\\"a\\": 3, \\"b\\": 4}"}}]}',
    "string_arguments": '{"say": "I will use add.", "calls": [{"name": "add", "arguments": '
    '"{\\"a\\": 3, \\"b\\": 4}"}]}',
    "trailing_commas": '{"say": "I will use add.", "calls": [{"name": "add", "arguments": '
    '{"a": 3, "b": 4,},},],}',
    "cut": '{"say": "I will use add.", "calls": [{"name": "add", "arguments": {"a": 3,',
    "ignores": "3 + 4 = 7",
}


@pytest.mark.parametrize("manner", get_args(Manner))
def test_every_manner_writes_a_call_in_its_own_way(manner: Manner) -> None:
    said = reply(envelope(ADD), "What is 3 + 4?", manner=manner)
    assert said.text == WRITTEN[manner]
    assert said.finish_reason == ("length" if manner == "cut" else "stop")


@pytest.mark.parametrize("manner", ["tags", "bare", "list", "ignores"])
def test_some_manners_say_plain_words_when_they_call_nothing(manner: Manner) -> None:
    assert reply(envelope(ADD), "Thank you!", manner=manner).text == "You are welcome!"


@pytest.mark.parametrize("manner", ["plain", "fenced", "prose", "openai", "cut"])
def test_the_others_keep_to_their_form(manner: Manner) -> None:
    said = reply(envelope(ADD), "Thank you!", manner=manner)
    assert "You are welcome!" in said.text
    assert "{" in said.text
    assert said.finish_reason == "stop"


@pytest.mark.parametrize("manner", get_args(Manner))
def test_manners_are_for_tools_only(manner: Manner) -> None:
    said = reply(ANSWER, "It is 21 degrees in Paris.", manner=manner)
    assert json.loads(said.text) == {"city": "Paris", "degrees": 21}


def test_an_unknown_manner_is_refused() -> None:
    rude: Any = "rude"
    with pytest.raises(ValueError, match="manner='rude': expected one of plain"):
        HelpfulBrain(rude)


def test_an_envelope_is_cut_where_max_tokens_says() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": envelope(ADD)}}
    turns = (Turn("user", "add 3 and 4"),)
    question = Question("o3", "openai", "", turns, wanted, {"max_tokens": 5})
    assert HelpfulBrain().answer(question).finish_reason == "length"
