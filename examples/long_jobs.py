"""Job queue: submit ten questions, kill the process, and fetch the answers by their job ids.

Calls the live gateway if SEGMIND_API_KEY is set, and otherwise a local gateway, where every call
takes two seconds.
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

MODEL = "gpt-5"  # about a minute per call, so it uses the job queue automatically
QUESTIONS = [f"What is {n} times {n}?" for n in range(11, 21)]
REPLIES = {
    f"What is {n} times {n}?": f"{n * n}" for n in range(11, 21)
}  # the local gateway's replies


def main() -> None:
    with live_or_local(REPLIES, latency=2.0) as local, tempfile.TemporaryDirectory() as folder:
        ids = Path(folder, "ids.txt")
        submit_in_a_process_that_is_killed(ids)
        fetch(ids)
        if local:
            print(f"The gateway executed {local.executions} runs.")


# --- the process that is killed --------------------------------------------------------------


async def submit(ids: Path) -> None:
    """Submit all questions at once, save the job ids, and print the states of the jobs forever."""
    async with ChatSegmind(model=MODEL) as model:
        jobs = await asyncio.gather(*(model.asubmit(question) for question in QUESTIONS))
        await asyncio.to_thread(ids.write_text, "\n".join(str(job) for job in jobs))
        print(f"{len(jobs)} jobs submitted; their ids are in {ids.name}.", flush=True)
        while True:
            await show_states(jobs)
            await asyncio.sleep(0.5)


async def show_states(jobs: list[SegmindJob]) -> None:
    states = Counter(await asyncio.gather(*(job.astatus() for job in jobs)))
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    print(f"  {counts}", flush=True)


def submit_in_a_process_that_is_killed(ids: Path) -> None:
    """Submit the questions in another process, and kill it before it has any answer."""
    command = [sys.executable, __file__, "submit", str(ids)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        for number, line in enumerate(process.stdout or ()):
            print(line, end="")
            if number == 3:
                process.kill()
    print("The process was killed. The jobs keep running in the queue.\n")


# --- the process that fetches ----------------------------------------------------------------


def fetch(ids: Path) -> None:
    """Fetch every answer by its job id, and wait for those that are not ready."""
    began = time.perf_counter()
    with ChatSegmind(model=MODEL) as model, track_usage() as usage:
        jobs = [model.get_job(request_id) for request_id in ids.read_text().split()]
        answers = [job.result() for job in jobs]
    for question, answer in zip(QUESTIONS, answers, strict=True):
        metadata = answer.response_metadata
        print(f"{question:<24} {answer.text:<20} {metadata['request_id'][:8]}…")
    print(f"\nFetched in {time.perf_counter() - began:.1f} s by another process.")
    print(f"No run was billed twice: {usage}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["submit"]:
        asyncio.run(submit(Path(sys.argv[2])))
    else:
        main()
