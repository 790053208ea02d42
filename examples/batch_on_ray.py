"""Many prompts on many machines with Ray Data: none is paid for twice, whatever breaks.

    python examples/batch_on_ray.py prompts.parquet results --workers 8 --rate 20

reads the columns `id` and `prompt`, and writes into the folder `results`, which all machines must
see, a row for each prompt: its answer, or why there is none. Run again, it asks only what is
missing. Without arguments it shows that on two dozen prompts of its own, on the live gateway when
SEGMIND_API_KEY is set, else on a local one that needs no key. CALLS sets how many prompts, and
RAY_ADDRESS names a cluster. It needs the extra `scale`: pip install 'langchain-segmind[scale]'.

Ray repeats what was lost with a worker, and so would pay for it again. Therefore batches are cut
here once and for all, a worker leaves a note on the disk before it asks for one, and a batch that
has a note is never asked for again. Answers are on the disk before Ray gets them.
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
    # Else Ray would make a token for its own cluster, and keep it in the home folder.
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
}  # without a key

ANSWERED: Final = "answered"
FREE: Final = ("not_sent", "rejected")  # the model surely did not run, so asking again is no risk

ROWS: Final = pa.schema(
    {
        "id": pa.string(),
        "outcome": pa.string(),  # "answered", or that of the error
        "answer": pa.string(),
        "error": pa.string(),  # its class
        "message": pa.string(),
        "billed": pa.bool_(),  # null: nobody knows
        "cost": pa.float64(),  # US dollars; null: the gateway did not report it
        "input_tokens": pa.int64(),
        "output_tokens": pa.int64(),
        "model": pa.string(),
        "request_id": pa.string(),  # of a job: `model.get_job(request_id).result()`
    }
)


def main() -> None:
    options = read_options()
    with live_or_local(REPLIES, latency=0.2) as local, TemporaryDirectory() as folder:
        asked = read_prompts(options.prompts or write_prompts(Path(folder)))
        check_key(options)
        with cluster():
            if options.prompts:
                answer(asked, options.results, options)
            else:
                show(asked, Path(folder, "results"), options, local)
        if local:
            print(f"\nThe gateway executed {local.executions} runs.")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("prompts", nargs="?", type=Path, help="a parquet file, or a folder of them")
    parser.add_argument("results", nargs="?", type=Path, help="a folder that all machines see")
    parser.add_argument("--model", default=os.environ.get("SEGMIND_MODEL", "gpt-4o"))
    parser.add_argument(
        "--workers", type=int, default=2, help="processes, on all machines together"
    )
    parser.add_argument(
        "--rate", type=float, default=50.0, help="calls a second that the key allows"
    )
    parser.add_argument("--at-once", type=int, default=8, help="calls under way in each worker")
    parser.add_argument("--batch", type=int, default=8, help="prompts that a crash can lose")
    parser.add_argument("--budget", type=float, help="US dollars, shared among the workers")
    parser.add_argument(
        "--repeat-unknown", action="store_true", help="what may have been billed too"
    )
    options = parser.parse_args()
    if options.prompts and not options.results:
        parser.error("say where the results are to go")
    if min(options.workers, options.rate, options.at_once, options.batch) <= 0:
        parser.error("--workers, --rate, --at-once and --batch must be above zero")
    return options


# --- on every machine ------------------------------------------------------------------------


class Worker:
    """An actor of Ray's: a model with its own connections and its share of the key's rate."""

    def __init__(self, run: Path, options: argparse.Namespace) -> None:
        rate = options.rate / options.workers
        pace = InMemoryRateLimiter(requests_per_second=rate, check_every_n_seconds=0.5 / rate)
        budget = None if options.budget is None else options.budget / options.workers
        self._model = ChatSegmind(model=options.model, rate_limiter=pace)
        self._config = RunnableConfig(
            max_concurrency=options.at_once, callbacks=[track_usage(budget)]
        )
        self._run = run

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Ask for a batch, unless that was begun before; give the rows that are known then."""
        ids: list[str] = batch["id"].to_pylist()
        name = hashlib.sha256("\n".join(ids).encode()).hexdigest()
        answers = self._run / f"{name}.parquet"
        if leave_note(self._run / f"{name}.json", ids):
            prompts = batch["prompt"].to_pylist()
            ends = self._model.batch(prompts, self._config, return_exceptions=True)
            write(answers, [row(*pair) for pair in zip(ids, ends, strict=True)])
        return pq.read_table(answers) if answers.exists() else table(lost(ids))


def leave_note(file: Path, ids: list[str]) -> bool:
    """Note that a batch is going to be asked for; False if it was noted already."""
    try:
        with file.open("x") as note:
            json.dump(ids, note)
            note.flush()
            os.fsync(note.fileno())
    except FileExistsError:
        return False
    return True


def row(identity: str, end: AIMessage | BaseException) -> dict[str, Any]:
    """Give the outcome of a prompt as a row."""
    if isinstance(end, AIMessage):
        usage: Any = end.usage_metadata or {}
        metadata = end.response_metadata
        return {
            "id": identity,
            "outcome": ANSWERED,
            "answer": end.text,
            "billed": True,
            "cost": metadata.get("cost"),
            "input_tokens": usage.get("input_tokens"),
            "output_tokens": usage.get("output_tokens"),
            "model": metadata.get("model_name"),
            "request_id": metadata.get("request_id"),
        }
    known = end if isinstance(end, SegmindError) else SegmindError(str(end), outcome="unknown")
    return {
        "id": identity,
        "outcome": known.outcome or "unknown",
        "error": type(end).__name__,
        "message": known.message,
        "billed": known.billed,
        "cost": known.cost,
        "model": known.model,
        "request_id": known.request_id,
    }


