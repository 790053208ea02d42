"""What is sent is what the user wrote, all of it, whatever turns a history has."""

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_segmind import SegmindInvalidRequestError
from tests.integration.call_styles import build, in_both_styles, model_requests
from tests.integration.samples import PNG_BASE64, each_family

pytestmark = in_both_styles

CLAUDE, GEMINI = "claude-4.5-sonnet", "gemini-2.5-flash"
of_claude_and_gemini = pytest.mark.parametrize("slug", [CLAUDE, GEMINI])
IMAGE = {"type": "image", "base64": PNG_BASE64, "mime_type": "image/png"}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def sent(gateway):
    """Return role and text of each turn of the last request, the system prompt first."""
    body = model_requests(gateway)[-1].body
    messages, system = body["messages"], body.get("instruction")
    if isinstance(messages, dict):
        system = messages.get("system_instruction", {}).get("parts", {}).get("text")
        messages = [
            {"role": {"model": "assistant"}.get(c["role"], c["role"]), "content": c["parts"]}
            for c in messages["contents"]
        ]
    turns = [(message["role"], text_of(message["content"])) for message in messages]
    return turns if system is None else [("system", system), *turns]


def text_of(content):
    if isinstance(content, str):
        return content
    return "|".join(part.get("text", "(media)") for part in content)


@pytest.mark.parametrize(
    ("messages", "at"),
    [
        ([("system", "You translate."), ("user", "")], 1),
        ([("user", "Who are you?"), ("assistant", "Claude."), ("user", " ")], 2),
        ([("system", "You translate."), HumanMessage([{"type": "text", "text": ""}])], 1),
        ([("user", "Hello"), ("user", "\n\t")], 1),
        ([HumanMessage([]), ("user", "Hello")], 0),
        ([ChatMessage(content="\u3000", role="human")], 0),
    ],
)
@of_claude_and_gemini
async def test_blank_human_message_is_an_error_that_names_it(gateway, call, slug, messages, at):
    async with build(gateway, slug) as model:
        for asked in (model, model.bind_tools([add])):
            with pytest.raises(SegmindInvalidRequestError, match=f"message {at}: it is blank"):
                await call(asked, "invoke", messages)

    assert model_requests(gateway) == []


async def test_blank_human_message_is_sent_in_the_openai_format(gateway, call):
    async with build(gateway) as model:
        await call(model, "invoke", [("user", "Hello"), ("assistant", "Hi"), ("user", " ")])

    assert sent(gateway) == [("user", "Hello"), ("assistant", "Hi"), ("user", " ")]


@each_family
async def test_human_message_of_an_image_and_no_text_is_not_blank(gateway, call, slug):
    message = HumanMessage([{"type": "text", "text": ""}, IMAGE])

    async with build(gateway, slug) as model:
        await call(model, "invoke", [message])

    assert sent(gateway) == [("user", "(media)")]


@of_claude_and_gemini
async def test_last_of_only_system_messages_is_the_users_turn(gateway, call, slug):
    prompts = [SystemMessage("Be brief."), SystemMessage("Summarize: bees dance.")]

    async with build(gateway, slug) as model:
        await call(model, "invoke", prompts)
        both = sent(gateway)
        await call(model, "invoke", [*prompts[1:], SystemMessage(" "), AIMessage("")])

    assert both == [("system", "Be brief."), ("user", "Summarize: bees dance.")]
    assert sent(gateway) == [("user", "Summarize: bees dance.")]


@of_claude_and_gemini
async def test_only_system_message_is_the_users_turn_beside_tools(gateway, call, slug):
    async with build(gateway, slug) as model:
        await call(model.bind_tools([add]), "invoke", [SystemMessage("What is 1 + 2?")])

    (_, tools), turn = sent(gateway)
    assert "Tools:" in tools
    assert turn == ("user", "What is 1 + 2?")


