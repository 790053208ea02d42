"""Batch processing with Ray Data: many prompts on many machines, none of them billed twice.

    python examples/batch_on_ray.py prompts.parquet results --workers 8 --rate 20

reads the columns `id` and `prompt`, and writes one row per prompt to the folder `results`: the
answer, or the error. All machines must share this folder. Run the same command again to send only
the prompts that have no answer yet.

Without arguments, it runs a demo with two dozen prompts. It calls the live gateway if
SEGMIND_API_KEY is set, and a local gateway otherwise. CALLS sets the number of prompts, and
RAY_ADDRESS the Ray cluster. Install: pip install 'langchain-segmind[scale]'

When Ray loses a worker, it runs the worker's tasks again, and their prompts would be billed again.
So this example splits the prompts into batches itself, and a worker writes a marker file before it
sends a batch. A batch with a marker is never sent again. Answers are saved before Ray gets them.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import logging
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reads these when it is imported
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
if "RAY_ADDRESS" not in os.environ and "RAY_AUTH_MODE" not in os.environ:
    # Otherwise Ray generates a token for its cluster and stores it in the home folder.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}

import pyarrow as pa
import pyarrow.parquet as pq
import ray.data
from langchain_core.messages import AIMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableConfig

from langchain_segmind import ChatSegmind, SegmindError, track_usage
from langchain_segmind.testing import LocalGateway, live_or_local

NUMBERS: Final = range(1, int(os.environ.get("CALLS", "24")) + 1)
REPLIES: Final = {
    f"What is {n} times {n}?": f"{n} * {n} = {n * n}" for n in NUMBERS
}  # the local gateway's replies

ANSWERED: Final = "answered"
NOT_BILLED: Final = ("not_sent", "rejected")  # the model did not run, so sending again is safe

ROWS: Final = pa.schema(
    {
        "id": pa.string(),
        "outcome": pa.string(),  # "answered", or the `outcome` of the error
        "answer": pa.string(),
        "error": pa.string(),  # the class of the error
        "message": pa.string(),
        "billed": pa.bool_(),  # null: unknown
        "cost": pa.float64(),  # US dollars; null: the gateway did not report it
        "input_tokens": pa.int64(),
        "output_tokens": pa.int64(),
        "model": pa.string(),
        "request_id": pa.string(),  # for a job, `model.get_job(request_id).result()` has the answer
    }
)


def main() -> None:
    options = read_options()
    with live_or_local(REPLIES, latency=0.2) as local, TemporaryDirectory() as folder:
        prompts = read_prompts(options.prompts or write_prompts(Path(folder)))
        check_key(options)
        with cluster():
            if options.prompts:
                process(prompts, options.results, options)
            else:
                demo(prompts, Path(folder, "results"), options, local)
        if local:
            print(f"\nThe gateway executed {local.executions} runs.")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("prompts", nargs="?", type=Path, help="a parquet file, or a folder of them")
    parser.add_argument("results", nargs="?", type=Path, help="a folder that all machines share")
    parser.add_argument("--model", default=os.environ.get("SEGMIND_MODEL", "gpt-4o"))
    parser.add_argument(
        "--workers", type=int, default=2, help="worker processes on all machines together"
    )
    parser.add_argument(
        "--rate", type=float, default=50.0, help="calls per second that the API key allows"
    )
    parser.add_argument("--concurrency", type=int, default=8, help="calls in flight per worker")
    parser.add_argument(
        "--batch", type=int, default=8, help="prompts per batch; a crash can lose one batch"
    )
    parser.add_argument("--budget", type=float, help="US dollars, split among the workers")
    parser.add_argument(
        "--retry-unknown",
        action="store_true",
        help="also send prompts again that may have been billed",
    )
    options = parser.parse_args()
    if options.prompts and not options.results:
        parser.error("name the results folder")
    if min(options.workers, options.rate, options.concurrency, options.batch) <= 0:
        parser.error("--workers, --rate, --concurrency and --batch must be above zero")
    return options


# --- on every machine ------------------------------------------------------------------------


class Worker:
    """A Ray actor: a model with its own connections and its share of the rate limit and budget."""

    def __init__(self, run: Path, options: argparse.Namespace) -> None:
        rate = options.rate / options.workers
        limiter = InMemoryRateLimiter(requests_per_second=rate, check_every_n_seconds=0.5 / rate)
        budget = None if options.budget is None else options.budget / options.workers
        self._model = ChatSegmind(model=options.model, rate_limiter=limiter)
        self._config = RunnableConfig(
            max_concurrency=options.concurrency, callbacks=[track_usage(budget)]
        )
        self._run = run

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Send a batch unless it has a marker, and return its rows."""
        ids: list[str] = batch["id"].to_pylist()
        name = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        answers = self._run / f"{name}.parquet"
        if write_marker(self._run / f"{name}.json", ids):
            prompts = batch["prompt"].to_pylist()
            outputs = self._model.batch(prompts, self._config, return_exceptions=True)
            write(answers, [row(*pair) for pair in zip(ids, outputs, strict=True)])
        return pq.read_table(answers) if answers.exists() else table(lost(ids))