def lost(ids: list[str]) -> list[dict[str, Any]]:
    """Give rows of prompts whose worker was lost before their answers were written."""
    message = "The worker was lost while it asked; the model may have run and been billed."
    return [{"id": i, "outcome": "unknown", "error": "WorkerLost", "message": message} for i in ids]


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ROWS)


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows, so that there is a whole file or none."""
    new = file.with_suffix(".new")
    pq.write_table(table(rows), new)
    new.replace(file)


# --- on the machine that leads -------------------------------------------------------------------


def read_prompts(file: Path) -> pa.Table:
    """Read all prompts, and check that each has an id of its own."""
    asked = pq.read_table(file, columns=["id", "prompt"])
    asked = asked.cast(pa.schema({"id": pa.string(), "prompt": pa.string()}))
    if asked["id"].null_count or len(asked["id"].unique()) < len(asked):
        raise SystemExit(f"{file}: every prompt needs an id of its own")
    return asked


def check_key(options: argparse.Namespace) -> None:
    """Find a wrong key here, free of charge, and not at every prompt."""
    with ChatSegmind(model=options.model) as model:
        print(f"{model.get_credits().total:.4f} USD are left.")


def answer(asked: pa.Table, results: Path, options: argparse.Namespace) -> None:
    """Ask what has no answer in the results yet, and put all rows together."""
    results.mkdir(parents=True, exist_ok=True)
    with alone(results):
        known = read(results)
        is_left = [must_ask(known.get(i), options) for i in asked["id"].to_pylist()]
        left = asked.filter(pa.array(is_left, pa.bool_()))
        print(f"{len(asked)} prompts, {len(left)} of them to be asked.", flush=True)
        if len(left):
            ask(left, results, options)
        known = read(results)
        write(results / "results.parquet", list(known.values()))
    report(known)


@contextlib.contextmanager
def alone(results: Path) -> Iterator[None]:
    """Hold the folder: another process that led a run here would ask for the same prompts."""
    with (results / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"{results}: another run is at work here") from None
        yield


def must_ask(seen: dict[str, Any] | None, options: argparse.Namespace) -> bool:
    """Whether a prompt is new, or failed in a way that allows another attempt."""
    if seen is None or seen["outcome"] in FREE:
        return True
    return bool(options.repeat_unknown) and seen["outcome"] != ANSWERED


def ask(left: pa.Table, results: Path, options: argparse.Namespace) -> None:
    """Have the workers ask, each batch a block of its own, which Ray neither splits nor joins."""
    run = results.absolute() / f"run-{len(list(results.glob('run-*'))) + 1:04}"
    run.mkdir()
    batches = [left.slice(at, options.batch) for at in range(0, len(left), options.batch)]
    dataset = ray.data.from_arrow(batches).map_batches(
        Worker,
        fn_constructor_kwargs={"run": run, "options": options},
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(options.workers, len(batches))),
        num_cpus=0.2,  # a worker waits for the gateway most of the time
    )
    for _ in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
        pass  # all is on the disk


def read(results: Path) -> dict[str, dict[str, Any]]:
    """Read what became of each prompt, by its id; a later run's outcome replaces an earlier one."""
    known = dict[str, dict[str, Any]]()
    for run in sorted(results.glob("run-*")):
        for note in run.glob("*.json"):
            with contextlib.suppress(json.JSONDecodeError):  # lost in the note: nothing was sent
                known |= by_id(table(lost(json.loads(note.read_text()))))
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
    print(f"  {sum(result['cost'] or 0 for result in rows):.6f} USD, {tokens} tokens", flush=True)


# --- the show --------------------------------------------------------------------------------


def write_prompts(folder: Path) -> Path:
    asked = [{"id": f"q-{n:02}", "prompt": f"What is {n} times {n}?"} for n in NUMBERS]
    pq.write_table(pa.Table.from_pylist(asked), folder / "prompts.parquet")
    return folder / "prompts.parquet"


def show(
    asked: pa.Table, results: Path, options: argparse.Namespace, local: LocalGateway | None
) -> None:
    """Answer some prompts, with a few failures on the local gateway, and ask for the rest again."""
    if local:
        local.fail(status=400, times=2)
        local.fail(status=504, times=2)
    title("The first run")
    answer(asked, results, options)
    title("The second run asks for what surely cost nothing")
    answer(asked, results, options)
    title("The third run asks for the rest, too")
    options.repeat_unknown = True
    answer(asked, results, options)
    title("results.parquet")
    for result in pq.read_table(results / "results.parquet").sort_by("id").to_pylist()[-3:]:
        print(f"{result['id']}: {result['answer']} ({result['cost']} USD)")


@contextlib.contextmanager
def cluster() -> Iterator[None]:
    """Join the cluster that RAY_ADDRESS names, or start Ray on this machine, and have it quiet."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - a socket's path has a limit
    with TemporaryDirectory(prefix="ray-", dir=short, ignore_cleanup_errors=True) as folder:
        own = {} if "RAY_ADDRESS" in os.environ else alone_here(folder)
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
        ray.data.DataContext.get_current().enable_progress_bars = False
        try:
            yield
        finally:
            ray.shutdown()


def alone_here(folder: str) -> dict[str, Any]:
    """How Ray is started for this process only, with all that it writes in a folder."""
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
