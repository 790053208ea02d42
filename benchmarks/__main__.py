"""`make bench`: measure, print the targets and results, and write results.json and overhead.svg.

With `--quick`, only check that everything runs: few rounds, no other packages, targets or files.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import trustme
from langchain_core.runnables import RunnableConfig

from benchmarks import chart, measures, questions, subjects, targets
from benchmarks.measures import (
    DELAY,
    FLOOR,
    OURS,
    QUICK,
    STEADY_MEMORY,
    THREADS,
    Samples,
    Sizes,
    child,
    ratio,
)
from benchmarks.server import Server, open_files, pin

HERE: Final = Path(__file__).parent


def main() -> None:
    """Run all benchmarks."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    _prepare()
    with tempfile.TemporaryDirectory() as folder:
        authority = _certify(Path(folder))
        with Server(str(Path(folder, "server.pem"))) as server:
            bench = Bench(server, QUICK if quick else Sizes(), authority, peers=not quick)
            bench.run()
    _print_groups(bench.groups)
    if quick:
        print(f"{len(bench.figures)} figures; a quick run does not check targets.")
        return
    rows = _check_targets(bench.figures)
    _print_targets(rows)
    _write(bench, rows)


def _prepare() -> None:
    """Make measurements comparable."""
    subjects.clean_environment()
    pin(0)
    open_files()


def _certify(folder: Path) -> str:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return str(folder / "authority.pem")


