"""The progress bar: what it counts, what it draws, and where."""

import asyncio
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from functools import reduce
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.output_parsers import StrOutputParser
from langchain_core.rate_limiters import InMemoryRateLimiter
from tqdm.auto import tqdm

from langchain_segmind import (
    Progress,
    SegmindBudgetExceededError,
    UsageTracker,
    progress_bar,
    track_usage,
)
from langchain_segmind.testing import FunctionModel, LocalGateway, Queue
from tests.integration.call_styles import build, in_both_styles
from tests.integration.processes import run_python, start_python, wait_until

QUESTIONS = [f"What is {n} + {n}?" for n in range(8)]


def counts(bar):
    return {
        name: count
        for name in ("done", "failed", "cancelled", "running", "queued")
        if (count := getattr(bar, name))
    }


# --- what is counted -------------------------------------------------------------------------


def in_each_style(test):
    return reduce(lambda marked, mark: mark(marked), in_both_styles, test)


@in_each_style
async def test_bar_counts_every_kind_of_call(gateway):
    async with build(gateway) as model:
        chain = model | StrOutputParser()
        with progress_bar() as bar:
            model.batch(QUESTIONS)
            chain.batch(QUESTIONS)
            list(model.stream("Hello"))
            await model.abatch(QUESTIONS)
            [chunk async for chunk in chain.astream("Hello")]

    assert issubclass(Progress, UsageTracker)
    assert isinstance(bar, Progress)
    assert counts(bar) == {"done": 26}
    assert bar.calls == gateway.executions == 26
    assert bar.cost == pytest.approx(10 - gateway.credits)
    assert bar.credit_balance == pytest.approx(gateway.credits)
    shown = re.fullmatch(rf"{bar.total_tokens} tokens, \$(0\.00\d+), \$(9\.\d+) left", str(bar))
    assert shown
    assert [float(amount) for amount in shown.groups()] == pytest.approx(
        [bar.cost, gateway.credits], abs=5e-5
    )


@in_each_style
async def test_bar_counts_failed_calls(call, gateway):
    gateway.fail(status=400, times=3)
    async with build(gateway) as model:
        with progress_bar(len(QUESTIONS)) as bar:
            ends = await call(model, "batch", QUESTIONS, return_exceptions=True)

    assert counts(bar) == {"done": 5, "failed": 3}
    assert len([end for end in ends if isinstance(end, Exception)]) == 3
    assert bar.calls == gateway.executions == 5


@in_each_style
async def test_bar_counts_cancelled_calls():
    with LocalGateway(latency=60) as gateway:
        async with build(gateway) as model:
            with progress_bar(3) as bar:
                tasks = [asyncio.create_task(model.ainvoke(text)) for text in QUESTIONS[:3]]
                await asyncio.to_thread(wait_until, lambda: bar.running + bar.queued == 3)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

                assert counts(bar) == {"cancelled": 3}


