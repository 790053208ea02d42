"""What `make bench-tools` reports: answers, scored and added up in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.agent_jobs import Job
from benchmarks.leaderboard import Judge, Question


@dataclass(frozen=True)
class Answer:
    """What a model made of a task: one line of the file of answers.

    Attributes:
        arm: The name of the arm.
        id: The task's id.
        calls: The tool calls, each with `name` and `args`.
        invalid: How many more tool calls could not be read.
        text: The text of the last message.
        input_tokens: Tokens read, in all model calls.
        output_tokens: Tokens written.
        error: Why there is no answer, or "".
    """

    arm: str
    id: str
    calls: list[dict[str, Any]] = field(default_factory=list)
    invalid: int = 0
    text: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    error: str = ""


def report(
    arms: Iterable[str],
    questions: Sequence[Question],
    jobs: Sequence[Job],
    answers: Iterable[Answer],
    judge: Judge,
) -> str:
    """Write the table in Markdown, below a line on how much it rests."""
    by_arm: dict[str, dict[str, Answer]] = {arm: {} for arm in arms}
    for answer in answers:
        by_arm.get(answer.arm, {})[answer.id] = answer
    head = ["arm", "valid", "names", "AST", "quiet", "tokens in/out", *(["agents"] if jobs else [])]
    rows = [head, ["---"] * len(head)]
    for name, found in by_arm.items():
        rows.append([name, *_shares(questions, found, judge), _tokens(questions, found)])
        if jobs:
            rows[-1].append(f"{sum(job.is_solved(found[job.id].text) for job in jobs)}/{len(jobs)}")
    errors = sum(bool(answer.error) for found in by_arm.values() for answer in found.values())
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    unread = {arm: _count_unread_calls(questions, found) for arm, found in by_arm.items()}
    notes = [
        f"\n\n{arm}: {count} replies name a tool in their text, but the server found no call."
        for arm, count in unread.items()
        if count
    ]
    return f"{_sizes(questions)}, {errors} errors:\n\n{table}{''.join(notes)}"


def _sizes(questions: Iterable[Question]) -> str:
    calling, silent = _split(questions)
    text = f"{len(calling)} questions that need tools, {len(silent)} that do not"
    if calling:  # 95 % of differences between two equal arms are smaller, if half of all is right
        text += f" (differences below {196 * (0.5 / len(calling)) ** 0.5:.0f} points may be chance)"
    return text


def _split(questions: Iterable[Question]) -> tuple[list[Question], list[Question]]:
    """Return the questions that need tools, and those that do not."""
    every = [*questions]
    return [q for q in every if q.expected], [q for q in every if not q.expected]


def _shares(
    questions: Iterable[Question], answers: Mapping[str, Answer], judge: Judge
) -> list[str]:
    calling, silent = _split(questions)
    pairs = [(question, answers[question.id]) for question in calling]
    return [
        _percent([_is_valid(question, answer) for question, answer in pairs]),
        _percent([_has_right_names(question, answer) for question, answer in pairs]),
        _percent([_is_right(question, answer, judge) for question, answer in pairs]),
        _percent([_is_quiet(answers[question.id]) for question in silent]),
    ]


def _is_valid(question: Question, answer: Answer) -> bool:
    offered = {tool["function"]["name"] for tool in question.tools}
    called = {call["name"] for call in answer.calls}
    return bool(called) and called <= offered and not answer.invalid


def _has_right_names(question: Question, answer: Answer) -> bool:
    called = Counter(call["name"] for call in answer.calls)
    return called == Counter(question.expected_names) and not answer.invalid


def _is_right(question: Question, answer: Answer, judge: Judge) -> bool:
    return _has_right_names(question, answer) and not judge(question, answer.calls)


def _is_quiet(answer: Answer) -> bool:
    return not (answer.calls or answer.invalid or answer.error)


def _count_unread_calls(questions: Iterable[Question], answers: Mapping[str, Answer]) -> int:
    """Count the calls that may have been left in the text. Many explain a low score."""
    return sum(
        f'"{tool["function"]["name"]}"' in answers[question.id].text
        for question in questions
        if not answers[question.id].calls
        for tool in question.tools
    )


def _percent(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / len(hits):.0f}%" if hits else "-"


def _tokens(questions: Sequence[Question], answers: Mapping[str, Answer]) -> str:
    """Average over the questions that were answered."""
    found = [answers[question.id] for question in questions if not answers[question.id].error]
    if not found:
        return "-"
    read = sum(answer.input_tokens for answer in found) / len(found)
    written = sum(answer.output_tokens for answer in found) / len(found)
    return f"{read:.0f}/{written:.0f}"