def write_marker(file: Path, ids: list[str]) -> bool:
    """Create the marker file of a batch; return False if it exists already."""
    try:
        with file.open("x") as marker:
            json.dump(ids, marker)
            marker.flush()
            os.fsync(marker.fileno())
    except FileExistsError:
        return False
    return True


def row(prompt_id: str, output: AIMessage | BaseException) -> dict[str, Any]:
    """Return the row for the output of a prompt."""
    if isinstance(output, AIMessage):
        usage: Any = output.usage_metadata or {}
        metadata = output.response_metadata
        return {
            "id": prompt_id,
            "outcome": ANSWERED,
            "answer": output.text,
            "billed": True,
            "cost": metadata.get("cost"),
            "input_tokens": usage.get("input_tokens"),
            "output_tokens": usage.get("output_tokens"),
            "model": metadata.get("model_name"),
            "request_id": metadata.get("request_id"),
        }
    error = output
    if not isinstance(error, SegmindError):
        error = SegmindError(str(error), outcome="unknown")
    return {
        "id": prompt_id,
        "outcome": error.outcome or "unknown",
        "error": type(output).__name__,
        "message": error.message,
        "billed": error.billed,
        "cost": error.cost,
        "model": error.model,
        "request_id": error.request_id,
    }


def lost(ids: list[str]) -> list[dict[str, Any]]:
    """Return rows for prompts whose worker was lost before their answers were saved."""
    message = "The worker was lost during the calls; the model may have run and been billed."
    return [{"id": i, "outcome": "unknown", "error": "WorkerLost", "message": message} for i in ids]


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ROWS)


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows to a file that is either complete or missing."""
    new = file.with_suffix(".new")
    pq.write_table(table(rows), new)
    new.replace(file)


# --- on the driver machine -------------------------------------------------------------------


def read_prompts(file: Path) -> pa.Table:
    """Read all prompts, and check that their ids are unique."""
    prompts = pq.read_table(file, columns=["id", "prompt"])
    prompts = prompts.cast(pa.schema({"id": pa.string(), "prompt": pa.string()}))
    if prompts["id"].null_count or len(prompts["id"].unique()) < len(prompts):
        raise SystemExit(f"{file}: every prompt needs a unique id")
    return prompts


def check_key(options: argparse.Namespace) -> None:
    """Fail now if the API key is wrong, free of charge, and not once per prompt."""
    with ChatSegmind(model=options.model) as model:
        print(f"${model.get_credits().total:.4f} left")


def process(prompts: pa.Table, results: Path, options: argparse.Namespace) -> None:
    """Send the prompts that have no answer yet, and write all rows into one file."""
    results.mkdir(parents=True, exist_ok=True)
    with locked(results):
        known = read(results)
        is_missing = [must_send(known.get(i), options) for i in prompts["id"].to_pylist()]
        missing = prompts.filter(pa.array(is_missing, pa.bool_()))
        print(f"{len(prompts)} prompts, {len(missing)} to send.", flush=True)
        if len(missing):
            send(missing, results, options)
        known = read(results)
        write(results / "results.parquet", list(known.values()))
    report(known)


@contextlib.contextmanager
def locked(results: Path) -> Iterator[None]:
    """Lock the folder, because a second run at the same time would send the same prompts."""
    with (results / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"{results}: another run is using this folder") from None
        yield


def must_send(known: dict[str, Any] | None, options: argparse.Namespace) -> bool:
    """Return whether a prompt is new, or failed in a way that allows another attempt."""
    if known is None or known["outcome"] in NOT_BILLED:
        return True
    return bool(options.retry_unknown) and known["outcome"] != ANSWERED


def send(missing: pa.Table, results: Path, options: argparse.Namespace) -> None:
    """Send prompts from the workers. Ray neither splits nor joins blocks, so a batch is a block."""
    run = results.absolute() / f"run-{len(list(results.glob('run-*'))) + 1:04}"
    run.mkdir()
    batches = [missing.slice(n, options.batch) for n in range(0, len(missing), options.batch)]
    dataset = ray.data.from_arrow(batches).map_batches(
        Worker,
        fn_constructor_kwargs={"run": run, "options": options},
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(options.workers, len(batches))),
        num_cpus=0.2,  # workers mostly wait for the gateway
    )
    for _ in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
        pass  # the workers have saved the rows


def read(results: Path) -> dict[str, dict[str, Any]]:
    """Read the rows of all runs by prompt id; a later run replaces the rows of earlier ones."""
    known = dict[str, dict[str, Any]]()
    for run in sorted(results.glob("run-*")):
        for marker in run.glob("*.json"):
            with contextlib.suppress(json.JSONDecodeError):  # half a marker: nothing was sent
                known |= by_id(table(lost(json.loads(marker.read_text()))))
        for answers in run.glob("*.parquet"):
            known |= by_id(pq.read_table(answers))
    return known


def by_id(rows: pa.Table) -> dict[str, dict[str, Any]]:
    return {result["id"]: result for result in rows.to_pylist()}


def report(known: dict[str, dict[str, Any]]) -> None:
    rows = known.values()
    outcomes = Counter(result["outcome"] for result in rows)
    print("  " + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    for result in rows:
        if result["outcome"] != ANSWERED:
            failure = f"{result['outcome']}, {result['error']}: {result['message'][:60]}…"
            print(f"  {result['id']}: {failure}")
    tokens = sum((result["input_tokens"] or 0) + (result["output_tokens"] or 0) for result in rows)
    print(f"  ${sum(result['cost'] or 0 for result in rows):.6f}, {tokens} tokens", flush=True)


# --- the demo --------------------------------------------------------------------------------


def write_prompts(folder: Path) -> Path:
    prompts = [{"id": f"q-{n:02}", "prompt": f"What is {n} times {n}?"} for n in NUMBERS]
    pq.write_table(pa.Table.from_pylist(prompts), folder / "prompts.parquet")
    return folder / "prompts.parquet"


def demo(
    prompts: pa.Table, results: Path, options: argparse.Namespace, local: LocalGateway | None
) -> None:
    """Send some prompts, of which a few fail on the local gateway, and then those again."""
    if local:
        local.fail(status=400, times=2)
        local.fail(status=504, times=2)
    title("First run")
    process(prompts, results, options)
    title("Second run: send the failed prompts that were not billed")
    process(prompts, results, options)
    title("Third run, with --retry-unknown: also send prompts that may have been billed")
    options.retry_unknown = True
    process(prompts, results, options)
    title("results.parquet")
    for result in pq.read_table(results / "results.parquet").sort_by("id").to_pylist()[-3:]:
        print(f"{result['id']}: {result['answer']} (${result['cost'] or 0:.6f})")


@contextlib.contextmanager
def cluster() -> Iterator[None]:
    """Join the cluster in RAY_ADDRESS or start Ray on this machine, without its log output."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - the path of a Unix socket must be short
    with TemporaryDirectory(prefix="ray-", dir=short, ignore_cleanup_errors=True) as folder:
        own = {} if "RAY_ADDRESS" in os.environ else local_settings(folder)
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
        ray.data.DataContext.get_current().enable_progress_bars = False
        try:
            yield
        finally:
            ray.shutdown()


def local_settings(folder: str) -> dict[str, Any]:
    """Return settings that start Ray for this process only, with all its files in one folder."""
    return {
        "address": "local",
        "include_dashboard": False,
        "object_store_memory": 100 * 2**20,  # prompts and answers are small
        "_node_ip_address": "127.0.0.1",
        "_plasma_directory": folder,  # /dev/shm has 64 MB in many containers
        "_temp_dir": folder,
    }


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if os.isatty(1) else f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    main()
