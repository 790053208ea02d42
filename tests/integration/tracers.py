"""Trace calls with one of the packages that use OpenTelemetry, and print what it shows, as JSON.

Each can be set up once in a process, so tests run this program with a package and slugs.
"""

import asyncio
import json
import sys
from collections.abc import Callable

from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_segmind import ChatSegmind


def openllmetry(exporter: InMemorySpanExporter) -> None:
    from opentelemetry.instrumentation.langchain import LangchainInstrumentor  # noqa: PLC0415

    LangchainInstrumentor().instrument(tracer_provider=_provider(exporter))


def openinference(exporter: InMemorySpanExporter) -> None:
    from openinference.instrumentation.langchain import LangChainInstrumentor  # noqa: PLC0415

    LangChainInstrumentor().instrument(tracer_provider=_provider(exporter))


def langfuse(exporter: InMemorySpanExporter) -> BaseCallbackHandler:
    from langfuse import Langfuse  # noqa: PLC0415
    from langfuse.langchain import CallbackHandler  # noqa: PLC0415

    nowhere = "http://127.0.0.1:9"  # the exporter gets all that would be sent
    client = Langfuse(
        public_key="pk", secret_key="sk", base_url=nowhere, span_exporter=exporter, flush_at=1
    )
    handler: BaseCallbackHandler = CallbackHandler()
    FLUSH.append(client.flush)
    return handler


SETUPS = {"openllmetry": openllmetry, "openinference": openinference, "langfuse": langfuse}
FLUSH: list[Callable[[], None]] = []


def _provider(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


async def _astream(model, config):
    return [chunk async for chunk in model.astream("Hello", config)]


WAYS = {
    "invoke": lambda model, config: model.invoke("Hello", config),
    "batch": lambda model, config: model.batch(["Hello"], config),
    "stream": lambda model, config: list(model.stream("Hello", config)),
    "ainvoke": lambda model, config: asyncio.run(model.ainvoke("Hello", config)),
    "abatch": lambda model, config: asyncio.run(model.abatch(["Hello"], config)),
    "astream": lambda model, config: asyncio.run(_astream(model, config)),
}


def main(package, *slugs):
    exporter = InMemorySpanExporter()
    handler = SETUPS[package](exporter)
    shown = []
    for slug in slugs:
        for way, ask in WAYS.items():
            with ChatSegmind(model=slug, temperature=0.5) as model:
                ask(model, {"callbacks": [handler] if handler else []})
            for flush in FLUSH:
                flush()
            (span,) = exporter.get_finished_spans()
            exporter.clear()
            shown.append({"slug": slug, "way": way, "span": dict(span.attributes or {})})
    sys.stdout.write(json.dumps(shown))


if __name__ == "__main__":
    main(*sys.argv[1:])
