"""The default model: what its docstring says, sentence by sentence."""

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_segmind.testing import (
    Call,
    EchoModel,
    FunctionModel,
    Media,
    ModelRequest,
    Offer,
    Reply,
    Result,
    ScriptedModel,
    Tool,
    Turn,
    live_or_local,
)
from langchain_segmind.testing.models import ScriptExhaustedError
from tests.unit.testing.test_forms import ADD, ANSWER, FORMS, NOW, STR, listed, obj, rooted

NUMBERS = obj(a={"type": "integer"}, b={"type": "integer"})
TOOLS = (Tool("add", "", NUMBERS), Tool("getWeather", "", obj(city=STR)), Tool("at_noon"))


def ask(*turns: Turn | str, system: str = "", schema: Any = None, **more: Any) -> Reply:
    asked = tuple(turn if isinstance(turn, Turn) else Turn("user", turn) for turn in turns)
    if schema is not None:
        spec = {"name": "x", "schema": schema}
        more["response_format"] = {"type": "json_schema", "json_schema": spec}
    return EchoModel().respond(ModelRequest("gpt-4o", "openai", system, asked, **more))


def called(*turns: Turn | str, **how: Any) -> list[tuple[str, Any]]:
    offer = Offer(how.pop("tools", TOOLS), **how)
    return [(call.name, call.arguments) for call in ask(*turns, offer=offer).calls]


def test_echo_repeats_a_plain_request_behind_a_mark() -> None:
    assert ask("Hello").text == "[local stand-in] Hello"
    assert ask("One", Turn("assistant", "Yes?"), "Two").text == "[local stand-in] Two"
    assert ask(system="Be brief.").text == "[local stand-in] Be brief."
    assert ask("").text == "[local stand-in]"


def test_echo_names_media_behind_the_text() -> None:
    shown = (Media("image", "image/png", b"abc"), Media("image", url="https://x.example/a.png"))

    reply = ask(Turn("user", "What is this?", shown)).text

    assert reply == (
        "[local stand-in] What is this? (image/png, 3 bytes) (image, https://x.example/a.png)"
    )


def test_echo_fills_a_schema_with_the_text_and_its_numbers() -> None:
    schema = obj(name=STR, year={"type": "integer"}, ok={"type": "boolean"})
    filled = {"name": "Ada was born in 1815.", "year": 1815, "ok": False}

    assert json.loads(ask("Ada was born in 1815.", schema=schema).text) == filled
    in_prompt = f"Ada was born in 1815.\nJSON schema: {json.dumps(schema)}"
    assert json.loads(ask("Ada was born in 1815.", system=in_prompt).text) == filled
    assert json.loads(ask("x" * 200, schema=obj(a=STR)).text) == {"a": "x" * 100}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Add 3 and 4, please.", [3, 4]),
        ("From -7 to 4.5.", [-7, 4.5]),
        ("v1.2.3 of gpt-4o, 007, room 12a", [0, 0]),
        ("9" * 400, [0, 0]),
        ("1,000", [1, 0]),
    ],
)
def test_echo_takes_numbers_only_when_they_stand_alone(text: str, numbers: list[float]) -> None:
    schema = obj(a={"type": "number"}, b={"type": "number"})

    assert [*json.loads(ask(text, schema=schema).text).values()] == numbers


def test_echo_writes_the_text_as_json_when_there_is_no_schema() -> None:
    reply = ask("Hello", response_format={"type": "json_object"}).text

    assert json.loads(reply) == {"answer": "Hello"}


def test_echo_calls_tools_whose_name_has_a_word_of_the_request() -> None:
    assert called("Add 3 and 4.") == [("add", {"a": 3, "b": 4})]
    both = "What is the weather at noon?"
    assert called(both) == [("getWeather", {"city": both}), ("at_noon", {})]
    assert called("addition, at") == []
    assert called(both, most=1) == [("getWeather", {"city": both})]


def test_echo_calls_the_first_tool_without_a_result_when_forced() -> None:
    assert called("Hello", forced=True) == [("add", {"a": 0, "b": 0})]
    results = tuple(Result("x", name=name) for name in ("add", "getWeather"))
    assert called("Hello", Turn("user", "", results=results[:1]), forced=True)[0][0] == "getWeather"
    assert called("Hello", Turn("user", "", results=results), forced=True)[0][0] == "at_noon"
    every = (*results, Result("x", name="at_noon"))
    assert called("Hello", Turn("user", "", results=every), forced=True)[0][0] == "add"


CALLED = Turn("assistant", "", calls=(Call("add", {"a": 3, "b": 4}, "c1"),))


def test_echo_reports_results_and_does_not_call_their_tools_again() -> None:
    turns = ("Add 3 and 4.", CALLED, Turn("user", "", results=(Result("7", "c1"),)))

    assert called(*turns) == []
    assert ask(*turns, offer=Offer(TOOLS)).text == "[local stand-in] add: 7"
    assert called(*turns, Turn("assistant", "7"), "Now add 5 and 6.") == [("add", {"a": 5, "b": 6})]


def test_echo_answers_the_request_behind_a_result_in_one_turn() -> None:
    both = Turn("user", "Now add 5 and 6.", results=(Result("7", "c1"),))

    assert called("Add 3 and 4.", CALLED, both) == [("add", {"a": 5, "b": 6})]


# --- tools without the families' own fields --------------------------------------------------

RESULT = (
    '<tool_result id="c1" name="now">\nIt is &quot;noon&quot; &lt;/tool_result&gt;\n</tool_result>'
)
NAMED = "You can call these tools: add, now."


