"""State the types of the public API for mypy and pyright; nothing here is run.

`assert_type` fails when the type of a result changes. Both checkers report a `type: ignore` that is
not needed any more, so each of those marks a line that they must reject.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable
from langchain_core.runnables.fallbacks import RunnableWithFallbacks
from pydantic import BaseModel
from typing_extensions import assert_type

from langchain_segmind import (
    ChatSegmind,
    CreditBalance,
    ModelInfo,
    Progress,
    SegmindBatchError,
    SegmindEmbeddings,
    SegmindError,
    SegmindJob,
    UsageTotals,
    UsageTracker,
    content_block_from_file,
    progress_bar,
    track_usage,
)
from langchain_segmind.models import KnownModel
from langchain_segmind.testing import (
    Call,
    EchoModel,
    FunctionModel,
    Job,
    LocalGateway,
    LoggedRequest,
    ModelRequest,
    OpenAICompatibleModel,
    Reply,
    Responder,
    ScriptedModel,
    live_or_local,
)

Chat = Runnable[LanguageModelInput, AIMessage]


class Person(BaseModel):
    name: str


def weather(city: str) -> str:
    return city


def chat_model_is_built_from_named_fields() -> None:
    assert_type(ChatSegmind(model="gpt-4o", temperature=0, max_tokens=300), ChatSegmind)
    assert_type(ChatSegmind(model="gpt-4o", family="openai", stop=["."], timeout=None), ChatSegmind)


def chat_model_is_a_runnable_of_messages(model: ChatSegmind) -> None:
    assert_type(model.invoke("Hello"), AIMessage)
    assert_type(model.invoke([("human", "Hello")], stop=["."]), AIMessage)
    assert_type(model.batch(["Hello", "Bye"]), list[AIMessage])
    assert_type(model.stream("Hello"), Iterator[AIMessageChunk])
    assert_type(model.astream("Hello"), AsyncIterator[AIMessageChunk])

    model.invoke(1)  # type: ignore[arg-type]
    model.invoke("Hello", {"callback": []})  # type: ignore[arg-type]


async def chat_model_has_async_twins(model: ChatSegmind) -> None:
    assert_type(await model.ainvoke("Hello"), AIMessage)
    assert_type(await model.abatch(["Hello"]), list[AIMessage])
    assert_type(await model.asubmit("Hello"), SegmindJob)
    assert_type(await model.alist_models(), list[ModelInfo])
    assert_type(await ChatSegmind.alist_models(), list[ModelInfo])
    assert_type(await model.aget_credits(), CreditBalance)
    async with model as entered:
        assert_type(entered, ChatSegmind)


def chat_model_reads_the_account(model: ChatSegmind) -> None:
    assert_type(model.list_models(), list[ModelInfo])
    assert_type(ChatSegmind.list_models(), list[ModelInfo])
    assert_type(model.get_credits(), CreditBalance)
    assert_type(model.get_credits().total, float)
    with model as entered:
        assert_type(entered, ChatSegmind)


def model_is_a_known_slug_or_any_other(slug: str, known: KnownModel) -> None:
    slugs: list[str] = [known, slug]

    ChatSegmind(model="gpt-4o", temperature=0)
    ChatSegmind(model="a-new-model")
    ChatSegmind(model=slug)
    assert_type(ChatSegmind(model=known).invoke("Hello"), AIMessage)
    assert_type(slugs, list[str])

    unknown: KnownModel = "gpt4o"  # type: ignore[assignment]
    assert_type(ChatSegmind(model=unknown), ChatSegmind)


def chat_model_answers_with_messages_however_it_is_wrapped(model: ChatSegmind) -> None:
    assert_type(model.bind_tools([weather, Person, {"name": "f"}], tool_choice="any"), Chat)
    assert_type(model.bind_tools([], response_format=Person), Chat)
    assert_type(model.with_retry(stop_after_attempt=2), Chat)
    assert_type(model.with_config(tags=["a"]), Chat)
    assert_type(model.with_fallbacks([model]), RunnableWithFallbacks[LanguageModelInput, AIMessage])
    assert_type(model.bind_tools([weather]).invoke("Hello"), AIMessage)

    model.bind_tools("weather")  # type: ignore[arg-type]
    model.bind_tools([weather], tool_choice=1.5)  # type: ignore[arg-type]
    model.bind_tools([weather], strict="yes")  # type: ignore[arg-type]


def structured_output_is_an_object_or_a_dict(model: ChatSegmind) -> None:
    chain = model.with_structured_output(Person, method="function_calling", include_raw=True)

    assert_type(chain, Runnable[LanguageModelInput, dict[str, Any] | BaseModel])
    assert_type(chain.invoke("Ada"), dict[str, Any] | BaseModel)

    model.with_structured_output(Person, method="xml")  # type: ignore[arg-type]
    model.with_structured_output(Person, "json_mode")  # type: ignore[call-arg]


async def binding_has_the_methods_of_jobs(model: ChatSegmind) -> None:
    bound = model.bind(stop=["."])
    is_a_runnable: Chat = bound

    assert_type(is_a_runnable.invoke("Hello"), AIMessage)
    assert_type(bound.invoke("Hello"), AIMessage)
    assert_type(bound.submit("Hello"), SegmindJob)
    assert_type(await bound.asubmit("Hello"), SegmindJob)
    assert_type(bound.get_job("id"), SegmindJob)

    bound.get_job()  # type: ignore[call-arg]


async def job_has_a_status_and_a_message(model: ChatSegmind) -> None:
    job = model.submit("Hello", {"callbacks": []}, stop=["."])

    assert_type(job, SegmindJob)
    assert_type(model.get_job(job.id, tools=[weather]), SegmindJob)
    assert_type(job.id, str)
    assert_type(job.status(), str)
    assert_type(await job.astatus(), str)
    assert_type(job.result(), AIMessage)
    assert_type(await job.aresult({"tags": ["a"]}), AIMessage)

    model.submit("Hello", stop=".")  # type: ignore[arg-type]
    model.get_job(request_id="id")  # type: ignore[call-arg]
    model.get_job(7)  # type: ignore[arg-type]
    job.result(timeout=3)  # type: ignore[call-arg]


def usage_is_tracked_in_numbers() -> None:
    assert_type(track_usage(), UsageTracker)
    with track_usage(budget=Decimal("0.5"), warn_below=5) as usage:
        assert_type(usage, UsageTracker)
    assert_type(usage.total, UsageTotals)
    assert_type(usage.by_model, dict[str, UsageTotals])
    assert_type((usage.calls, usage.unpriced_calls, usage.total_tokens), tuple[int, int, int])
    assert_type((usage.cost, usage.credit_balance), tuple[float, float | None])

    track_usage("0.50")  # type: ignore[arg-type]
    track_usage(0.50, 5)  # type: ignore[call-arg]
    usage.cost = 0  # type: ignore[misc]
    usage.total.cost = 0  # type: ignore[misc]


def progress_bar_is_a_tracker() -> None:
    with progress_bar(10, label="Questions") as bar:
        assert_type(bar, Progress)
    is_a_tracker: UsageTracker = bar

    assert_type(is_a_tracker.cost, float)
    assert_type((bar.done, bar.failed, bar.cancelled), tuple[int, int, int])
    assert_type((bar.queued, bar.running), tuple[int, int])

    progress_bar("10")  # type: ignore[arg-type]


async def embeddings_are_lists_of_numbers() -> None:
    embeddings = SegmindEmbeddings(model="gemini-embedding-001", dimensions=768)

    assert_type(embeddings, SegmindEmbeddings)
    assert_type(embeddings.embed_query("Hello"), list[float])
    assert_type(embeddings.embed_documents(["Hello"]), list[list[float]])
    assert_type(await embeddings.aembed_query("Hello"), list[float])
    assert_type(await embeddings.aembed_documents(["Hello"]), list[list[float]])

    embeddings.embed_documents("Hello")  # type: ignore[arg-type]
    embeddings.embed_query(["Hello"])  # type: ignore[arg-type]


def errors_carry_facts(error: SegmindError, batch: SegmindBatchError) -> None:
    is_an_error: SegmindError = batch

    assert_type((is_an_error.outcome, error.billed), tuple[str | None, bool | None])
    assert_type((error.status_code, error.request_id), tuple[int | None, str | None])
    assert_type((error.attempts, error.retry_after), tuple[int, float | None])
    assert_type((batch.index, batch.error), tuple[int, SegmindError | None])
    assert_type(batch.vectors, dict[int, list[float]])

    error.billed = True  # type: ignore[misc]


def file_becomes_a_block_of_content() -> None:
    assert_type(content_block_from_file("photo.jpg"), dict[str, Any])

    content_block_from_file(7)  # type: ignore[arg-type]


async def local_gateway_logs_what_arrives() -> None:
    with LocalGateway(responder=EchoModel(), models={"my-model": "openai"}) as gateway:
        assert_type(gateway, LocalGateway)
    async with gateway as entered:
        assert_type(entered, LocalGateway)
    with live_or_local(["Hello."]) as local:
        assert_type(local, LocalGateway | None)
    assert_type((gateway.base_url, gateway.api_key), tuple[str, str])
    assert_type((gateway.credits, gateway.executions), tuple[float, int])
    assert_type(gateway.requests, list[LoggedRequest])
    assert_type(gateway.jobs, list[Job])
    gateway.reply("Hello.", Call("weather", {"city": "Paris"}), Reply(text="Hello."))

    LocalGateway(responder="Hello.")  # type: ignore[arg-type]
    gateway.reply({"text": "Hello."})  # type: ignore[arg-type]
    gateway.fail(drop="sometimes")  # type: ignore[arg-type]


def responders_reply_to_requests(request: ModelRequest) -> None:
    def text(request: ModelRequest) -> str:
        return "Hello."

    def number(request: ModelRequest) -> int:
        return 1

    responders: list[Responder] = [
        EchoModel(),
        ScriptedModel(["Hello.", Reply(text="Bye.")]),
        ScriptedModel({"capital of France": "Paris.", "weather": [Call("weather"), "Sunny."]}),
        FunctionModel(text),
        OpenAICompatibleModel("http://localhost:11434/v1", "llama3.2"),
    ]
    assert_type([each.respond(request) for each in responders], list[Reply])
    assert_type(EchoModel().respond(request), Reply)
    assert_type(ScriptedModel(["Hello."]).respond(request), Reply)
    assert_type(ScriptedModel(["Hello."]).requests, list[ModelRequest])
    assert_type(FunctionModel(text).respond(request), Reply)

    FunctionModel(number)  # type: ignore[arg-type]
    ScriptedModel([1])  # type: ignore[list-item]
