"""The default brain: what a newcomer without a key gets to read."""

import json
from typing import Any

import pytest

from langchain_segmind.testing import HelpfulBrain, Media, Question, Turn

DOCUMENTS = """\
Segmind bills only successful calls. A call that fails is free of charge.

The Eiffel Tower was completed in 1889. It is 330 metres tall.

Retries happen after status 429, once the rate limit is reset. The default number of retries is two.

Employees have 25 days of vacation a year."""

PROMPTS = {
    "question first": (
        "You are an assistant for question-answering tasks. Use the following pieces of retrieved "
        "context to answer the question. If you don't know the answer, just say that you don't "
        "know.\nQuestion: {question} \nContext: {context} \nAnswer:"
    ),
    "context first": (
        "Answer the question based only on the following context:\n{context}\n\n"
        "Question: {question}\n"
    ),
    "tags": "<context>\n{context}\n</context>\n\nAnswer the question: {question}",
    "no labels": "Use this context:\n{context}\n\n{question}",
    "documents printed": (
        "Context: [Document(metadata={{}}, page_content='{context}')]\nQuestion: {question}"
    ),
}

ANSWERS = {
    "How tall is the Eiffel Tower?": "330 metres",
    "When was the Eiffel Tower completed?": "1889",
    "When are calls billed?": "only successful calls",
    "How many days of vacation do employees get?": "25 days",
    "How many retries are there by default?": "retries is two",
    "What is the population of Berlin?": "could not find that",
    "What is the capital of France?": "could not find that",
}


def ask(*said: str, system: str = "", media: tuple[Media, ...] = (), **more: Any) -> str:
    """Play a conversation in which user and assistant take turns, the user speaking last."""
    turns = [
        Turn("user" if (len(said) - at) % 2 else "assistant", text) for at, text in enumerate(said)
    ]
    turns[-1] = Turn("user", said[-1], media)
    return HelpfulBrain().answer(Question("gpt-4o", "openai", system, tuple(turns), **more)).text


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("question", ANSWERS)
def test_answers_from_the_documents_in_any_prompt(prompt: str, question: str) -> None:
    text = ask(PROMPTS[prompt].format(context=DOCUMENTS, question=question))
    assert ANSWERS[question] in text


@pytest.mark.parametrize("question", ANSWERS)
def test_answers_from_documents_in_the_system_text(question: str) -> None:
    system = f"Answer from the context only. Be brief.\n\n{DOCUMENTS}"
    assert ANSWERS[question] in ask(question, system=system)


def test_never_quotes_an_instruction() -> None:
    system = "You are a tower expert. Answer questions about the tower from the context only."
    assert "context only" not in ask("What is the tower?", system=system)


def test_remembers_what_the_user_said() -> None:
    said = ("My name is Ada and I work on engines.", "Nice to meet you.")
    assert ask(*said, "What is my name?") == "Your name is Ada."
    assert ask(*said, "What do I work on?") == "You work on engines."


def test_remembers_a_name_from_a_greeting() -> None:
    assert ask("Hi! I'm Bob.", "Hello Bob!", "What's my name?") == "Your name is Bob."


def test_remembers_its_own_answers() -> None:
    said = ("When was the Eiffel Tower built?", "The Eiffel Tower was completed in 1889.")
    assert "1889" in ask(*said, "So when was the Eiffel Tower completed?")


def test_makes_a_question_stand_alone() -> None:
    said = ("When was the Eiffel Tower built?", "The Eiffel Tower was built in 1889.")
    system = "Given a chat history and a question, formulate a standalone question."
    assert ask(*said, "How tall is it?", system=system) == "How tall is Eiffel Tower?"


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        ("Hello", "Hello!"),
        ("hi", "Hi!"),
        ("Hi, I'm Ada.", "Ada"),
        ("How are you?", "well"),
        ("Thank you!", "welcome"),
        ("Tell me a joke about cats", "cats"),
        ("Write a haiku about the sea.", "Sea"),
        ("What is the capital of France?", "Paris"),
        ("What is LangChain?", "framework"),
        ("What is 17 * 23?", "391"),
        ("What is 10 divided by 0?", "zero"),
        ("Reply with the word OK.", "OK"),
        ("Translate to German: Good morning", "Guten Morgen"),
        ("Translate 'I love programming' into French.", "J'adore la programmation"),
        ("Translate to French: The cat sleeps.", "[French] The cat sleeps."),
        ("Summarise: The cat sat. It was happy. Then it left.", "The cat sat. It was happy."),
        ("List three colors", "red, green, blue"),
        ("I like tea.", "You like tea."),
        ("Who are you?", "gpt-4o"),
        ("Who won the cup?", "do not know"),
        ("Make me a sandwich.", "stand-in"),
        ("Describe this image", "no picture"),
    ],
)
def test_says_something_fitting(request_: str, part: str) -> None:
    assert part in ask(request_)


@pytest.mark.parametrize(
    "request_", ["", " ", "?", "…", "你好吗", "\ud800", "a" * 5000, "Context:", "\n"]
)
def test_never_says_nothing(request_: str) -> None:
    assert ask(request_)


def test_answers_a_system_text_without_a_user() -> None:
    assert HelpfulBrain().answer(Question("gpt-4o", "openai", "Be brief.", ())).text


def test_describes_a_picture_as_far_as_it_can() -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(8) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
    text = ask("What is in this picture?", media=(Media("image", "image/png", data),))
    assert text == "I see a picture (PNG, 2 by 3 pixels, 24 bytes)."


def test_translates_when_the_system_text_says_so() -> None:
    system = "You are a helpful assistant that translates English to French."
    assert ask("I love programming.", system=system) == "J'adore la programmation."


def test_stops_where_max_tokens_says() -> None:
    question = Question(
        "m", "openai", "", (Turn("user", "Tell me a story"),), None, {"max_tokens": 3}
    )
    reply = HelpfulBrain().answer(question)
    assert (reply.text, reply.finish_reason) == ("Once upon a", "length")


def test_gives_the_same_reply_to_the_same_question() -> None:
    assert ask("Tell me a joke about owls") == ask("Tell me a joke about owls")


@pytest.mark.parametrize(
    "prompt",
    [
        "Tell me a joke about cats. Return a JSON with 'setup' and 'punchline' keys",
        "Tell me a joke about cats as JSON with keys: setup, punchline.",
        'Tell me a joke about cats as JSON: {"setup": "...", "punchline": "..."}',
    ],
)
def test_fills_the_keys_a_prompt_names(prompt: str) -> None:
    found = json.loads(ask(prompt, response_format={"type": "json_object"}))
    assert list(found) == ["setup", "punchline"]
    assert "cats" in found["setup"]


def test_answers_with_some_object_when_no_keys_are_named() -> None:
    found = json.loads(ask("Hello, JSON please", response_format={"type": "json_object"}))
    assert found == {"answer": "Hello! How can I help you?"}


def test_follows_the_format_instructions_of_output_parsers() -> None:
    schema = {"properties": {"year": {"type": "integer"}}, "required": ["year"]}
    text = ask(
        "The output should be JSON that conforms to the JSON schema below. As an example, for "
        '{"properties": {"foo": {"type": "string"}}} the object {"foo": "bar"} is good.\n'
        f"```\n{json.dumps(schema)}\n```\nWhen was Ada born? Ada was born in 1815."
    )
    assert json.loads(text) == {"year": 1815}
