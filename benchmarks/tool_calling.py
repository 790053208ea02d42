"""Compare emulated tool calling with a server's own: `make bench-tools SERVER=... MODEL=...`.

It sends the questions of the Berkeley Function Calling Leaderboard to any server with OpenAI's chat
completions API, each in three ways (arms), all with temperature 0 and at most 320 tokens:

  native    tools in the server's own field `tools`
  emulated  ChatSegmind's tool emulation: tools in the prompt, calls through `response_format`
  words     the same, from a gateway that answers any `response_format` with 400

The table has these columns:

  valid   every call is readable and of a tool on offer, and there is at least one
  names   exactly the expected tools are called
  AST     the leaderboard's checker finds names, types and values right
  quiet   no tool is called where none fits
  tokens  read and written for one question, as the server counts them
  agents  with --agents: how many of twenty small jobs an agent solves

Answers are written to a file as they arrive. After an interruption, the same command continues and
retries errors; if the server or the package has changed since, delete MODEL.unfinished.jsonl first.
The next run replaces the file of a finished one. If the server needs an API key, set
UPSTREAM_API_KEY.

A server that does not recognize the calls of its model leaves them in the text. Then `native` shows
what the server can do, not what the model can do.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal, Protocol

from langchain_core.messages import AIMessage

from benchmarks.agent_jobs import JOBS
from benchmarks.leaderboard import CATEGORIES, ast_judge, sample
from benchmarks.tool_report import Answer, report
from langchain_segmind import ChatSegmind, SegmindError
from langchain_segmind.testing import LocalGateway, ModelRequest, OpenAICompatibleModel, Reply
from tests.llm.server import HELP, problem

TEMPERATURE: Final = 0
MAX_TOKENS: Final = 320
SLUG: Final = "gpt-4o"  # any slug with OpenAI's format; the server's model replies
TIMEOUT: Final = 900  # seconds; a large model on a CPU takes minutes
ANSWERS: Final = Path(".benchmarks/tool_calling")


@dataclass(frozen=True)
class Arm:
    """A way of offering tools to the model."""

    name: str
    tool_calling: Literal["native", "emulated"]
    refuses_format: bool = False


ARMS: Final = (
    Arm("native", "native"),
    Arm("emulated", "emulated"),
    Arm("words", "emulated", refuses_format=True),
)


class Task(Protocol):
    """What is sent to a model: a `Question` or a `Job`."""

    @property
    def id(self) -> str:
        """Its name in the file of answers."""

    def run(self, model: ChatSegmind) -> list[AIMessage]:
        """Send it, and return all messages of the model."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print its table."""
    options = _parser().parse_args(arguments)
    if why := _problem(options.server, options.model):
        sys.exit(why)
    judge = ast_judge()
    arms = [arm for arm in ARMS if arm.name in options.arms]
    questions = [
        question
        for category in options.categories
        for question in sample(category, options.per_category, options.seed)
    ]
    jobs = JOBS if options.agents else []
    path = options.answers or ANSWERS / (re.sub(r"[^\w.-]+", "-", options.model) + ".jsonl")
    unfinished = path.with_suffix(".unfinished.jsonl")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    answers = measure(arms, [*questions, *jobs], options.server, options.model, unfinished)
    print(f"{options.model}, {report([arm.name for arm in arms], questions, jobs, answers, judge)}")
    print(f"\nAnswers: {unfinished.replace(path)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tool_calling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [arm.name for arm in ARMS]
    parser.add_argument("server", help="the address of a server, such as http://localhost:11434/v1")
    parser.add_argument("model", help="the name of one of its models")
    parser.add_argument(
        "--per-category", type=int, default=25, metavar="N", help="questions of each category"
    )
    parser.add_argument("--agents", action="store_true", help="also twenty small jobs for an agent")
    parser.add_argument("--arms", nargs="+", choices=names, default=names)
    parser.add_argument("--categories", nargs="+", choices=CATEGORIES, default=CATEGORIES)
    parser.add_argument("--seed", type=int, default=0, help="another number draws other questions")
    parser.add_argument(
        "--answers", type=Path, metavar="FILE", help=f"by default {ANSWERS}/MODEL.jsonl"
    )
    return parser


def measure(
    arms: Iterable[Arm], tasks: Sequence[Task], server: str, model: str, path: Path
) -> list[Answer]:
    """Run every task in every arm, except those with an answer in `path`, and write answers there.

    Raises:
        SystemExit: The server has stopped working.
    """
    answers = _read_answers(path)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_line(answer) for answer in answers)
        for arm in arms:
            known = {answer.id for answer in answers if answer.arm == arm.name}
            open_tasks = [task for task in tasks if task.id not in known]
            if not open_tasks:
                continue
            with connect(arm, server, model) as chat:
                for number, task in enumerate(open_tasks, start=1):
                    print(f"{arm.name}: {number} of {len(open_tasks)}", end="\r", file=sys.stderr)
                    answer = _run(arm, task, chat)
                    if answer.error and (why := _problem(server, model)):
                        sys.exit(f"\n{why}\nRun the same command again to continue.")
                    answers.append(answer)
                    file.write(_line(answer))
                    file.flush()
            print(file=sys.stderr)
    return answers


