"""Thousands of calls from one machine: bounded, paced, kept as they come, and resumed after a stop.

One event loop and a bounded number of connections are enough: `max_concurrency` calls are under way
at once, a rate limiter keeps to what the plan allows, each answer is written down as it comes, and
a call that fails is a value, not the end of the others. Started again, it asks only for what is
missing. Runs on the live gateway when SEGMIND_API_KEY is set (with fewer CALLS, 20), else on a
local one that needs no key and fails now and then.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from langchain_core.messages import AIMessage
from langchain_core.rate_limiters import InMemoryRateLimiter

from langchain_segmind import ChatSegmind, SegmindError, track_usage
from langchain_segmind.testing import LocalGateway, live_or_local

AT_ONCE = 100  # calls under way, and connections
A_SECOND = 1_000  # calls begun a second: set it to what your plan allows


def main() -> None:
    with live_or_local(latency=0.05) as local, tempfile.TemporaryDirectory() as folder:
        if local:
            make_trouble(local)
        calls = int(os.environ.get("CALLS", "2000" if local else "20"))
        questions = [f"What is {n} + {n}?" for n in range(calls)]
        answers = Path(folder, "answers.jsonl")
        for run in (1, 2):
            print(f"\nRun {run}")
            asyncio.run(ask_all(questions, answers))


def make_trouble(local: LocalGateway) -> None:
    """Fail as a gateway under load does, so that there is something to see."""
    local.fail(status=503, times=50, headers={"retry-after": "0"})  # tried again, unseen
    local.fail(status=504, times=5)  # the model may have run: not repeated without your word


async def ask_all(questions: list[str], answers: Path) -> None:
    """Ask what has no answer yet, and write down every answer as it comes."""
    known = {json.loads(line)["question"] for line in read_lines(answers)}
    missing = [question for question in questions if question not in known]
    print(f"  {len(known)} are answered, {len(missing)} are asked")

    began, failed = time.perf_counter(), Counter[str]()
    limiter = InMemoryRateLimiter(
        requests_per_second=A_SECOND, check_every_n_seconds=0.01, max_bucket_size=AT_ONCE
    )
    with track_usage() as spent, answers.open("a") as file:
        async with ChatSegmind(
            model="gpt-5.4-mini",
            max_tokens=100,
            max_connections=AT_ONCE,
            max_retries=5,
            rate_limiter=limiter,
        ) as model:
            outcomes = model.abatch_as_completed(
                missing, config={"max_concurrency": AT_ONCE}, return_exceptions=True
            )
            async for place, outcome in outcomes:
                if isinstance(outcome, AIMessage):
                    line = {"question": missing[place], "answer": outcome.text}
                    print(json.dumps(line), file=file, flush=True)
                elif isinstance(outcome, SegmindError):
                    failed[f"{type(outcome).__name__} ({outcome.outcome})"] += 1
                else:
                    raise outcome  # no failure of a call, but a bug

    seconds = time.perf_counter() - began
    print(f"  {len(missing)} in {seconds:.1f} s for {spent.cost:.4f} USD")
    for name, count in failed.items():
        print(f"  {count} failed: {name}; {spent.unpriced_calls} may have cost something")


def read_lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    main()
