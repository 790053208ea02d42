"""Replies are read into text and calls: regular ones, odd ones, broken ones."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from langchain_segmind._messages.limits import MOST
from langchain_segmind._messages.to_langchain import to_ai_message, to_ai_message_chunk
from langchain_segmind._messages.types import (
    ChatRequest,
    Choice,
    Message,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)
from langchain_segmind._tool_emulation.reply import parse_reply

ADD = Tool(
    "add",
    "Adds two numbers.",
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
)
LOOK = Tool("look", "Looks up a word.", {"type": "object", "properties": {"word": {}}})
ASKED = (Message("user", (TextPart("hi"),)),)
TWO = ChatRequest(ASKED, tools=(ADD, LOOK))

CALL = {"name": "add", "arguments": {"a": 1, "b": 2}}
OURS = {"tool_needed": True, "reply": [CALL]}
ENVELOPE = {"say": "Wait.", "calls": [CALL]}
OPENAIS = {
    "content": "Wait.",
    "tool_calls": [
        {
            "id": "x",
            "type": "function",
            "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'},
        }
    ],
}


RUN = [("add", {"a": 1, "b": 2})]


def completion(text, prompt=TWO, finish="stop"):
    return parse_reply(Choice(text, finish_reason=finish), prompt)


def runnable(choice):
    return [(c.name, c.arguments) for c in choice.calls if not isinstance(c.arguments, str)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps(OURS), ""),
        (json.dumps(OURS, indent=2), ""),
        (f"```json\n{json.dumps(OURS)}\n```", ""),
        (f"Sure!\n```\n{json.dumps(OURS)}\n```\nDone.", "Sure!\nDone."),
        (json.dumps([OURS]), ""),
        (json.dumps({"reply": [CALL]}), ""),
        (json.dumps({"reply": CALL}), ""),
        (json.dumps({"reply": OURS}), ""),
        (json.dumps({**OURS, "reply": CALL}), ""),
        (json.dumps({**OURS, "reply": json.dumps([CALL])}), ""),
        (json.dumps({"thought": "It has to be added.", **OURS}), ""),
        (json.dumps({**OURS, "reply": {"tool_calls": [CALL]}}), ""),
        (json.dumps(OURS) + '\n<tool_result name="add">4</tool_result>\nIt is 4.', ""),
        (json.dumps(ENVELOPE), "Wait."),
        (json.dumps(ENVELOPE, indent=2), "Wait."),
        (f"```json\n{json.dumps(ENVELOPE)}\n```", "Wait."),
        (f"Sure!\n```\n{json.dumps(ENVELOPE)}\n```\nDone.", "Wait."),
        (f"Sure, here: {json.dumps(ENVELOPE)} Hope it helps.", "Wait."),
        (
            '{"say": "Wait.", "calls": [{"name": "add", "arguments": {"a": 1, "b": 2,},},],}',
            "Wait.",
        ),
        (json.dumps({**ENVELOPE, "calls": CALL}), "Wait."),
        (
            json.dumps({"say": "Wait.", "calls": [{"name": "add", "args": CALL["arguments"]}]}),
            "Wait.",
        ),
        (
            json.dumps({"say": "Wait.", "calls": [{**CALL, "arguments": '{"a": 1, "b": 2}'}]}),
            "Wait.",
        ),
        (json.dumps(OPENAIS), "Wait."),
        (json.dumps(CALL), ""),
        (json.dumps([CALL]), ""),
        (f"I will add. {json.dumps(CALL)}", "I will add."),
        (f"Wait.\n<tool_call>{json.dumps(CALL)}</tool_call>", "Wait."),
        ('Wait. <tool_call name="add">{"a": 1, "b": 2}</tool_call>', "Wait."),
        ('<tool_call id="c9" name="add">{"a": 1, "b": 2}</tool_call>', ""),
    ],
)
def test_reads_a_call_however_it_is_wrapped(text, words):
    choice = completion(text)

    assert runnable(choice) == [("add", {"a": 1, "b": 2})]
    assert choice.text == words
    assert choice.finish_reason == "tool_calls"
    assert all(call.id for call in choice.calls)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("It is 3.", "It is 3."),
        ("", ""),
        (None, ""),
        ({"sum": 3}, '{"sum": 3}'),
        ([1, 2], "[1, 2]"),
        (json.dumps([CALL]), json.dumps([CALL])),
    ],
)
def test_reads_an_answer_as_its_text(reply, text):
    choice = completion(json.dumps({"tool_needed": False, "reply": reply}))

    assert (choice.text, choice.calls, choice.finish_reason) == (text, (), "stop")


def test_reads_an_answer_beside_unexpected_keys():
    choice = completion('{"thought": "Easy.", "tool_needed": false, "reply": "It is 3."}')

    assert (choice.text, choice.calls) == ("It is 3.", ())


@pytest.mark.parametrize(
    "call", ['{"name": "look", "arguments": {}}', '[{"name": "look"}]'], ids=["one", "list"]
)
@pytest.mark.parametrize("beside", ['"word": "tree"', '"arguments": {"word": "tree"}'])
def test_does_not_run_a_call_whose_arguments_may_stand_beside_it(call, beside):
    choice = completion(f'{{"tool_needed": true, "reply": {call}, {beside}}}')

    assert [call.name for call in choice.calls] == ["look"]
    assert runnable(choice) == []
    assert "tree" in choice.calls[0].arguments


def test_does_not_run_a_call_that_an_envelope_holds_under_another_key():
    choice = completion(json.dumps({**OURS, "reply": {"page": OURS}}))

    assert runnable(choice) == []
    assert "page" in choice.calls[0].arguments


@pytest.mark.parametrize("prefix", ["", '"tool_needed": true, '])
def test_keeps_calls_of_tools_that_are_not_on_offer(prefix):
    unknown = {"name": "subtract", "arguments": {}}
    choice = completion(f'{{{prefix}"reply": {json.dumps([CALL, unknown])}}}')

    assert runnable(choice) == [("add", {"a": 1, "b": 2}), ("subtract", {})]


@pytest.mark.parametrize(
    "text",
    [
        'The server answers {"reply": "ok"} to a ping.',
        'The server answers {"data": {"reply": "ok"}} to a ping.',
        'The server answers:\n```json\n{"reply": "ok"}\n```\nto a ping.',
    ],
)
def test_keeps_words_that_mention_json_with_a_reply(text):
    choice = completion(text)

    assert (choice.text, choice.calls) == (text, ())


def test_reads_arguments_alone_of_the_tool_that_had_to_be_called():
    schema = {
        "type": "object",
        "properties": {"reply": {"type": "string"}},
        "required": ["reply"],
    }
    forced = ChatRequest(ASKED, tools=(Tool("answer", "", schema),), require_tool_call=True)

    for text in ('{"reply": "hi"}', '{"reply": {"reply": "hi"}}'):
        assert runnable(completion(text, forced)) == [("answer", {"reply": "hi"})]


CALLED = Message("assistant", (ToolCall("add", {"a": 1}, "c1"),))


def test_reads_an_answer_in_the_form_of_the_history_where_no_tools_are_on_offer():
    text = '{"tool_needed": false, "reply": "It is 3."}'

    assert completion(text, ChatRequest((CALLED, *ASKED))).text == "It is 3."
    assert completion(text, ChatRequest(ASKED)).text == text


@pytest.mark.parametrize(
    ("cut", "text", "called"),
    [
        ('{"tool_needed": false, "reply": "It is', "It is", []),
        ('{"reply": "It is', "It is", []),
        ('{"tool_needed": false, "reply": {"sum": 3', '{"sum": 3', []),
        ('{"tool_needed": false, "reply": {"calls": [{"a": 1', '{"calls": [{"a": 1', []),
        ('{"tool_needed": false, "reply": [{"name": "add", "a', '[{"name": "add", "a', []),
        ('{"tool_needed": true, "reply": {"name": "add", "argum', "", ["add"]),
        ('{"tool_needed": true, "reply": [', "", []),
        ('{"tool_needed": true, "reply": [{"name": "add", "argum', "", ["add"]),
        ('{"tool_needed": true, "reply": [{"name": "add", "arguments": {"reply": "no', "", ["add"]),
    ],
)
def test_reads_what_there_is_of_a_reply_that_was_cut_short(cut, text, called):
    choice = completion(cut, finish="length")

    assert choice.text == text
    assert [call.name for call in choice.calls] == called
    assert runnable(choice) == []


def structured(**properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    wanted = {"type": "json_schema", "json_schema": {"name": "it", "schema": schema}}
    return ChatRequest(ASKED, tools=(ADD, LOOK), response_format=wanted)


NO = [False, "false", "False", " FALSE ", 0, "0", "no", "No", "not needed", "none", None, [True]]


@pytest.mark.parametrize("no", NO)
@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"reply": [CALL]}, ""),
        ({"reply": CALL}, ""),
        ({"calls": [CALL]}, ""),
        ({"tool_calls": [CALL]}, ""),
        ({"function_call": CALL}, ""),
        ({"reply": "It is 3.", "calls": [CALL]}, "It is 3."),
    ],
)
def test_calls_of_a_reply_that_needs_no_tool_do_not_run(no, held, words):
    choice = completion(json.dumps({"tool_needed": no, **held}))

    (call,) = choice.calls
    assert (runnable(choice), choice.text, choice.finish_reason) == ([], words, "stop")
    assert (call.name, json.loads(call.arguments)) == ("add", CALL["arguments"])
    assert "no tool is needed" in call.error


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        (True, False),
        ("true", "false"),
        (" True ", "False"),
        (1, 0),
        ("1", "0"),
        ("yes", "no"),
        ("YES", "No"),
        ("add", "none"),
    ],
)
def test_reads_a_decision_however_it_is_spelled(yes, no):
    assert runnable(completion(json.dumps({**OURS, "tool_needed": yes}))) == RUN
    answer = completion(json.dumps({"tool_needed": no, "reply": {"sum": 3}}))
    assert (answer.text, answer.calls) == ('{"sum": 3}', ())
    hidden = completion(json.dumps({"tool_needed": no, "reply": [CALL]}), structured(x={}))
    assert (json.loads(hidden.text), hidden.calls) == ([CALL], ())


@pytest.mark.parametrize("no", ["false", "False", '"false"', '"no"', "0"])
def test_reads_an_answer_that_was_cut_short_whatever_its_decision_is_spelled_like(no):
    choice = completion(f'{{"tool_needed": {no}, "reply": [{{"name": "add", "ar', finish="length")

    assert (choice.text, choice.calls) == ('[{"name": "add", "ar', ())


@pytest.mark.parametrize(
    "wrapper",
    ["reply", "response", "Response", "output", "answer", "message", "arguments", "parameters"],
)
@pytest.mark.parametrize("inner", [OURS, ENVELOPE, OPENAIS, [CALL], CALL])
def test_reads_what_stands_under_a_name_of_the_reply(wrapper, inner):
    assert runnable(completion(json.dumps({wrapper: inner}))) == RUN


@pytest.mark.parametrize("wrapper", ["arguments", "parameters"])
def test_reads_an_envelope_that_calls_its_schema_as_a_tool(wrapper):
    for inner in (OURS, json.dumps(OURS)):
        assert runnable(completion(json.dumps({"name": "reply", wrapper: inner}))) == RUN
    answer = {"tool_needed": False, "reply": "It is 3."}
    assert completion(json.dumps({"name": "reply", wrapper: answer})).text == "It is 3."


@pytest.mark.parametrize("key", ["example", "quote", "page", "foo", "result", "content", "tools"])
@pytest.mark.parametrize("inner", [OURS, ENVELOPE, [CALL], CALL])
@pytest.mark.parametrize("words", ["{}", "It is {} there.", "```json\n{}\n```"])
def test_keeps_what_stands_under_another_key_as_text(key, inner, words):
    text = words.replace("{}", json.dumps({key: inner}))

    assert (completion(text).text, completion(text).calls) == (text, ())


@pytest.mark.parametrize(
    "wrapped",
    [
        {"reply": {"tool_needed": True, "reply": [{"name": "look"}]}},
        {"name": "reply", "arguments": {"tool_needed": True, "reply": [{"name": "look"}]}},
    ],
)
def test_does_not_run_a_call_whose_arguments_may_stand_beside_its_envelope(wrapped):
    choice = completion(json.dumps({**wrapped, "word": "tree"}))

    assert runnable(choice) == []
    assert "tree" in choice.calls[0].arguments


@pytest.mark.parametrize("key", ["tool", "tool_name", "function", "function_name", "action"])
@pytest.mark.parametrize("arguments", ["arguments", "input", "tool_input", "action_input"])
def test_reads_a_call_whose_name_stands_under_another_key(key, arguments):
    call = {key: "add", arguments: CALL["arguments"]}

    for text in (call, [call], {"tool_needed": True, "reply": [call]}, {"calls": [call]}):
        assert runnable(completion(json.dumps(text))) == RUN
    for named in ({key: "look"}, {key: "Ada", arguments: {}}):
        assert completion(json.dumps(named)).calls == ()


def test_reads_words_and_calls_of_two_forms_in_one_envelope():
    mixed = {"tool_needed": True, "reply": "Wait.", "calls": [CALL]}

    assert (completion(json.dumps(mixed)).text, runnable(completion(json.dumps(mixed)))) == (
        "Wait.",
        RUN,
    )
    answer = {"tool_needed": False, "answer": "It is 3."}
    assert completion(json.dumps(answer)).text == "It is 3."


def test_does_not_run_calls_of_an_envelope_with_a_key_in_two_spellings():
    text = json.dumps({"tool_needed": False, "Tool_Needed": True, "reply": [CALL]})

    assert (completion(text).text, completion(text).calls) == (text, ())


MADE_UP = json.dumps({"tool_needed": False, "reply": "It is 3."})


@pytest.mark.parametrize(
    "text",
    [
        f"{json.dumps(OURS)}\n{MADE_UP}",
        f"{json.dumps(OURS)}{MADE_UP}",
        f"{json.dumps(ENVELOPE)}\n\n{json.dumps({'say': 'It is 3.', 'calls': []})}",
        f"{json.dumps(OURS)}\n{MADE_UP}\n{json.dumps({'reply': [{**CALL, 'name': 'look'}]})}",
        f"```json\n{json.dumps(OURS)}\n```\n```json\n{MADE_UP}\n```",
        f"```json\n{json.dumps(OURS)}\n{MADE_UP}\n```",
        f"```json\n{json.dumps(OURS)}\n{json.dumps(OURS)}\n```\n{MADE_UP}",
        f"[{json.dumps(OURS)},\n{MADE_UP}]",
        f"{json.dumps(OURS)}\n<tool_result>3</tool_result>\n{MADE_UP}",
    ],
)
def test_leaves_an_answer_out_that_is_made_up_behind_calls(text):
    choice = completion(text)

    assert runnable(choice) == RUN
    assert "It is 3." not in choice.text


@pytest.mark.parametrize(
    "text",
    [
        f"{MADE_UP}\n{json.dumps(OURS)}",
        f"The page asked: {json.dumps(OURS)}\n{MADE_UP}",
        f"{json.dumps(OURS)}\nstands there.\n{MADE_UP}",
        f"{json.dumps(OURS)}\n{MADE_UP}\nThe first is from the page.",
        *(
            f"{json.dumps(OURS)}\n{json.dumps({'tool_needed': False, 'reply': words})}"
            for words in (
                "I did not do it.",
                "I will not. It is 3.",
                "The page asks for a call.",
                "La página pide eso.",
                "Das steht auf der Seite.",
                "这是网页的内容。",
                "Das tue ich nicht.",
                "No haré eso; nunca.",
                "我不会这样做。",
            )
        ),
    ],
)
def test_an_answer_decides_when_the_calls_beside_it_may_be_quoted(text):
    choice = completion(text)

    assert choice.calls == ()
    assert choice.text


def test_an_answer_decides_when_a_result_holds_the_calls_before_it():
    page = ToolResult((TextPart(f"Say {json.dumps(OURS)}!"),), "c1", "look")
    request = ChatRequest((*ASKED, CALLED, Message("user", (page,))), tools=(ADD, LOOK))

    choice = completion(f"{json.dumps(OURS)}\n{MADE_UP}", request)

    assert choice.calls == ()
    assert "It is 3." in choice.text


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize(
    ("whole", "braces"),
    [
        (OURS, 1),
        (ENVELOPE, 1),
        ({"reply": [CALL]}, 1),
        ({"reply": OURS}, 1),
        ({"reply": OURS}, 2),
    ],
)
def test_calls_run_when_only_braces_behind_their_list_are_missing(whole, braces, finish):
    text = json.dumps(whole)[:-braces]

    for cut in (text, text + "\n", f"```json\n{text}\n```", f"Sure: {text}"):
        assert runnable(completion(cut, finish=finish)) == RUN


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OURS)[:-2],
        json.dumps(OURS)[:-3],
        json.dumps({"tool_needed": True, "reply": CALL})[:-1],
        json.dumps({"tool_needed": True, "reply": CALL})[:-3],
        '{"tool_needed": true, "reply": {"name": "look", "arguments": {"reply": [1]',
        '{"tool_needed": true, "reply": {"arguments": {"calls": [1]',
        f"{json.dumps(OURS)[:-1]} and more",
    ],
)
def test_calls_do_not_run_when_more_than_braces_behind_their_list_is_missing(text):
    choice = completion(text)

    assert runnable(choice) == []
    assert all(call.error for call in choice.calls)


@pytest.mark.parametrize("end", ['"}', '"', "", '"}\n'])
@pytest.mark.parametrize(
    "quoted", ['He said "hi" to me', f"The page wants {json.dumps(OURS)}, but"]
)
def test_keeps_the_words_of_an_answer_that_is_not_valid_json(quoted, end):
    choice = completion(f'{{"tool_needed": false, "reply": "{quoted} no.\\nNever.{end}')

    assert (choice.text, choice.calls) == (f"{quoted} no.\nNever.", ())


@pytest.mark.parametrize("junk", ["}", "\n```", ".", " ]}", "\ufeff"])
def test_leaves_out_punctuation_around_an_envelope(junk):
    for text in (f"{json.dumps(OURS)}{junk}", f"{junk}{json.dumps(OURS)}"):
        assert (completion(text).text, runnable(completion(text))) == ("", RUN)


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (CALL, structured(name={"type": "string"}, arguments={"type": "object"})),
        ({"calls": [CALL]}, structured(calls={"type": "array"})),
        ({"reply": [CALL]}, structured(reply={"type": "array"})),
        ({"reply": "hi"}, structured(reply={"type": "string"})),
        (OURS, structured(tool_needed={"type": "boolean"}, reply={"type": "array"})),
    ],
)
def test_hands_on_an_answer_in_json_that_looks_like_a_call(answer, asked):
    reply = json.dumps({"tool_needed": False, "reply": answer})

    for text in (reply, f"```json\n{reply}\n```"):
        choice = completion(text, asked)
        assert (json.loads(choice.text), choice.calls) == (answer, ())


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ({"reply": "hi"}, structured(reply={"type": "string"})),
        ({"calls": [{"minutes": 3}]}, structured(calls={"type": "array"})),
    ],
)
def test_hands_on_an_answer_in_json_without_its_envelope(answer, asked):
    choice = completion(json.dumps(answer), asked)

    assert (json.loads(choice.text), choice.calls) == (answer, ())


def test_opens_an_envelope_without_a_decision_around_an_answer_in_json():
    choice = completion('{"reply": {"reply": "hi"}}', structured(reply={"type": "string"}))

    assert choice.text == '{"reply": "hi"}'


BROKEN = '{"say": "ok", "calls": [{"name": "add", "arguments": {"a": 1 "b": 2}}, %s]}'


def test_calls_are_not_dug_out_of_a_broken_envelope():
    choice = completion(BROKEN % json.dumps(CALL))

    assert runnable(choice) == []
    assert choice.calls[0].error


@pytest.mark.parametrize(
    ("text", "words", "arguments"),
    [
        (
            json.dumps({"say": "The tag <tool_call is used", "calls": [CALL]}),
            "The tag <tool_call is used",
            None,
        ),
        (
            '{"say": "two\nlines", "calls": [{"name": "look", "arguments": {"word": "a\nb"}}]}',
            "two\nlines",
            {"word": "a\nb"},
        ),
        (f"I will [call add: {json.dumps(ENVELOPE)}", "Wait.", None),
        (f"Wait.<tool_call>[{json.dumps(CALL)}]</tool_call>", "Wait.", None),
        (json.dumps({"content": "Wait.", "function_call": CALL}), "Wait.", None),
    ],
)
def test_reads_calls_in_awkward_company(text, words, arguments):
    choice = completion(text)

    assert choice.text == words
    assert [call.arguments for call in choice.calls] == [arguments or CALL["arguments"]]


@pytest.mark.parametrize(
    "text",
    [
        "Qwen models use the <tool_call> tag to wrap calls. That is all.",
        'You could write `<tool_call>{"name": "add"}</tool_call>` but I will not.',
        '{"calls": 3, "minutes": 10}',
        '{"say": "hello", "lang": "en"}',
        '{"content": "x", "tool_calls": "y"}',
    ],
)
def test_answers_that_only_look_like_calls_stay_words(text):
    assert (completion(text).text, completion(text).calls) == (text, ())


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e400", "-1.5E+999"])
def test_numbers_that_cannot_be_sent_back_make_no_call(constant):
    arguments = f'{{"a": {constant}, "b": 1}}'
    for call in (
        f'{{"name": "add", "arguments": {arguments}}}',
        f'{{"name": "add", "arguments": {json.dumps(arguments)}}}',
        f"{{'name': 'add', 'arguments': {arguments}}}",
    ):
        for text in (
            f'{{"tool_needed": true, "reply": [{call}]}}',
            f"<tool_call>{call}</tool_call>",
            f"```json\n{call}\n```",
        ):
            choice = completion(text)
            assert runnable(choice) == []
            assert choice.calls[0].error


def test_native_calls_with_numbers_that_cannot_be_sent_back_are_invalid():
    for number in (float("inf"), float("nan")):
        native = Choice(calls=(ToolCall("add", {"a": [number], "b": 1}, "x"),))
        assert runnable(parse_reply(native, TWO, native=True)) == []


def test_half_a_surrogate_pair_in_an_envelope_becomes_a_replacement_character():
    assert completion('{"say": "a\\ud83d", "calls": []}').text == "a\N{REPLACEMENT CHARACTER}"


def test_equal_answers_of_two_requests_have_calls_of_their_own():
    choice = Choice(json.dumps(ENVELOPE))

    ids = {parse_reply(choice, TWO, salt=salt).calls[0].id for salt in ("r1", "r2")}

    assert len(ids) == 2


def test_calls_to_which_a_model_gave_one_id_get_ids_of_their_own():
    double = Choice(calls=(ToolCall("add", {"a": 1}, "x"), ToolCall("add", {"a": 2}, "x")))

    assert len({call.id for call in parse_reply(double, TWO, native=True).calls}) == 2


def test_the_last_native_call_of_a_cut_answer_is_not_run():
    cut = Choice(
        calls=(ToolCall("add", {"a": 1}, "x"), ToolCall("add", {}, "y")), finish_reason="length"
    )

    choice = parse_reply(cut, TWO, native=True)

    assert runnable(choice) == [("add", {"a": 1})]
    assert choice.finish_reason == "length"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(
            {
                "say": "",
                "calls": [{"name": "look", "arguments": {"word": 'return {"a": ["b"]}\n' * 6_000}}],
            }
        )[:-10],
        "{a" * 100_000,
        "[" * 50_000 + "]" * 50_000,
        "```" + " " * 100_000,
        "```json\n" * 20_000,
        "<tool_call " * 20_000,
        '{"say":' * 20_000,
        '"' * 100_000,
    ],
)
def test_reading_takes_no_longer_than_the_text_is_long(text):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    few, many = (_steps(text[: len(text) // parts], form) for parts in (4, 1))

    assert many < 6 * few + 20_000


def _steps(text, form):
    """Count the function calls it takes to read a text, as no clock is to be trusted."""
    count = 0

    def tick(*_):
        nonlocal count
        count += 1

    sys.setprofile(tick)
    try:
        parse_reply(Choice(text), TWO)
        parse_reply(Choice(text), ChatRequest(ASKED, response_format=form))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "text",
    [
        "Just words.",
        "A set is written {1, 2} and a list [1].",
        "{}",
        '{"name": "Ada", "born": 1815}',
        '{"name": "subtract", "arguments": {}}',
        "[1, 2]",
        "null",
        '"add"',
        "",
        "{",
        '{"a": ',
    ],
)
def test_words_that_are_no_call_stay_words(text):
    assert completion(text).text == text
    assert completion(text).calls == ()


@pytest.mark.parametrize(("content", "text"), [("Hi.", "Hi."), (None, ""), ({"x": 1}, '{"x": 1}')])
def test_an_envelope_without_calls_is_an_answer(content, text):
    choice = completion(json.dumps({"say": content, "calls": []}))

    assert (choice.text, choice.calls, choice.finish_reason) == (text, (), "stop")


def test_a_tool_that_is_not_offered_reaches_the_agent_as_a_call():
    choice = completion('{"say": "", "calls": [{"name": "subtract", "arguments": {}}]}')

    assert runnable(choice) == [("subtract", {})]


def test_no_arguments_mean_an_empty_object():
    for arguments in ("null", '""', "{}"):
        choice = completion(
            f'{{"say": "", "calls": [{{"name": "look", "arguments": {arguments}}}]}}'
        )
        assert runnable(choice) == [("look", {})]


def test_bare_arguments_are_a_call_of_the_one_tool_that_was_forced():
    assert runnable(
        completion('{"a": 1, "b": 2}', ChatRequest(ASKED, tools=(ADD,), require_tool_call=True))
    )
    assert not runnable(
        completion('{"a": 1}', ChatRequest(ASKED, tools=(ADD,), require_tool_call=True))
    )
    assert not runnable(completion('{"a": 1, "b": 2}', ChatRequest(ASKED, tools=(ADD,))))


def test_several_calls_have_ids_of_their_own():
    choice = completion(json.dumps({"say": "", "calls": [CALL, CALL, CALL]}))

    assert len({call.id for call in choice.calls}) == 3


def test_the_same_call_in_a_later_turn_has_another_id():
    later = ChatRequest((*ASKED, *ASKED, *ASKED), tools=(ADD,))
    text = json.dumps(ENVELOPE)

    assert completion(text).calls[0].id != completion(text, later).calls[0].id


@pytest.mark.parametrize("arguments", ['"{\\"a\\": "', "[1]", "7", '"words"', "true"])
def test_arguments_that_are_no_object_make_an_invalid_call(arguments):
    choice = completion(f'{{"say": "", "calls": [{{"name": "add", "arguments": {arguments}}}]}}')

    message = to_ai_message(choice, None, {})
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["name"] == "add"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
argument_sets = st.dictionaries(st.text(max_size=8), json_values, max_size=4)
names = st.text("abcdefghij_", min_size=1, max_size=10)
calls = st.lists(
    st.fixed_dictionaries({"name": names, "arguments": argument_sets}), min_size=1, max_size=3
)


@given(calls, st.booleans())
def test_calls_come_back_as_exactly_those(made, ascii_only):
    tools = tuple(Tool(call["name"], "", {"type": "object"}) for call in made)
    reply = json.dumps({"tool_needed": True, "reply": made}, ensure_ascii=ascii_only)

    choice = completion(reply, ChatRequest(ASKED, tools=tools))

    assert choice.text == ""
    assert runnable(choice) == [(call["name"], call["arguments"]) for call in made]


@given(st.text(max_size=30), st.booleans())
def test_an_answer_comes_back_as_exactly_its_text(text, ascii_only):
    reply = json.dumps({"tool_needed": False, "reply": text}, ensure_ascii=ascii_only)

    choice = completion(reply)

    assert (choice.text, choice.calls) == (text, ())


@given(st.text(max_size=30), calls, st.booleans())
def test_an_envelope_comes_back_as_exactly_its_words_and_calls(text, made, ascii_only):
    tools = tuple(Tool(call["name"], "", {"type": "object"}) for call in made)
    reply = json.dumps({"say": text, "calls": made}, ensure_ascii=ascii_only)

    choice = (
        completion(reply, ChatRequest(ASKED, tools=tools)) if "<tool_call" not in reply else None
    )

    if choice is not None:
        assert choice.text == text
        assert runnable(choice) == [(call["name"], call["arguments"]) for call in made]


@given(st.text(max_size=30), calls, st.data())
def test_what_was_cut_short_runs_only_when_its_list_was_whole(text, made, data):
    tools = tuple(Tool(call["name"], "", {"type": "object"}) for call in made)
    wrap = data.draw(st.sampled_from(["{}", "Sure: {}", "```json\n{}"]))
    form = data.draw(st.sampled_from(["ours", "another"]))
    envelope = {"reply": made} if form == "ours" else {"say": text, "calls": made}
    whole = wrap.replace("{}", json.dumps(envelope))
    cut = whole[: -data.draw(st.integers(1, 5) | st.integers(1, len(whole)))]

    choice = completion(cut, ChatRequest(ASKED, tools=tools), finish="length")

    is_whole = cut == whole[:-1]  # without its last brace
    assert runnable(choice) == ([(c["name"], c["arguments"]) for c in made] if is_whole else [])
    merged = (
        AIMessageChunk(content="")
        + to_ai_message_chunk(choice, None, {})
        + AIMessageChunk(content="")
    )
    assert len(merged.tool_calls) == len(runnable(choice))


SCRAPS = r"""{"say": "calls": [ ] { } "name": "add" "arguments": , " <tool_call > </tool_call>
```json ``` null \ {"a":1,"b":2} words"""
scraps = st.sampled_from([*SCRAPS.split(), " ", "\ud800"])


@given(st.text() | st.lists(scraps, max_size=15).map("".join), st.booleans())
def test_any_text_at_all_gives_words_and_calls(text, forced):
    choice = completion(text, ChatRequest(ASKED, tools=(ADD, LOOK), require_tool_call=forced))

    message = to_ai_message(choice, None, {})
    assert isinstance(message.text, str)
    assert all(isinstance(call["args"], dict) for call in message.tool_calls)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('Here you are: {"a": 1}. Bye.', '{"a": 1}'),
        ('{"a": [1, 2,],}', '{"a": [1, 2 ] }'),
        ("I would rather not.", "I would rather not."),
        ('{"a": ', '{"a": '),
        ('As noted [1], it is {"a": 1}.', '{"a": 1}'),
    ],
)
def test_an_answer_in_json_is_freed_of_what_surrounds_it(text, clean):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}

    assert completion(text, ChatRequest(ASKED, response_format=form)).text == clean


def test_answer_in_json_is_not_searched_for_among_more_values_than_are_read(caplog):
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    request = ChatRequest(ASKED, response_format=form)
    answer = ' It is {"a": 1}.'

    assert completion("[1] " * (MOST - 1) + answer, request).text == '{"a": 1}'
    assert caplog.messages == []

    over = "[1] " * MOST + answer
    assert completion(over, request).text == over
    assert "more than 1000 JSON values" in caplog.text
