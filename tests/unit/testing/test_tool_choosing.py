"""The default brain with tools: which it calls, with what, and when it has had enough."""

import time
from typing import Any

import pytest

from langchain_segmind.testing import Call, HelpfulBrain, Offer, Question, Reply, Result, Tool, Turn

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


def tool(name: str, about: str = "", optional: tuple[str, ...] = (), /, **arguments: Any) -> Tool:
    required = [key for key in arguments if key not in optional]
    schema = {"type": "object", "properties": arguments, "required": required}
    return Tool(name, about, schema)


ADD = tool("add", "Add two integers.", a=WHOLE, b=WHOLE)
MULTIPLY = tool("multiply", "Multiply two integers.", a=WHOLE, b=WHOLE)
MAGIC = tool("magic_function", "Apply a magic function to an input.", input=WHOLE)
NO_ARGUMENTS = tool("magic_function_no_args", "Calculate a magic function.")
WEATHER = tool("get_weather", "Get the weather at a location.", location=TEXT)
TIME = tool("get_time", "Tell the time in a city.", city=TEXT)
SEARCH = tool("search_documents", "Search the company's documents.", query=TEXT)
CALCULATOR = tool("calculator", "Evaluate an arithmetic expression.", expression=TEXT)
LOOKUP = tool("lookup", "Look up a fact.", term=TEXT)
CUSTOMER = tool("unicode_customer", "Create a customer.", customer_name=TEXT, description=TEXT)
GREETING = tool("greeting_generator", "Generate a greeting in a style.", answer_style=TEXT)
EMAIL = tool(
    "send_email", "Send an email.", to={**TEXT, "format": "email"}, subject=TEXT, body=TEXT
)
RENAME = tool("rename_file", "Rename a file.", source=TEXT, target=TEXT)
TRANSLATE = tool("translate", "Translate a text.", text=TEXT, target_language=TEXT)
FORECAST = tool(
    "forecast",
    "Forecast the weather.",
    ("days", "unit"),
    city=TEXT,
    days={**WHOLE, "default": 1},
    unit={"enum": ["celsius", "fahrenheit"]},
)
ORDER = tool(
    "place_order",
    "Place an order.",
    customer={"$ref": "#/$defs/Customer"},
    quantity={**WHOLE, "description": "How many pieces"},
)
ORDER = Tool(
    ORDER.name,
    ORDER.description,
    {
        **ORDER.parameters,
        "$defs": {
            "Customer": {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}
        },
    },
)


def ask(*turns: Turn | str, tools: tuple[Tool, ...], **how: Any) -> Reply:
    told = tuple(turn if isinstance(turn, Turn) else Turn("user", turn) for turn in turns)
    return HelpfulBrain().answer(Question("gpt-4o", "openai", "", told, offer=Offer(tools, **how)))


def called(*turns: Turn | str, tools: tuple[Tool, ...], **how: Any) -> list[tuple[str, Any]]:
    return [(call.name, call.arguments) for call in ask(*turns, tools=tools, **how).calls]