class Bench:
    """The figures of one run, so far."""

    def __init__(self, server: Server, sizes: Sizes, authority: str, *, peers: bool) -> None:
        self._server = server
        self._sizes = sizes
        self._authority = authority
        self._peers = peers
        self.figures: dict[str, list[float]] = {}
        self.groups: dict[str, Samples] = {}

    def run(self) -> None:
        """Measure everything, beginning with what disturbs later measurements least."""
        steps = [self.start_up, self.one_call, self.large_inputs, self.growth, self.tools_and_queue]
        steps += [self.leaks, self.tls, self.batch, self.abatch, self.large_abatch]
        for step in [*steps, self.instructions]:
            print(f"{step.__name__.replace('_', ' ')} ...", file=sys.stderr, flush=True)
            step()

    def start_up(self) -> None:
        """Measure the import and the construction of models."""
        found = [child("construct") for _ in range(min(5, self._sizes.rounds))]
        self.figures["construct/first"] = [f["first_ms"] for f in found]
        self.figures["construct/later"] = [f["later_ms"] for f in found]
        self.figures["construct/opened"] = [f["opened"] for f in found]
        self.figures["import/modules"] = [len(child("modules")["loaded"])]

    def one_call(self) -> None:
        """Measure calls with a short prompt."""
        sizes, url, peers = self._sizes, self._server.url(), self._peers
        calls = measures.sync_calls(url, questions.short(), peers=peers)
        sync = measures.cpu(calls, sizes.rounds, sizes.calls)
        asynchronous = asyncio.run(measures.ainvoke(url, sizes, peers=peers))
        self.groups["invoke: CPU, µs"] = sync
        self.groups["ainvoke: CPU, µs"] = asynchronous
        for name, samples in (("invoke", sync), ("ainvoke", asynchronous)):
            self.figures[f"{name}/floor"] = ratio(samples, OURS, FLOOR)
            for peer in ("ChatMistralAI", "ChatOpenAI"):
                self.figures[f"{name}/{peer}"] = ratio(samples, OURS, peer)

    def large_inputs(self) -> None:
        """Measure long histories, a large image, many tools."""
        sizes, url, peers = self._sizes, self._server.url(), self._peers
        rounds, times = max(2, sizes.rounds // 2), max(1, sizes.calls // 8)
        for name, question in (("history", questions.history(200)), ("image", _image())):
            calls = measures.sync_calls(url, question, peers=peers)
            samples = measures.cpu(calls, rounds, times if name == "history" else 1)
            self.groups[f"invoke, {name}: CPU, µs"] = samples
            self.figures[f"{name}/requests"] = ratio(samples, OURS, "requests")
            self.figures[f"{name}/ChatOpenAI"] = ratio(samples, OURS, "ChatOpenAI")
        peaks = [child("image", url, _IMAGE)["times"] for _ in range(min(3, sizes.rounds))]
        self.figures["image/peak"] = [peak for peak in peaks if peak > 0]
        samples = measures.rendering(sizes)
        self.figures["rendering/json"] = ratio(samples, OURS, "json.dumps")

    def growth(self) -> None:
        """Measure what twice the input costs; the worst of each kind counts."""
        sizes = self._sizes
        arguments = (self._server.url(), min(3, sizes.rounds - 1), sizes.part)
        found = child("growth", *arguments, environment=STEADY_MEMORY)
        for kind, ratios in found["ratios"].items():
            self.groups[f"{kind}: CPU with twice the input / CPU"] = _as_samples(ratios)
            self.figures[f"growth/{kind}"] = [max(ratios.values())]
        self.groups["reading 1 MB as a reply: CPU, s"] = _as_samples(found["large"])
        self.figures["growth/large"] = [max(found["large"].values())]

    def tools_and_queue(self) -> None:
        """Measure tools and the job queue, without a target."""
        url = self._server.url()
        group = measures.with_tools(url, self._sizes, peers=self._peers)
        self.groups["invoke, 20 tools: CPU, µs"] = group
        self.groups["invoke through the queue: CPU, µs"] = measures.queue(url, self._sizes)

    def leaks(self) -> None:
        """Measure what calls and event loops leave behind."""
        url, sizes = self._server.url(), self._sizes
        found = child("lasting", url, sizes.lasting, environment=STEADY_MEMORY)
        self.figures["lasting/bytes"] = [found["bytes"]]
        self.figures["lasting/objects"] = [found["objects"]]
        found = child("loops", url, sizes.loops, flags=("-W", "default"))
        for figure in ("descriptors", "stderr", "failed"):
            self.figures[f"loops/{figure}"] = [found[figure]]

    def tls(self) -> None:
        """Count the connections, which should be reused."""
        question, url = questions.short(), self._server.tls_url()

        async def several() -> None:
            async with subjects.segmind(url, verify=self._authority) as model:
                for _ in range(20):
                    await model.ainvoke(question.messages)

        with (
            subjects.segmind(url, verify=self._authority) as model,
            self._connections("tls/invoke"),
        ):
            for _ in range(20):
                model.invoke(question.messages)
        with self._connections("tls/ainvoke"):
            asyncio.run(several())

    def batch(self) -> None:
        """Measure many calls on threads."""
        url = self._server.url(DELAY)
        samples = measures.batch(url, self._sizes, peers=self._peers)
        self.groups[f"batch of {self._sizes.many} on {THREADS} threads, 50 ms: wall, s"] = samples
        ideal = self._sizes.many / 1000 * 0.8
        self.figures["batch/wall"] = [wall / ideal for wall in samples[OURS]]
        inputs = questions.short().times(self._sizes.many)
        with subjects.segmind(url) as model, self._connections("batch/connections"):
            for _ in range(3):
                model.batch(inputs, RunnableConfig(max_concurrency=THREADS))

    def abatch(self) -> None:
        """Measure many calls on one event loop."""
        url, many = self._server.url(DELAY), self._sizes.many
        samples = asyncio.run(measures.abatch(url, self._sizes, peers=self._peers))
        self.groups[f"abatch of {many}, 50 ms: wall, s"] = samples
        floors = zip(samples["LangChain with sleep"], samples["aiohttp"], strict=True)
        ideals = [sleeping + raw - DELAY / 1000 for sleeping, raw in floors]
        pairs = zip(samples[OURS], ideals, strict=True)
        self.figures["abatch/wall"] = [ours / ideal for ours, ideal in pairs]
        self.figures["abatch/errors"] = [child("many", "ours", url, many)["failed"]]
        few = child("many", "ours", url, many, 256)
        self.figures["abatch/errors of few files"] = [few["failed"]]

    def large_abatch(self) -> None:
        """Measure very many calls on one event loop, each subject in a separate process."""
        url, most = self._server.url(DELAY), self._sizes.most
        rounds = [
            {name: child("many", name, url, most) for name in ("memory", "plain", "ours")}
            for _ in range(min(3, self._sizes.rounds))
        ]
        self.figures["most/wall"] = [r["ours"]["seconds"] / r["plain"]["seconds"] for r in rounds]
        self.figures["most/peak"] = [
            r["ours"]["peak"] / r["memory"]["peak"] for r in rounds if r["memory"]["peak"]
        ]

    def instructions(self) -> None:
        """Count CPU instructions, if valgrind is installed."""
        if self._sizes is QUICK:
            return
        pin(None)
        counts = measures.instructions_of_calls(self._server, ("invoke", "ainvoke"))
        for job, found in counts.items():
            self.figures[f"{job}/instructions"] = found
        self.figures["import/instructions"] = measures.instructions_of_import()

    @contextmanager
    def _connections(self, figure: str) -> Iterator[None]:
        before = self._server.opened()
        yield
        self.figures[figure] = [self._server.opened() - before]


_IMAGE: Final = 5_000_000


def _as_samples(values: dict[str, float]) -> Samples:
    return {name: [value] for name, value in values.items()}


def _image() -> questions.Question:
    return questions.image(_IMAGE)


# --- what is reported ------------------------------------------------------------------------


def _check_targets(figures: dict[str, list[float]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for target in targets.TARGETS:
        samples = figures.get(target.figure, [])
        row: dict[str, Any] = {
            "what": target.what,
            "must": target.must,
            "stretch": target.stretch,
            "measured": None,
            "must_result": "not measured",
            "stretch_result": "",
        }
        if samples:
            value = median(samples)
            row |= {
                "measured": round(value, 3),
                "quartiles": [round(q, 3) for q in _quartiles(samples)],
                "must_result": targets.judge(value, target.must),
                "stretch_result": targets.judge(value, target.stretch),
            }
        rows.append(row)
    return rows


def _quartiles(samples: list[float]) -> tuple[float, float]:
    if len(samples) < 2:
        return samples[0], samples[0]
    low, _, high = quantiles(samples, n=4, method="inclusive")
    return low, high


def _print_groups(groups: dict[str, Samples]) -> None:
    for title, samples in groups.items():
        print(f"\n{title}")
        for name, values in sorted(samples.items(), key=lambda item: median(item[1])):
            low, high = _quartiles(values)
            spread = f"{_short(low)} to {_short(high)}"
            print(f"  {name:32}{_short(median(values)):>12}   ({spread})")
    missing = [peer.name for peer in subjects.PEERS if not peer.is_installed]
    print(f"\nNot installed: {', '.join(missing)}." if missing else "")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _print_targets(rows: list[dict[str, Any]]) -> None:
    print(f"{'target':70}{'must':>8}{'stretch':>9}{'measured':>10}   result, stretch")
    for row in rows:
        stretch = "" if row["stretch"] is None else f"{row['stretch']:g}"
        measured = "" if row["measured"] is None else f"{row['measured']:.2f}"
        print(
            f"{row['what']:70}{row['must']:>8g}{stretch:>9}{measured:>10}   "
            f"{row['must_result']:8}{row['stretch_result']}"
        )


def _write(bench: Bench, rows: list[dict[str, Any]]) -> None:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    results = {
        "date": datetime.now(tz=timezone.utc).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "python": python},
        "versions": subjects.versions(),
        "targets": rows,
        "medians": {
            title: {name: round(median(values), 4) for name, values in samples.items()}
            for title, samples in bench.groups.items()
        },
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (HERE / "overhead.svg").write_text(chart.draw(results))


if __name__ == "__main__":
    main()
