"""Batch inference on Ray: workers that are lost, and prompts that fail."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from langchain_segmind.testing import EchoModel, LocalGateway
from tests.integration.call_styles import model_requests
from tests.integration.processes import start_python, wait_until

if find_spec("ray") is None:
    pytest.skip("needs Ray: pip install 'langchain-segmind[scale]'", allow_module_level=True)
pyarrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")

EXAMPLE = Path(__file__).parents[2] / "examples/batch_on_ray.py"
QUIET = "Set ray log level from environment variable"  # what Ray prints when it is set to be quiet


def start(*arguments, **settings):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return start_python(EXAMPLE, *arguments, **pipes, **settings)


def printed_by(process):
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out, [line for line in err.splitlines() if QUIET not in line]


def executed(gateway):
    """Count how often each prompt was executed."""
    texts = [r.body["messages"][-1]["content"] for r in gateway.requests if r.executed]
    return Counter(texts)


def rows(results):
    return {row["id"]: row for row in parquet.read_table(results / "results.parquet").to_pylist()}


def write_prompts(file, count):
    ids = [f"p{n:02}" for n in range(count)]
    texts = [f"Say w{n}." for n in range(count)]
    parquet.write_table(pyarrow.table({"id": ids, "prompt": texts}), file)
    return dict(zip(ids, texts, strict=True))


def test_ray_example_writes_failures_as_rows_and_repeats_unbilled_calls(tmp_path):
    printed, complaints = printed_by(start(environment={"HOME": str(tmp_path)}))

    assert complaints == []
    assert list(tmp_path.iterdir()) == []  # Ray keeps a token at home, if one lets it
    assert "24 prompts, 24 to send.\n  20 answered, 2 " in printed
    assert printed.count(": rejected, SegmindInvalidRequestError: gpt-4o: the gateway answer") == 2
    assert printed.count(": unknown, SegmindServerError: gpt-4o: the gateway answered 504") == 4
    assert "24 prompts, 2 to send.\n  22 answered, 2 unknown" in printed
    assert "24 prompts, 2 to send.\n  24 answered\n" in printed
    assert "q-24: 24 * 24 = 576 [scripted] ($0.0000" in printed
    assert "The gateway executed 24 runs." in printed


class Held(EchoModel):
    """Waits for a permit before each run."""

    threads = 16

    def __init__(self):
        super().__init__()
        self.permits = threading.Semaphore(0)

    def respond(self, request):
        self.permits.acquire(timeout=200)
        return super().respond(request)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_ray_example_repeats_no_call_of_a_lost_worker(tmp_path):
    asked, results = write_prompts(tmp_path / "in", 24), tmp_path / "out"
    arguments = (tmp_path / "in", results, "--workers", 2, "--batch", 4, "--concurrency", 4)
    responder = Held()
    with LocalGateway(responder=responder) as gateway:
        first = start(*arguments, gateway=gateway)
        wait_until(lambda: begun(results) == 2 and len(model_requests(gateway)) == 8, seconds=200)
        workers = workers_of(first.pid)
        os.kill(workers[0], signal.SIGKILL)
        gateway.fail(status=400, times=2)
        responder.permits.release(8)
        wait_until(lambda: gateway.executions == 8)  # the lost worker's four among them
        gateway.fail(drop="after_run")
        responder.permits.release(100)
        printed, _ = printed_by(first)
        found = rows(results)

        assert "24 prompts, 24 to send." in printed
        assert len(workers) == 2
        assert set(found) == set(asked)
        assert Counter((row["outcome"], row["error"], row["billed"]) for row in found.values()) == {
            ("answered", None, True): 17,
            ("rejected", "SegmindInvalidRequestError", False): 2,
            ("unknown", "SegmindConnectionError", None): 1,
            ("unknown", "WorkerLost", None): 4,
        }
        before = executed(gateway)
        assert set(before.values()) == {1}

        again, complaints = printed_by(start(*arguments, gateway=gateway))
        found = rows(results)

        assert "24 prompts, 2 to send." in again
        assert complaints == []
        assert Counter(row["outcome"] for row in found.values()) == {"answered": 19, "unknown": 5}
        assert executed(gateway).total() == before.total() + 2
        assert set(executed(gateway).values()) == {1}

    answered = [row for row in found.values() if row["outcome"] == "answered"]
    assert all(row["answer"].endswith(f"Say w{int(row['id'][1:])}.") for row in answered)
    assert all(row["cost"] > 0 < row["input_tokens"] for row in answered)
    assert (
        len({request.connection for request in model_requests(gateway)}) >= 8
    )  # four of each worker


def test_ray_example_refuses_prompts_that_share_an_id(tmp_path):
    table = pyarrow.table({"id": ["a", "a"], "prompt": ["Hello", "Hello"]})
    parquet.write_table(table, tmp_path / "in")
    with LocalGateway() as gateway:
        process = start(tmp_path / "in", tmp_path / "out", gateway=gateway)
        _, err = process.communicate()

    assert process.returncode == 1
    assert "every prompt needs a unique id" in err
    assert gateway.requests == []


def begun(results):
    """Return how many batches are running."""
    return len(list(results.glob("run-*/*.json"))) - len(list(results.glob("run-*/*.parquet")))


def workers_of(driver):
    """Return the processes that are the actors of the example, by their names."""
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in descendants(driver)}
    return [pid for pid, name in names.items() if name.startswith("ray::MapWorker")]


def descendants(pid):
    found = list[int]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended in the meantime
            continue
        if parent == pid:
            child = int(stat.parent.name)
            found += [child, *descendants(child)]
    return found