@in_each_style
async def test_bar_counts_a_call_cancelled_in_the_rate_limiter(gateway):
    slow = InMemoryRateLimiter(requests_per_second=0.001, max_bucket_size=1)
    async with build(gateway, rate_limiter=slow) as model:
        with progress_bar() as bar:
            task = asyncio.create_task(model.ainvoke("Hello"))
            await asyncio.to_thread(wait_until, lambda: bar.running == 1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

            assert counts(bar) == {"cancelled": 1}
    assert gateway.executions == 0


def test_bar_counts_calls_in_threads_once_when_it_is_also_a_callback(gateway):
    model, bar = build(gateway), progress_bar()
    config: Any = {"callbacks": [bar]}

    with bar:
        threads = [threading.Thread(target=model.invoke, args=("Hi", config)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        model.invoke("Hi", config)

    assert counts(bar) == {"done": 6}
    assert bar.calls == gateway.executions == 6


def test_bar_counts_a_cached_answer_as_done_and_not_as_a_call(gateway):
    with build(gateway, cache=InMemoryCache()) as model, progress_bar() as bar:
        model.invoke("Hello")
        model.invoke("Hello")

    assert counts(bar) == {"done": 2}
    assert bar.calls == 1


def test_bar_works_inside_a_tracker_with_a_budget(gateway):
    with build(gateway) as model, track_usage(budget=1e-9) as spent, progress_bar() as bar:
        model.invoke("Hello")
        with pytest.raises(SegmindBudgetExceededError):
            model.invoke("Hello")

    assert counts(bar) == {"done": 1, "failed": 1}
    assert bar.cost == spent.cost > 0


def test_inner_bar_counts_calls_until_its_block_ends(gateway):
    with build(gateway) as model, progress_bar() as outer:
        with progress_bar() as inner:
            model.invoke("Hello")
        model.invoke("Hello")
    model.invoke("Hello")

    assert (inner.done, outer.done) == (1, 1)
    assert (inner.calls, outer.calls) == (1, 2)


# --- jobs ------------------------------------------------------------------------------------


def test_bar_counts_jobs_as_queued_then_done_or_failed():
    with LocalGateway(queue=Queue(polls=2)) as gateway:
        with build(gateway, poll_interval=0.01) as model, progress_bar(3) as bar:
            gateway.fail_job("out of memory")
            jobs = [model.submit(text) for text in QUESTIONS[:3]]
            assert counts(bar) == {"queued": 3}
            with pytest.raises(Exception, match="out of memory"):
                jobs[0].result()
            assert counts(bar) == {"failed": 1, "queued": 2}
            jobs[1].result()
            jobs[1].result()  # as often as one likes

            assert counts(bar) == {"failed": 1, "done": 1, "queued": 1}

        assert counts(bar) == {"failed": 1, "done": 1, "queued": 1}  # it runs on in the queue
        jobs[2].result()  # reported to the bar that counted its submission
        assert counts(bar) == {"failed": 1, "done": 2}
        assert bar.calls == gateway.executions == 2


async def test_bar_counts_fetched_jobs_of_another_process(gateway):
    async with build(gateway, poll_interval=0.01) as model:
        ids = [str(await model.asubmit(text)) for text in QUESTIONS[:3]]
        with progress_bar(3) as bar:
            await asyncio.gather(*(model.get_job(request_id).aresult() for request_id in ids))

    assert counts(bar) == {"done": 3}


# --- what is drawn ---------------------------------------------------------------------------


def test_bar_shows_running_and_finished_calls():
    drawn = io.StringIO()

    def reply(_):
        wait_until(lambda: " running" in drawn.getvalue())
        return "Four."

    with LocalGateway(responder=FunctionModel(reply)) as gateway:
        gateway.fail(status=400, times=2)
        with (
            build(gateway) as model,
            progress_bar(8, label="questions", file=drawn, disable=False) as bar,
        ):
            config: Any = {"callbacks": [bar], "max_concurrency": 4}
            model.batch(QUESTIONS, config, return_exceptions=True)

    last = drawn.getvalue().strip().split("\r")[-1]
    assert last.startswith("questions: ")
    assert "| 6/8 [" in last
    assert str(bar).startswith(f"2 failed, {bar.total_tokens} tokens, $")
    assert last.endswith(f", {bar}]")
    assert "running" not in last


PROGRAM = """
from langchain_segmind import ChatSegmind, progress_bar

with progress_bar(9) as bar:
    ChatSegmind(model="gpt-4o").batch(["Hello"] * 9)
assert (bar.done, bar.calls) == (9, 9)
"""


def test_bar_is_drawn_on_a_terminal(gateway):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 30, 120, 0, 0))
    with start_python("-W", "error", "-c", PROGRAM, gateway=gateway, stderr=theirs) as process:
        os.close(theirs)
        shown = read_all(ours)

    assert process.returncode == 0, shown
    assert re.search(r"\| 9/9 \[.*, \d+ tokens, \$0\.000\d+, \$9\.\d+ left\]", shown)
    assert shown.count("\n") == 1


def read_all(terminal):
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        while True:
            try:
                more = file.read(1000)
            except OSError:  # Linux's end of file
                more = b""
            if not more:
                return shown.decode()
            shown += more


def test_bar_prints_nothing_to_a_pipe(gateway):
    assert run_python("-W", "error", "-c", PROGRAM, gateway=gateway) == ("", "", 0)


class Broken(io.StringIO):
    """A terminal that goes away after the first line."""

    def write(self, text):
        if self.getvalue():
            raise RuntimeError("the terminal is gone")
        return super().write(text)


def test_call_succeeds_when_the_terminal_disappears(gateway, caplog):
    with (
        build(gateway) as model,
        progress_bar(8, file=Broken(), disable=False) as bar,
    ):
        answers = model.batch(QUESTIONS)

    assert all(answer.text for answer in answers)
    assert counts(bar) == {"done": 8}
    assert len([line for line in caplog.messages if "cannot be shown" in line]) == 1


TERMINALS = """
import faulthandler, io, os, sys, threading, time

faulthandler.dump_traceback_later(120, exit=True)  # ends a process that hangs


class Terminal(io.StringIO):
    def __init__(self, act, at):
        super().__init__()
        self.act, self.at, self.writes = act, at, 0

    def write(self, text):
        self.writes += 1
        is_time = text == "\\n" if self.at == "end" else self.writes > self.at
        return self.act() if is_time else super().write(text)


def fails(error):
    def act():
        raise error
    return act


def hangs():
    threading.Event().wait()


def terminals():
    kinds = {
        "EPIPE": fails(BrokenPipeError(32, "Broken pipe")),
        "EIO": fails(OSError(5, "Input/output error")),
        "closed": fails(ValueError("I/O operation on closed file")),
        "odd": fails(RuntimeError("not quite a file")),
        "exit": fails(SystemExit(3)),
    }
    for name, act in kinds.items():
        for at in (0, 1, 4, "end"):
            yield f"{name} {at}", Terminal(act, at)
    closed = io.StringIO()
    closed.close()
    yield "closed before", closed
    yield "none", None
    yield "hangs 0", Terminal(hangs, 0)
    yield "hangs end", Terminal(hangs, "end")


def other_bar(name):
    from tqdm import tqdm

    drawn = io.StringIO()
    for _ in tqdm(range(3), file=drawn):
        pass
    assert "3/3" in drawn.getvalue()
    with progress_bar(1, file=(ours := io.StringIO()), disable=False):
        pass
    assert "0/1" in ours.getvalue()
    print("went on after", name, flush=True)


threading.excepthook = lambda args: None
"""

OF_CALLS = """
from langchain_segmind import progress_bar

for name, file in terminals():
    with progress_bar(8, file=file, disable=False):
        time.sleep(0.5 if name.startswith("EPIPE") else 0)
    other_bar(name)
"""

OF_TEXTS = """
from langchain_segmind import SegmindEmbeddings, progress_bar

embeddings = SegmindEmbeddings(model="text-embedding-3-small", show_progress_bar=True)
before = sys.stderr
for name, sys.stderr in terminals():
    vectors = embeddings.embed_documents([f"text {n}" for n in range(8)])
    sys.stderr = before
    assert len(vectors) == 8
    other_bar(name)
"""


@pytest.mark.parametrize("code", [OF_CALLS, OF_TEXTS], ids=["calls", "texts"])
def test_broken_terminal_stops_neither_calls_nor_other_bars(gateway, code):
    printed, errors, exit_code = run_python("-c", TERMINALS + code, gateway=gateway)

    assert printed.count("went on after") == 24, printed + errors
    assert exit_code == 0, errors


PIPED = """
import faulthandler, sys
from langchain_segmind import progress_bar

faulthandler.dump_traceback_later(120, file=sys.stdout, exit=True)
with progress_bar(8, disable=False):
    print("begun", flush=True)
    sys.stdin.readline()  # until the reader of the bar has left
from tqdm import tqdm

with progress_bar(8, file=open("/dev/null", "w"), disable=False):
    pass
print(len(list(tqdm(range(3), file=open("/dev/null", "w")))))
"""


def test_closed_pipe_does_not_stop_the_next_bar():
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start_python("-c", PIPED, **pipes) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdin
        assert process.stdout.readline() == "begun\n"
        process.stderr.read(1)
        process.stderr.close()
        time.sleep(1)  # a few drawings
        process.stdin.write("\n")
        process.stdin.close()

        assert process.stdout.read() == "3\n"


def test_bar_does_not_use_tqdms_lock():
    with tqdm.get_lock():  # as a bar of another library on a terminal that is gone holds it
        done: list[int] = []

        def count():
            with progress_bar(2, file=io.StringIO(), disable=False):
                done.append(2)

        thread = threading.Thread(target=count, daemon=True)
        thread.start()
        thread.join(60)

    assert done == [2]
    assert not thread.is_alive()


def test_nested_bars_have_their_own_rows():
    drawn = io.StringIO()
    for _ in tqdm(range(1), file=drawn):
        with (
            progress_bar(5, label="middle", file=drawn, disable=False),
            progress_bar(7, label="inner", file=drawn, disable=False),
        ):
            pass

    assert re.search(r"\n\n\rinner: [^\n]*0/7", drawn.getvalue())
    assert re.search(r"[^\n]\n\rmiddle: [^\n]*0/5", drawn.getvalue())


def test_drawing_thread_ends_with_the_block(gateway):
    with build(gateway) as model:
        model.invoke("Hello")  # connects, in a thread that may still be ending
        before = set(threading.enumerate())
        with progress_bar(file=io.StringIO(), disable=False):
            model.invoke("Hello")
            assert set(threading.enumerate()) - before

        assert set(threading.enumerate()) <= before


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [-1, 2.5, "many", True])
def test_total_must_be_a_number_of_calls(total):
    with pytest.raises(ValueError, match="total must be a number of calls"):
        progress_bar(total)


def test_bar_cannot_be_entered_twice():
    with progress_bar() as bar, pytest.raises(RuntimeError, match="already in use"), bar:
        pass