async def test_only_system_messages_stay_in_place_in_the_openai_format(gateway, call):
    async with build(gateway) as model:
        await call(model, "invoke", [SystemMessage("Be brief."), SystemMessage("Count.")])

    assert sent(gateway) == [("system", "Be brief."), ("system", "Count.")]


@pytest.mark.parametrize("messages", [[AIMessage("")], [SystemMessage(" "), AIMessage("\n")]])
@of_claude_and_gemini
async def test_nothing_but_blank_messages_is_an_error(gateway, call, slug, messages):
    async with build(gateway, slug) as model:
        with pytest.raises(SegmindInvalidRequestError, match="all are blank"):
            await call(model, "invoke", messages)

    assert model_requests(gateway) == []


@of_claude_and_gemini
async def test_history_that_the_assistant_begins_gets_the_documented_turn(gateway, call, slug):
    history = [("system", "Be brief."), ("assistant", "How can I help?"), ("user", "Bees?")]

    async with build(gateway, slug) as model:
        await call(model, "invoke", history)
        begun = sent(gateway)
        await call(model, "invoke", [AIMessage(""), HumanMessage("Bees?")])

    assert begun == [
        ("system", "Be brief."),
        ("user", "(The assistant begins.)"),
        ("assistant", "How can I help?"),
        ("user", "Bees?"),
    ]
    assert sent(gateway) == [("user", "Bees?")]


@pytest.mark.parametrize(("end", "of_claude"), [("{\n", "{"), ("It is: \t", "It is:"), ("a", "a")])
@each_family
async def test_end_of_a_prefill_is_what_the_provider_takes(gateway, call, slug, end, of_claude):
    history = [HumanMessage("Give JSON. "), AIMessage("No. "), HumanMessage("Do."), AIMessage(end)]

    async with build(gateway, slug) as model:
        await call(model, "invoke", history)

    turns = sent(gateway)
    assert turns[:2] == [("user", "Give JSON. "), ("assistant", "No. ")]
    assert turns[-1] == ("assistant", of_claude if slug == CLAUDE else end)


ARGUMENTS = '{"a": 2731, "b": 1}'
LEGACY = {"function_call": {"name": "add", "arguments": ARGUMENTS}}
FIELDS = {"a": 2731, "b": 1}


RESULT = ToolMessage("2732", tool_call_id="c1", name="add")
ASKED = AIMessage("", additional_kwargs=LEGACY)
NATIVE = {"tool_calls": [{"id": "c1", "type": "function", "function": LEGACY["function_call"]}]}


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        (AIMessage("", tool_calls=[{"name": "add", "args": FIELDS, "id": "c1"}]), RESULT),
        (AIMessage([{"type": "tool_call", "name": "add", "args": FIELDS, "id": "c1"}]), RESULT),
        (AIMessage([{"type": "tool_use", "name": "add", "input": FIELDS, "id": "c1"}]), RESULT),
        (
            AIMessage([{"type": "function_call", "name": "add", "arguments": ARGUMENTS}]),
            RESULT,
        ),
        (ASKED, RESULT),
        (ASKED, FunctionMessage(name="add", content="2732")),
        (ASKED, ChatMessage(content="2732", role="function", name="add")),
        (ASKED, ChatMessage(content="2732", role="tool", tool_call_id="c1", name="add")),
        ({"role": "assistant", "content": "", **LEGACY}, RESULT),
        (ChatMessage(content="", role="assistant", additional_kwargs=LEGACY), RESULT),
        (ChatMessage(content="", role="model", additional_kwargs=NATIVE), RESULT),
    ],
)
@each_family
def test_every_form_of_a_past_call_and_its_result_is_sent(gateway, slug, asked, result):
    with build(gateway, slug) as model:
        model.invoke([("user", "2731 + 1?"), asked, result, ("user", "And now?")])

    turns = sent(gateway)
    assert turns[1][0] == "assistant"
    assert '"name": "add", "arguments": {"a": 2731, "b": 1}' in turns[1][1]
    assert turns[2][0] == "user"
    assert turns[2][1].partition("|")[0].endswith(">2732</tool_result>")


