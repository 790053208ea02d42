"""Thousands of calls from one machine, with a rate limit, saved answers, and resume after a stop.

One event loop is enough: at most `max_concurrency` calls are in flight, a rate limiter keeps to the
limit of your plan, each answer is saved as soon as it arrives, and a failed call does not stop the
others. A second run sends the questions that have no answer yet, even if they may have been billed.

Calls the live gateway if SEGMIND_API_KEY is set, and otherwise a local gateway that fails some of
the calls. CALLS sets how many calls: by default 20 on the live gateway, and 1,000 on a local one.
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

MAX_CONCURRENCY = 100  # calls in flight, and connections
PER_SECOND = 1_000  # calls started per second: set it to the limit of your plan


def main() -> None:
    with live_or_local(latency=0.05) as local, tempfile.TemporaryDirectory() as folder:
        if local:
            fail_some_calls(local)
        calls = int(os.environ.get("CALLS", "1000" if local else "20"))
        questions = [f"What is {n} + {n}?" for n in range(calls)]
        answers = Path(folder, "answers.jsonl")
        for run in (1, 2):
            print(f"\nRun {run}")
            asyncio.run(ask_all(questions, answers))


def fail_some_calls(local: LocalGateway) -> None:
    """Fail some calls, as a gateway under load might."""
    print("The local gateway fails 55 requests on purpose.")
    local.fail(status=503, times=50, headers={"retry-after": "0"})  # retried automatically
    local.fail(status=504, times=5)  # not retried: the model may have run


async def ask_all(questions: list[str], answers: Path) -> None:
    """Send the questions that have no answer yet, and save each answer as it arrives."""
    known = {json.loads(line)["question"] for line in read_lines(answers)}
    missing = [question for question in questions if question not in known]
    print(f"  {len(known)} answered before, {len(missing)} to send")

    began, failed = time.perf_counter(), Counter[str]()
    limiter = InMemoryRateLimiter(
        requests_per_second=PER_SECOND, check_every_n_seconds=0.01, max_bucket_size=MAX_CONCURRENCY
    )
    with track_usage() as usage, answers.open("a") as file:
        async with ChatSegmind(
            model="gpt-5.4-mini",
            max_tokens=100,
            max_connections=MAX_CONCURRENCY,
            max_retries=5,
            rate_limiter=limiter,
        ) as model:
            outcomes = model.abatch_as_completed(
                missing, config={"max_concurrency": MAX_CONCURRENCY}, return_exceptions=True
            )
            async for place, outcome in outcomes:
                if isinstance(outcome, AIMessage):
                    line = {"question": missing[place], "answer": outcome.text}
                    print(json.dumps(line), file=file, flush=True)
                elif isinstance(outcome, SegmindError):
                    failed[f"{type(outcome).__name__} ({outcome.outcome})"] += 1
                else:
                    raise outcome  # not a failed call, but a bug

    seconds = time.perf_counter() - began
    print(f"  {len(missing)} in {seconds:.1f} s for ${usage.cost:.4f}")
    for name, count in failed.items():
        print(f"  {count} failed: {name}; {usage.unpriced_calls} may have cost something")


def read_lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    main()