@pytest.mark.parametrize(
    ("request_", "tools", "expected"),
    [
        ("What is the value of magic_function(3)? Use the tool.", [MAGIC], [{"input": 3}]),
        ("What is the value of magic_function_no_args()? Use the tool.", [NO_ARGUMENTS], [{}]),
        ("What is the magic function of 3?", [NO_ARGUMENTS, MAGIC], [{"input": 3}]),
        ("add 3 and 4", [ADD], [{"a": 3, "b": 4}]),
        ("What is 3 + 4?", [MULTIPLY, ADD], [{"a": 3, "b": 4}]),
        ("What is 3 times 4?", [ADD, MULTIPLY], [{"a": 3, "b": 4}]),
        ("What is 12 * 7?", [CALCULATOR], [{"expression": "12 * 7"}]),
        ("How much is 15% of 80?", [CALCULATOR], [{"expression": "15 / 100 * 80"}]),
        ("Use the calculator: (2 + 3) * 4", [CALCULATOR], [{"expression": "(2 + 3) * 4"}]),
        (
            "What's the weather in San Francisco, CA?",
            [WEATHER],
            [{"location": "San Francisco, CA"}],
        ),
        (
            "What is the weather in Paris and in Rome?",
            [WEATHER],
            [{"location": "Paris"}, {"location": "Rome"}],
        ),
        (
            "How warm is it in Paris, Rome and Berlin?",
            [WEATHER],
            [{"location": "Paris"}, {"location": "Rome"}, {"location": "Berlin"}],
        ),
        ("I live in Oslo. What is the weather there?", [WEATHER], [{"location": "Oslo"}]),
        ("Search for 你好世界 in the documents", [SEARCH], [{"query": "你好世界"}]),
        ("Search the documents for 'こんにちは'.", [SEARCH], [{"query": "こんにちは"}]),
        (
            "How many days of vacation do employees get?",
            [ADD, SEARCH],
            [{"query": "How many days of vacation do employees get"}],
        ),
        ("Look up the population of Norway.", [LOOKUP], [{"term": "the population of Norway"}]),
        ("Using the tool, generate a Pirate greeting.", [GREETING], [{"answer_style": "Pirate"}]),
        ("Rename 'a.txt' to 'b.txt'.", [RENAME], [{"source": "a.txt", "target": "b.txt"}]),
        (
            "Translate 'good night, all' to French.",
            [TRANSLATE],
            [{"text": "good night, all", "target_language": "French"}],
        ),
        (
            "Send an email to ada@example.org with subject 'Hi' and body 'See you at 5'.",
            [EMAIL],
            [{"to": "ada@example.org", "subject": "Hi", "body": "See you at 5"}],
        ),
        ("Forecast for Oslo please", [FORECAST], [{"city": "Oslo"}]),
        (
            "Give me the forecast for Oslo for 3 days in Fahrenheit",
            [FORECAST],
            [{"city": "Oslo", "days": 3, "unit": "fahrenheit"}],
        ),
        (
            "Place an order of 12 pieces for Ada Lovelace",
            [ORDER],
            [{"customer": {"name": "Ada Lovelace"}, "quantity": 12}],
        ),
        (
            'Call add with {"a": -7, "b": 0} and then add with {"a": 1, "b": 2}',
            [ADD],
            [{"a": -7, "b": 0}, {"a": 1, "b": 2}],
        ),
    ],
)
def test_fills_arguments_from_the_request(
    request_: str, tools: list[Tool], expected: list[Any]
) -> None:
    assert [arguments for _, arguments in called(request_, tools=tuple(tools))] == expected


@pytest.mark.parametrize(
    ("request_", "tools"),
    [
        ("Hello!", (MAGIC, WEATHER)),
        ("Thank you!", (SEARCH,)),
        ("Tell me a joke about cats", (WEATHER, ADD, SEARCH)),
        ("What is the capital of France?", (WEATHER, ADD)),
        ("What model are you?", (SEARCH,)),
    ],
)
def test_calls_nothing_where_nothing_fits(request_: str, tools: tuple[Tool, ...]) -> None:
    reply = ask(request_, tools=tools)
    assert reply.calls == ()
    assert (
        reply.text
        == HelpfulBrain().answer(Question("gpt-4o", "openai", "", (Turn("user", request_),))).text
    )


def did(name: str, arguments: dict[str, Any], text: str, *, failed: bool = False) -> list[Turn]:
    call = Call(name, arguments, "c1")
    return [
        Turn("assistant", "", calls=(call,)),
        Turn("user", "", results=(Result(text, "c1", name, failed),)),
    ]


def test_tells_the_result_and_calls_no_more() -> None:
    reply = ask("add 3 and 4", *did("add", {"a": 3, "b": 4}, "7"), tools=(ADD,))
    assert (reply.calls, reply.text) == ((), "The answer is 7.")


def test_tells_every_result() -> None:
    request = "What is the weather in Paris and in Rome?"
    turns = [
        *did("get_weather", {"location": "Paris"}, "sunny"),
        *did("get_weather", {"location": "Rome"}, "It is raining."),
    ]
    assert ask(request, *turns, tools=(WEATHER,)).text == (
        "get_weather (Paris): sunny.\nIt is raining."
    )


def test_calls_what_is_left_when_only_one_call_is_allowed() -> None:
    request = "What is the weather in Paris and in Rome?"
    assert called(request, tools=(WEATHER,), most=1) == [("get_weather", {"location": "Paris"})]
    done = did("get_weather", {"location": "Paris"}, "sunny")
    assert called(request, *done, tools=(WEATHER,), most=1) == [
        ("get_weather", {"location": "Rome"})
    ]


def test_a_result_of_other_arguments_counts_when_somebody_changed_them() -> None:
    turns = did("get_weather", {"location": "Lyon"}, "It is sunny.")
    assert ask("What's the weather in Paris?", *turns, tools=(WEATHER,)).text == "It is sunny."


def test_uses_two_tools_that_are_asked_for() -> None:
    request = "What's the weather in Paris and what time is it in Tokyo?"
    assert called(request, tools=(TIME, WEATHER)) == [
        ("get_weather", {"location": "Paris"}),
        ("get_time", {"city": "Tokyo"}),
    ]