@contextmanager
def connect(arm: Arm, server: str, model: str) -> Iterator[ChatSegmind]:
    """Put a local gateway before the server, and yield a model that uses it."""
    key = os.environ.get("UPSTREAM_API_KEY")
    upstream = OpenAICompatibleModel(server, model, api_key=key, timeout=TIMEOUT)
    gateway = LocalGateway(
        responder=ParallelCalls(upstream),
        credits=1e6,
        forward_tools=arm.tool_calling == "native",
        refuses_format=[SLUG] if arm.refuses_format else [],
        keep=1,
    )
    with (
        gateway,
        ChatSegmind(
            model=SLUG,
            base_url=gateway.base_url,
            api_key=gateway.api_key,
            tool_calling=arm.tool_calling,
            temperature=TEMPERATURE,
            max_tokens=MAX_TOKENS,
            timeout=TIMEOUT + 60,
            max_retries=0,
            queue=False,
        ) as chat,
    ):
        yield chat


@dataclass(frozen=True)
class ParallelCalls:
    """A responder that lets the server call several native tools in one reply.

    That is OpenAI's default, but llama.cpp does so only on request (its docs/function-calling.md).
    """

    upstream: OpenAICompatibleModel

    def respond(self, request: ModelRequest) -> Reply:
        """Forward a request to the server."""
        if request.offer is not None:
            settings = {**request.settings, "parallel_tool_calls": True}
            request = replace(request, settings=settings)
        return self.upstream.respond(request)


def _problem(server: str, model: str) -> str:
    """Return why a server cannot be used, or ""."""
    if (why := problem(server, model)) is not None:
        return f"{why}\n{HELP}"
    with connect(ARMS[0], server, model) as chat:
        try:
            chat.invoke("Hello!", max_tokens=8)
        except SegmindError as error:
            return f"{model} does not reply: {error}"
    return ""


def _run(arm: Arm, task: Task, chat: ChatSegmind) -> Answer:
    try:
        messages = task.run(chat)
    except SegmindError as error:
        return Answer(arm.name, task.id, error=str(error))
    usages = [message.usage_metadata for message in messages if message.usage_metadata]
    return Answer(
        arm=arm.name,
        id=task.id,
        calls=[
            {"name": call["name"], "args": call["args"]}
            for message in messages
            for call in message.tool_calls
        ],
        invalid=sum(len(message.invalid_tool_calls) for message in messages),
        text=messages[-1].text,
        input_tokens=sum(usage["input_tokens"] for usage in usages),
        output_tokens=sum(usage["output_tokens"] for usage in usages),
    )


def _read_answers(path: Path) -> list[Answer]:
    """Read the answers that a stopped run has left, without errors and a line that is cut off."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    answers = [Answer(**json.loads(line)) for line in lines if line.endswith("\n")]
    return [answer for answer in answers if not answer.error]


def _line(answer: Answer) -> str:
    return json.dumps(asdict(answer), ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