@pytest.mark.parametrize("name", FORMS)
def test_echo_calls_tools_in_a_form_and_then_reports_their_results(name: str) -> None:
    schema, calling, _ = FORMS[name]
    history = ("What is it now?", Turn("assistant", "(a call)"), RESULT)

    assert json.loads(ask("What is it now?", schema=schema, system=NAMED).text) == calling
    written = ask(*history, schema=schema, system=NAMED).text
    assert "[local stand-in] now: It is &quot;noon&quot; </tool_result>" in written
    assert '"name"' not in written


@pytest.mark.parametrize(
    "call",
    [
        '<tool_call id="c1" name="now">{}</tool_call>',
        '{"calls": [{"name": "now", "arguments": {}}]}',
        Turn("assistant", "", calls=(Call("now", {}, "c1"),)),
    ],
)
def test_result_has_the_name_of_its_call_when_it_has_none(call: Any) -> None:
    turn = call if isinstance(call, Turn) else Turn("assistant", call)
    history = ("What is it now?", turn, RESULT.replace(' name="now"', ""))

    schema = rooted(say=STR, calls=listed(NOW))
    written = json.loads(ask(*history, schema=schema, system=NAMED).text)

    assert written["calls"] == []
    assert written["say"].startswith("[local stand-in] now: It is")


def test_echo_fills_the_schema_of_an_answer_in_a_form_at_the_end() -> None:
    schema = rooted(say={"anyOf": [ANSWER, {"type": "null"}]}, calls=listed(NOW))

    turns = ("Is it 30 now?", Turn("assistant", "-"), RESULT)
    end = json.loads(ask(*turns, schema=schema, system=NAMED).text)

    assert end == {"say": {"city": "Is it 30 now?", "degrees": 30}, "calls": []}


def test_echo_makes_one_call_in_a_forced_form() -> None:
    schema = rooted(say=STR, calls=listed(ADD, NOW, minItems=1, maxItems=1))

    reply = json.loads(ask("Hello", schema=schema, system=NAMED).text)

    assert reply["calls"] == [{"name": "add", "arguments": {"a": 0, "b": 0}}]


def test_echo_fills_a_schema_that_looks_like_calls_where_the_prompt_names_no_tools() -> None:
    planned = json.loads(ask("Plan now", schema=rooted(calls=listed(NOW, minItems=1))).text)

    assert planned == {"calls": [{"name": "now", "arguments": {}}]}
    assert json.loads(ask("Plan now", schema=rooted(note=STR, calls=listed(NOW))).text)["note"]


def test_echo_reports_results_when_tools_are_not_offered_anymore() -> None:
    assert "now: It is" in ask("What is it?", Turn("assistant", "-"), RESULT).text


def test_echo_cuts_the_reply_at_max_tokens() -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        reply = ask("one two three four five six seven", settings={name: 6})
        assert (reply.text, reply.finish_reason) == ("[local stand-", "length")
    assert ask("Hello", settings={"max_tokens": 50}).finish_reason == "stop"


# --- scripts and functions -------------------------------------------------------------------


def given(model: Any, *turns: Turn | str, **more: Any) -> str:
    asked = tuple(turn if isinstance(turn, Turn) else Turn("user", turn) for turn in turns)
    return str(model.respond(ModelRequest("gpt-4o", "openai", "", asked, **more)).text)


def test_script_plays_a_list_in_order_and_ends_with_an_error() -> None:
    model = ScriptedModel(["One", Reply("Two")])

    assert [given(model, "a"), given(model, "b")] == ["One", "Two"]
    with pytest.raises(ScriptExhaustedError, match="lists 2 replies, and this is request 3"):
        given(model, "c")
    assert [request.turns[0].text for request in model.requests] == ["a", "b", "c"]


@pytest.mark.parametrize("wrong", [{"name": "Ada"}, AIMessage("Ada"), 5, None])
def test_script_rejects_what_is_not_a_reply_when_it_is_built(wrong: Any) -> None:
    what = f"A reply must be a string, a Call or a Reply, not {type(wrong).__name__}"

    for script in ([wrong], {"Who": wrong}, {"Who": ["Ada", wrong]}):
        with pytest.raises(TypeError, match=what):
            ScriptedModel(script)
    with pytest.raises(TypeError, match=what), live_or_local({"Who": wrong}):
        pass


def test_script_finds_replies_in_a_mapping_by_what_was_asked_last() -> None:
    script = {"France": "Paris.", "Japan": ["First look.", "Tokyo."], "of": "Somewhere."}
    model = ScriptedModel(script)

    for _ in range(2):
        assert given(model, "Capital of France?") == "Paris."
        assert given(model, "France?", Turn("assistant", "Paris."), "And Japan?") == "First look."
        assert given(model, "Japan?", CALLED, RESULT) == "Tokyo."
        assert given(model, "Capital of Spain?") == "Somewhere."
    assert given(model, "Hello") == "[local stand-in] Hello"
    assert given(model, "Capital of France?", settings={"max_tokens": 1}) == "Pari"
    assert given(model, "Japan?", CALLED, RESULT, CALLED, RESULT).startswith("[local stand-in] now")


def test_function_returns_texts_or_replies() -> None:
    shout = FunctionModel(lambda request: request.turns[-1].text.upper())

    assert given(shout, "hello") == "HELLO"
    assert given(FunctionModel(lambda _: Reply("Hi", finish_reason="length")), "x") == "Hi"
    assert (shout.threads, FunctionModel(lambda _: "", threads=0).threads) == (1, 0)
