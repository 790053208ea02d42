"""Ten questions for a slow model: submit them, lose the process, fetch the answers by their ids.

Runs on the live gateway when SEGMIND_API_KEY is set, else on a local one that needs no key, where
every model takes three seconds.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from langchain_segmind import ChatSegmind, SegmindJob, track_usage
from langchain_segmind.testing import live_or_local

MODEL = "gpt-5"  # a minute a call on average, so its calls go through the queue by themselves
QUESTIONS = [f"What is {n} times {n}?" for n in range(11, 21)]
REPLIES = {f"What is {n} times {n}?": f"{n * n}" for n in range(11, 21)}  # without a key


def main() -> None:
    with live_or_local(REPLIES, latency=3.0) as local, tempfile.TemporaryDirectory() as folder:
        ids = Path(folder, "ids.txt")
        lose_a_process(ids)
        fetch(ids)
        if local:
            print(f"The gateway executed {local.executions} runs.")


# --- the process that is lost ----------------------------------------------------------------


async def submit(ids: Path) -> None:
    """Submit all questions at once, keep the ids, and watch the jobs until the end."""
    async with ChatSegmind(model=MODEL) as model:
        jobs = await asyncio.gather(*(model.asubmit(question) for question in QUESTIONS))
        await asyncio.to_thread(ids.write_text, "\n".join(str(job) for job in jobs))
        print(f"{len(jobs)} jobs are submitted; their ids are in {ids.name}.", flush=True)
        while True:
            await show_states(jobs)
            await asyncio.sleep(0.5)


async def show_states(jobs: list[SegmindJob]) -> None:
    states = Counter(await asyncio.gather(*(job.astatus() for job in jobs)))
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    print(f"  {counts}", flush=True)


def lose_a_process(ids: Path) -> None:
    """Have another process submit the questions, and end it before it has any answer."""
    command = [sys.executable, __file__, "submit", str(ids)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        for number, line in enumerate(process.stdout or ()):
            print(line, end="")
            if number == 3:
                process.kill()
    print("The process was killed. The jobs run on in the queue.\n")


# --- the process that fetches ----------------------------------------------------------------


def fetch(ids: Path) -> None:
    """Fetch every answer by its id; those that are not there yet are waited for."""
    began = time.perf_counter()
    with ChatSegmind(model=MODEL) as model, track_usage() as spent:
        jobs = [model.get_job(request_id) for request_id in ids.read_text().split()]
        answers = [job.result() for job in jobs]
    for question, answer in zip(QUESTIONS, answers, strict=True):
        metadata = answer.response_metadata
        print(f"{question:<24} {answer.text:<20} {metadata['request_id'][:8]}…")
    print(f"\nFetched in {time.perf_counter() - began:.1f} s by another process.")
    cost = f"{spent.cost:.6f} USD, {spent.total_tokens} tokens"
    print(f"{spent.calls} runs were paid for, none twice: {cost}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["submit"]:
        asyncio.run(submit(Path(sys.argv[2])))
    else:
        main()