def test_goes_on_with_the_result_of_the_step_before() -> None:
    request = "Look up the population of Norway, then double it with the calculator."
    tools = (CALCULATOR, LOOKUP)
    assert called(request, tools=tools) == [("lookup", {"term": "the population of Norway"})]
    first = did("lookup", {"term": "the population of Norway"}, "Norway has 5,600,000 people.")
    assert called(request, *first, tools=tools) == [("calculator", {"expression": "5600000 * 2"})]
    second = did("calculator", {"expression": "5600000 * 2"}, "11200000")
    reply = ask(request, *first, *second, tools=tools)
    assert reply.calls == ()
    assert "11200000" in reply.text


def test_calls_once_more_after_an_error_and_then_says_that_it_failed() -> None:
    error = did("get_weather", {"location": "Paris"}, "Error: timed out", failed=True)
    request = "What's the weather in Paris?"
    assert called(request, *error, tools=(WEATHER,)) == [("get_weather", {"location": "Paris"})]
    reply = ask(request, *error, *error, tools=(WEATHER,))
    assert reply.calls == ()
    assert "get_weather failed" in reply.text
    assert "timed out" in reply.text


def test_corrects_an_argument_as_the_error_says() -> None:
    error = did(
        "get_weather",
        {"location": "Pariss"},
        "Unknown 'Pariss'. Did you mean 'Paris'?",
        failed=True,
    )
    request = "What's the weather in Pariss?"
    assert called(request, *error, tools=(WEATHER,)) == [("get_weather", {"location": "Paris"})]
    good = did("get_weather", {"location": "Paris"}, "It is sunny.")
    assert ask(request, *error, *good, tools=(WEATHER,)).text == "It is sunny."


def test_does_not_insist_on_what_somebody_rejected() -> None:
    error = did("get_weather", {"location": "Paris"}, "User rejected the tool call.", failed=True)
    assert ask("What's the weather in Paris?", *error, tools=(WEATHER,)).calls == ()


def test_picks_the_sentences_of_a_long_result_that_answer() -> None:
    text = "Nothing to see here. " * 30 + "Employees have 25 days of vacation a year."
    request = "How many days of vacation do employees get?"
    turns = did("search_documents", {"query": "vacation"}, text)
    assert ask(request, *turns, tools=(SEARCH,)).text == (
        "Employees have 25 days of vacation a year."
    )


def test_does_not_ask_again_what_it_was_told_in_an_earlier_turn() -> None:
    turns: list[Turn | str] = [
        "What's the weather in Paris?",
        *did("get_weather", {"location": "Paris"}, "It is sunny in Paris."),
        Turn("assistant", "It is sunny in Paris."),
    ]
    reply = ask(*turns, "What was the weather in Paris?", tools=(WEATHER,))
    assert reply.calls == ()
    assert "sunny" in reply.text
    assert called(*turns, "And in Rome?", tools=(WEATHER,)) == [
        ("get_weather", {"location": "Rome"})
    ]


def test_a_forced_call_is_always_made() -> None:
    for request in ("Hello!", "", "add 3 and 4"):
        assert called(request, tools=(MAGIC, WEATHER), forced=True)
    done = did("add", {"a": 3, "b": 4}, "7")
    assert called("add 3 and 4", *done, tools=(ADD,), forced=True)


def test_hands_over_the_final_answer_through_a_tool_when_the_work_is_done() -> None:
    answer = tool("WeatherReport", "", city=TEXT, degrees=WHOLE)
    request = "What's the weather in Paris?"
    tools = (WEATHER, answer)
    assert called(request, tools=tools, forced=True) == [("get_weather", {"location": "Paris"})]
    done = did("get_weather", {"location": "Paris"}, "It is 21 degrees in Paris.")
    assert called(request, *done, tools=tools, forced=True) == [
        ("WeatherReport", {"city": "Paris", "degrees": 21})
    ]


def test_takes_an_answer_apart_with_the_only_tool_there_is() -> None:
    person = tool("Person", "A person.", name=TEXT, year=WHOLE)
    assert called("Ada Lovelace was born in 1815.", tools=(person,), forced=True) == [
        ("Person", {"name": "Ada Lovelace", "year": 1815})
    ]


@pytest.mark.parametrize("piece", ["1 + ", "1", "Ab Cd, ", "<tool_result id=", "look ", "'x "])
def test_even_a_very_long_request_is_understood_soon(piece: str) -> None:
    began = time.monotonic()
    ask(piece * (20_000 // len(piece)), tools=(ADD, WEATHER, SEARCH, CUSTOMER), forced=True)
    assert time.monotonic() - began < 5  # quadratic work would take minutes
