"""`make bench-tools` with a scripted server: what it sends, records, continues and reports."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.agent_jobs import JOBS, Job
from benchmarks.leaderboard import CATEGORIES, Question, ast_judge, sample
from benchmarks.tool_calling import ARMS, main, measure
from benchmarks.tool_report import report
from tests.integration.upstream import Upstream, serve

NATIVE, EMULATED, WORDS = ARMS
WEATHER = {
    "name": "weather.today",
    "description": "Get today's weather.",
    "parameters": {
        "type": "dict",
        "properties": {"city": {"type": "string"}, "hours": {"type": "float", "optional": True}},
        "required": ["city"],
    },
}
RAIN = Question(
    id="rain",
    category="simple_python",
    messages=[{"role": "user", "content": "Does it rain in Oslo?"}],
    functions=[WEATHER],
    expected=[{"weather.today": {"city": ["Oslo"]}}],
)
JOKE = Question(
    id="joke",
    category="irrelevance",
    messages=[{"role": "user", "content": "Tell me a joke."}],
    functions=[WEATHER],
)
OSLO = {"name": "weather_today", "arguments": {"city": "Oslo"}}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serve() as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def emulated(*calls: dict[str, Any], text: str = "") -> str:
    return json.dumps({"say": text, "calls": calls})


def native(*calls: dict[str, Any]) -> dict[str, Any]:
    functions = [{**call, "arguments": json.dumps(call["arguments"])} for call in calls]
    listed = [{"id": "c", "type": "function", "function": function} for function in functions]
    return {"content": None, "tool_calls": listed}


def first_city(question: Question, calls: Any) -> str:
    """Judge as the leaderboard does where it is not installed, but only the city."""
    (expected,) = question.expected
    return "" if calls[0]["args"]["city"] in expected["weather.today"]["city"] else "wrong city"


def test_native_arm_sends_openai_tools_unchanged(upstream: Upstream, path: Path) -> None:
    upstream.answers.append(native(OSLO))

    (answer,) = measure([NATIVE], [RAIN], upstream.url, "llama3.2", path)

    assert answer.calls == [{"name": "weather_today", "args": {"city": "Oslo"}}]
    assert (answer.input_tokens, answer.output_tokens) == (11, 4)
    properties = {"city": {"type": "string"}, "hours": {"type": "number"}}
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    function = {
        "name": "weather_today",
        "description": "Get today's weather.",
        "parameters": parameters,
    }
    assert upstream.bodies == [
        {
            "model": "llama3.2",
            "messages": [{"role": "user", "content": "Does it rain in Oslo?"}],
            "tools": [{"type": "function", "function": function}],
            "parallel_tool_calls": True,
            "temperature": 0,
            "max_tokens": 320,
        }
    ]


@pytest.mark.parametrize(("arm", "has_format"), [(EMULATED, True), (WORDS, False)])
def test_emulated_arms_differ_from_native_in_prompt_and_format_only(
    upstream: Upstream, path: Path, arm: Any, has_format: bool
) -> None:
    upstream.answers.append(emulated(OSLO))

    (answer,) = measure([arm], [RAIN], upstream.url, "llama3.2", path)

    assert answer.calls == [{"name": "weather_today", "args": {"city": "Oslo"}}]
    (body,) = upstream.bodies
    assert ("response_format" in body) is has_format
    assert "weather_today" in body["messages"][0]["content"]
    assert (body["temperature"], body["max_tokens"]) == (0, 320)
    assert not body.keys() & {"tools", "parallel_tool_calls"}


def test_report_has_one_row_for_each_arm(upstream: Upstream, path: Path) -> None:
    bergen = {**OSLO, "arguments": {"city": "Bergen"}}
    upstream.answers += [native(OSLO), native(OSLO)]
    upstream.answers += [emulated(bergen), emulated(text="Knock, knock.")]
    upstream.answers += [emulated(OSLO, OSLO), (400, {"error": "no jokes"}, {})]

    answers = measure(ARMS, [RAIN, JOKE], upstream.url, "llama3.2", path)

    text = report([arm.name for arm in ARMS], [RAIN, JOKE], [], answers, first_city)
    assert text.splitlines()[0].endswith(", 1 errors:")
    assert text.splitlines()[2:] == [
        "| arm | valid | names | AST | quiet | tokens in/out |",
        "| --- | --- | --- | --- | --- | --- |",
        "| native | 100% | 100% | 100% | 0% | 11/4 |",
        "| emulated | 100% | 100% | 0% | 100% | 11/4 |",
        "| words | 100% | 0% | 0% | 0% | 11/4 |",
    ]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(emulated({**OSLO, "name": "tides_today"}), id="tool not on offer"),
        pytest.param('{"say": "", "calls": [{"name": "weather_today", "argum', id="cut off"),
        pytest.param("It rains.", id="no call"),
        pytest.param((400, {"error": "no"}, {}), id="error"),
    ],
)
def test_report_counts_answer_as_invalid(upstream: Upstream, path: Path, reply: Any) -> None:
    upstream.answers.append(reply)

    answers = measure([WORDS], [RAIN], upstream.url, "llama3.2", path)

    assert "| words | 0% | 0% | 0% | - |" in report(["words"], [RAIN], [], answers, first_city)


def test_report_notes_calls_that_native_arm_left_in_the_text(
    upstream: Upstream, path: Path
) -> None:
    upstream.answers.append(f"```json\n{json.dumps(OSLO)}\n```")

    answers = measure([NATIVE], [RAIN], upstream.url, "llama3.2", path)

    text = report(["native"], [RAIN], [], answers, first_city)
    assert "native: 1 replies name a tool in their text" in text


def test_stopped_run_continues_after_the_last_complete_answer(
    upstream: Upstream, path: Path
) -> None:
    before = measure([NATIVE], [RAIN], upstream.url, "llama3.2", path)
    with path.open("a") as file:
        file.write('{"arm": "native", "id": "jo')  # killed while it wrote

    after = measure([NATIVE], [RAIN, JOKE], upstream.url, "llama3.2", path)

    assert [answer.id for answer in after] == ["rain", "joke"]
    assert after[:1] == before
    assert len(upstream.bodies) == 2
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["rain", "joke"]


def test_error_is_retried_when_run_continues(upstream: Upstream, path: Path) -> None:
    upstream.answers.append((400, {"error": "out of memory"}, {}))
    (before,) = measure([NATIVE], [RAIN], upstream.url, "llama3.2", path)

    (after,) = measure([NATIVE], [RAIN], upstream.url, "llama3.2", path)

    assert "out of memory" in before.error
    assert (after.error, after.text) == ("", "Hello from upstream.")


def test_run_stops_without_recording_when_server_is_gone(upstream: Upstream, path: Path) -> None:
    upstream.answers += [native(OSLO), *[(404, {"error": "model not found"}, {})] * 2]

    with pytest.raises(SystemExit, match="model not found"):
        measure([NATIVE], [RAIN, JOKE], upstream.url, "llama3.2", path)

    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["rain"]


@pytest.mark.parametrize("arm", ARMS, ids=[arm.name for arm in ARMS])
def test_agent_solves_job_with_tools(upstream: Upstream, path: Path, arm: Any) -> None:
    job = Job("seats", "How many seats do the Petrel and the Tern have?", ["155"])
    calls = [
        {"name": "get_number_of_seats", "arguments": {"ferry": ferry}}
        for ferry in ("Petrel", "Tern")
    ]
    if arm == NATIVE:
        upstream.answers += [native(*calls), {"content": "They have 155 seats."}]
    else:
        upstream.answers += [emulated(*calls), emulated(text="They have 155 seats.")]

    answers = measure([arm], [job], upstream.url, "llama3.2", path)

    assert [call["args"]["ferry"] for call in answers[0].calls] == ["Petrel", "Tern"]
    assert answers[0].input_tokens == 22
    assert {"95", "60"} <= set(re.findall(r"\d+", json.dumps(upstream.body["messages"])))
    assert report([arm.name], [], [job], answers, first_city).endswith(
        "| - | - | - | - | - | 1/1 |"
    )


def test_agent_that_never_stops_calling_is_ended(upstream: Upstream, path: Path) -> None:
    call = {"name": "add", "arguments": {"a": 1, "b": 1}}
    upstream.answers += [native(call)] * 20

    (answer,) = measure([NATIVE], JOBS[:1], upstream.url, "llama3.2", path)

    assert len(upstream.bodies) == 6
    assert not JOBS[0].is_solved(answer.text)


@pytest.mark.parametrize(
    ("expected", "text", "is_solved"),
    [
        (["95"], "It has 95.", True),
        (["95"], "It has 195.", False),
        (["15012"], "That is 15,012.", True),
        (["Ruiz", "Novak"], "Captain ruiz; Paul Novak", True),
        (["Ruiz", "Novak"], "Ines Ruiz", False),
    ],
)
def test_job_is_solved_when_every_pattern_is_a_word_of_the_answer(
    expected: list[str], text: str, is_solved: bool
) -> None:
    assert Job("job", "?", expected).is_solved(text) is is_solved


def test_command_explains_how_to_get_a_server_without_one() -> None:
    with pytest.raises(SystemExit, match=r"SERVER=http://localhost:11434/v1"):
        main(["", ""])


# --- with the leaderboard --------------------------------------------------------------------


@pytest.fixture
def _leaderboard() -> None:
    pytest.importorskip("bfcl_eval", reason="needs `pip install --no-deps bfcl-eval==2026.3.23`")


@pytest.mark.usefixtures("_leaderboard")
@pytest.mark.parametrize("category", CATEGORIES[:-1])
def test_judge_accepts_the_leaderboards_answers_and_nothing_else(category: str) -> None:
    judge = ast_judge()

    for question in sample(category, 50):
        right = [call for expected in question.expected for call in _calls(expected)]
        assert [call["name"] for call in right] == question.expected_names
        assert judge(question, right) == ""
        assert judge(question, [*right, right[0]])
        assert judge(question, [{**right[0], "args": {"odd": None}}, *right[1:]])
        assert judge(question, [])


def _calls(expected: Any) -> Iterator[dict[str, Any]]:
    for function, arguments in expected.items():
        args = {name: _first(values) for name, values in arguments.items() if values[0] != ""}
        yield {"name": function.replace(".", "_"), "args": args}


def _first(values: Any) -> Any:
    """Take the first of the values that are right, also within objects."""
    value = values[0]
    if isinstance(value, list):
        return [_object(item) if isinstance(item, dict) else item for item in value]
    return _object(value) if isinstance(value, dict) else value


def _object(value: dict[str, Any]) -> dict[str, Any]:
    return {name: _first(values) for name, values in value.items() if values[0] != ""}


@pytest.mark.usefixtures("_leaderboard")
def test_larger_sample_contains_smaller_one_of_the_same_seed() -> None:
    assert sample("multiple", 9)[:4] == sample("multiple", 4)
    assert sample("multiple", 9, seed=1) != sample("multiple", 9)
    assert all(question.expected == () for question in sample("irrelevance", 9))
