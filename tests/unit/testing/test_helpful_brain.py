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


LABELLED = """\
Source: towers.txt
The Eiffel Tower, which was completed in 1889 by the workers of
Gustave Eiffel, stands in Paris. It is 330 metres tall.

Source: bees.txt
Bees visit many flowers. That is called foraging."""

CITED = {
    "How tall is the Eiffel Tower?": "It is 330 metres tall [towers.txt].",
    "What is called foraging?": "Bees visit many flowers. That is called foraging [bees.txt].",
}


@pytest.mark.parametrize("question", CITED)
@pytest.mark.parametrize(
    "order", ["Cite your sources.", "Name the source of each.", "Put sources in brackets."]
)
def test_cites_the_labels_of_documents_where_it_is_told_to(order: str, question: str) -> None:
    prompt = f"Answer from the context. {order}\n\nContext:\n{LABELLED}\n\nQuestion: {question}"
    assert ask(prompt).endswith(CITED[question])
    assert "[" not in ask(prompt.replace(order, ""))


def test_cites_numbers_of_passages() -> None:
    context = "[1] Bees make honey.\n[2] Cows give milk."
    prompt = f"Cite the numbers.\nContext:\n{context}\nQuestion: What do cows give?"
    assert ask(prompt) == "Cows give milk [2]."


def test_reads_on_where_a_full_line_was_wrapped() -> None:
    text = ask(f"Context:\n{LABELLED}\n\nQuestion: When was the Eiffel Tower completed?")
    assert "the workers of Gustave Eiffel, stands" in text


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ('If the answer is not there, say "Nobody knows."', "Nobody knows."),
        ("If you don't know, just answer with 'No idea'.", "No idea"),
        ("If none of the context is relevant return NO_OUTPUT.", "NO_OUTPUT"),
        ("If you don't know the answer, say that you don't know.", "could not find"),
    ],
)
def test_says_what_it_is_told_to_say_when_documents_do_not_tell(order: str, said: str) -> None:
    prompt = f"{order}\n\nContext:\n{DOCUMENTS}\n\nQuestion: "
    assert said in ask(prompt + "What does a ticket cost?")
    assert "330" in ask(prompt + "How tall is the Eiffel Tower?")


def test_what_is_told_of_another_tower_is_no_answer() -> None:
    context = f"{DOCUMENTS.replace('Eiffel', 'old')}\nThe old tower was built in three years."
    prompt = f"Context:\n{context}\n\nQuestion: When was the {{}} Tower completed?"
    assert "could not find" in ask(prompt.format("Eiffel"))
    assert "1889" in ask(prompt.format("old"))


def test_puts_a_question_in_other_words() -> None:
    prompt = (
        "Your task is to generate 3 different versions of the given user question. Provide these "
        "alternative questions separated by newlines. Original question: When do bees swarm?"
    )
    versions = ask(prompt).split("\n")
    assert versions[0] == "When do bees swarm?"
    assert len(set(versions)) == 3
    assert all("swarm" in version for version in versions)


@pytest.mark.parametrize(("question", "grade"), [("Who makes honey?", "YES"), ("Who sang?", "NO")])
def test_grades_whether_a_document_answers(question: str, grade: str) -> None:
    prompt = (
        "Given the following question and context, return YES if the context is relevant to the "
        f"question and NO if it isn't.\n\n> Question: {question}\n> Context:\n>>>\n"
        "Bees make honey.\n>>>\n> Relevant (YES / NO):"
    )
    assert ask(prompt) == grade


def test_extracts_what_is_relevant_as_it_is() -> None:
    prompt = (
        "Given the following question and context, extract any part of the context *AS IS* that is "
        "relevant to answer the question. If none of the context is relevant return NO_OUTPUT.\n\n"
        "> Question: {}\n> Context:\n>>>\nBees make honey. Cows give milk.\n>>>\n"
        "Extracted relevant parts:"
    )
    assert ask(prompt.format("Who makes honey?")) == "Bees make honey."
    assert ask(prompt.format("Who are the parts of the band?")) == "NO_OUTPUT"


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
    ("follow_up", "alone"),
    [
        ("Where was he born?", "Where was Karl von Frisch born?"),
        ("When was his book printed?", "When was Karl von Frisch's book printed?"),
        ("Where is it taught?", "Where is Bee School taught?"),
        ("What is honey?", "What is honey?"),
    ],
)
def test_understands_who_and_what_is_meant(follow_up: str, alone: str) -> None:
    said = ("Who founded the Bee School?", "Karl von Frisch founded the Bee School.")
    system = "Formulate a standalone question."
    assert ask(*said, follow_up, system=system) == alone


def test_understands_it_as_what_was_asked_for() -> None:
    said = ("What is a neap tide?", "A small one.")
    asked = ask(*said, "When is it smallest?", system="Rephrase the question.")
    assert asked == "When is a neap tide smallest?"


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