@pytest.mark.parametrize(
    ("role", "sent_as"),
    [
        ("developer", "system"),
        ("system", "system"),
        ("human", "user"),
        ("User", "user"),
        ("ai", "assistant"),
        ("model", "assistant"),
        ("Assistant", "assistant"),
    ],
)
@each_family
async def test_role_of_a_chat_message_is_read_in_every_dialect(gateway, call, slug, role, sent_as):
    message = ChatMessage(content="Say so.", role=role)

    async with build(gateway, slug) as model:
        await call(model, "invoke", [message, ("user", "Hello")])

    turns = sent(gateway)
    assert any(role == sent_as and "Say so." in text for role, text in turns)


@each_family
async def test_assistants_chat_message_is_read_like_an_ai_message(gateway, call, slug):
    content: list[Any] = [{"type": "reasoning", "reasoning": "private"}, "Bees."]

    async with build(gateway, slug) as model:
        for message in (AIMessage(content), ChatMessage(content=content, role="assistant")):
            await call(model, "invoke", [("user", "Who?"), message, ("user", "Why?")])
    as_ai, as_chat = [request.body for request in model_requests(gateway)]

    assert as_ai == as_chat
    assert "private" not in str(as_chat)


@each_family
async def test_assistants_chat_message_with_wrong_fields_is_an_error(gateway, call, slug):
    message = ChatMessage(content="", role="assistant", tool_calls="none")

    async with build(gateway, slug) as model:
        with pytest.raises(SegmindInvalidRequestError, match="message 1"):
            await call(model, "invoke", [("user", "Who?"), message])


NO = {"type": "refusal", "refusal": "I will not."}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (AIMessage("", additional_kwargs={"refusal": "I will not."}), "I will not."),
        (AIMessage("Well,", additional_kwargs={"refusal": "I will not."}), "Well,\nI will not."),
        (AIMessage([NO], additional_kwargs={"refusal": "I will not."}), "I will not."),
        (ChatMessage(content=[NO], role="ai"), "I will not."),
    ],
)
@each_family
async def test_refusal_of_an_earlier_turn_is_sent_once(gateway, call, slug, message, expected):
    async with build(gateway, slug) as model:
        await call(model, "invoke", [("user", "Do it."), message, ("user", "Why?")])

    assert sent(gateway) == [("user", "Do it."), ("assistant", expected), ("user", "Why?")]


@pytest.mark.parametrize(
    "mark",
    [
        {"cachePoint": {"type": "default"}},
        {"cachePoint": {"type": "default"}, "cache_control": {"type": "ephemeral"}},
        {"type": "cachePoint", "ttl": "5m"},
        {"cache_control": {"type": "ephemeral"}},
    ],
)
@pytest.mark.parametrize("kind", [SystemMessage, HumanMessage, AIMessage])
@each_family
async def test_cache_mark_of_another_provider_is_left_out(gateway, call, slug, mark, kind):
    marked = kind([{"type": "text", "text": "Be brief."}, mark])

    async with build(gateway, slug) as model:
        await call(model, "invoke", [("user", "Hello"), marked, ("user", "Go on.")])

    assert "Be brief." in str(sent(gateway))
    assert "cache" not in str(model_requests(gateway)[-1].body)


@each_family
async def test_cache_mark_in_a_tools_result_is_left_out(gateway, call, slug):
    result = ToolMessage(["2732", {"cachePoint": {"type": "default"}}], tool_call_id="c1")

    async with build(gateway, slug) as model:
        await call(model, "invoke", [("user", "2731 + 1?"), ASKED, result])

    assert ">2732</tool_result>" in str(sent(gateway))


@each_family
async def test_empty_block_is_not_taken_for_a_cache_mark(gateway, call, slug):
    async with build(gateway, slug) as model:
        with pytest.raises(SegmindInvalidRequestError, match="message 0, block 1"):
            await call(model, "invoke", [HumanMessage(["Hello", {}])])
