"""The flows of direct calls, driven with a list of outcomes: no socket, no waiting."""

import json
from typing import Any

import pytest

from langchain_segmind import (
    SegmindAuthenticationError,
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindInsufficientCreditsError,
    SegmindInvalidRequestError,
    SegmindModelNotFoundError,
    SegmindPermissionDeniedError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
    SegmindTimeoutError,
)
from langchain_segmind._flows.account import balance
from langchain_segmind._flows.chat import Endpoint, ModelCall, chat
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Destination, Failure, Reply, Response
from langchain_segmind._messages.types import (
    ChatRequest,
    Message,
    TextPart,
    Tool,
    ToolCall,
    ToolResult,
)
from langchain_segmind.models import ModelInfo

HELLO = ChatRequest((Message("user", (TextPart("Hello"),)),))
ANSWER = Response(200, body=b'{"choices": [{"message": {"content": "Hi."}}]}')
BUSY = Response(503, body=b'{"error": "busy"}')
REFUSED = Failure("not_sent", "connection", "Connection refused")


def play(*results, request=HELLO, retry_policy=None, headers=None, model_info=None, takes=0.0):
    """Drive a chat with these results; return what it returned, and its steps."""
    endpoint = Endpoint(
        Destination("https://gw.example/v1"),
        model_info or ModelInfo("gpt-4o", "openai"),
        retry_policy or RetryPolicy(),
        headers or {},
    )
    flow, steps, left, elapsed = chat(ModelCall(request, endpoint)), [], list(results), 0.0
    step = next(flow)
    while True:
        steps.append(step)
        elapsed += step.after + takes
        try:
            step = flow.send(Reply(left.pop(0), elapsed))
        except StopIteration as end:
            return end.value, steps


def fails(cls, *replies, **kwargs):
    with pytest.raises(cls) as caught:
        play(*replies, **kwargs)
    return caught.value


def first_body(flow):
    return json.loads(next(flow).request.body)


def test_posts_the_body_to_the_model():
    completion, steps = play(ANSWER, headers={"x-trace": "1"})

    request = steps[0].request
    assert completion.response.choices[0].text == "Hi."
    assert (request.method, request.url) == ("POST", "https://gw.example/v1/gpt-4o")
    assert json.loads(request.body) == {"messages": [{"role": "user", "content": "Hello"}]}
    assert request.headers == {"x-trace": "1"}


def test_asks_again_with_the_same_bytes_after_a_wait():
    completion, steps = play(BUSY, REFUSED, ANSWER)

    assert completion.response.choices[0].text == "Hi."
    assert [step.after for step in steps] == [0.0, 0.25, 0.5]
    assert len({id(step.request) for step in steps}) == 1


def test_gives_up_when_the_retries_are_used_up():
    error = fails(SegmindServerError, BUSY, BUSY, BUSY)

    assert (error.attempts, error.outcome, error.billed) == (3, "rejected", False)
    assert error.is_retryable


def test_no_retries_means_one_attempt():
    error = fails(SegmindServerError, BUSY, retry_policy=RetryPolicy(max_retries=0))

    assert error.attempts == 1


@pytest.mark.parametrize(
    ("reply", "cls", "outcome"),
    [
        (Failure("unknown", "connection", "reset"), SegmindConnectionError, "unknown"),
        (Failure("unknown", "timeout"), SegmindTimeoutError, "unknown"),
        (Failure("not_sent", "tls", "self-signed"), SegmindConnectionError, "not_sent"),
        (Response(200, fault="cut"), SegmindResponseError, "executed"),
        (Response(200, fault="timeout"), SegmindTimeoutError, "executed"),
        (Response(200, fault="too_large"), SegmindResponseError, "executed"),
        (Response(200, body=b""), SegmindResponseError, "executed"),
        (Response(200, body=b"<html>"), SegmindResponseError, "executed"),
        (Response(200, body=b'{"error": "oops"}'), SegmindResponseError, "executed"),
        (Response(502, body=b'{"error": "bad gateway"}'), SegmindServerError, "unknown"),
        (Response(504, body=b"<html>"), SegmindServerError, "unknown"),
        (Response(500, body=b"<html>"), SegmindServerError, "unknown"),
        (Response(400, body=b'{"error": "bad"}'), SegmindInvalidRequestError, "rejected"),
        (Response(401), SegmindAuthenticationError, "rejected"),
        (Response(402), SegmindInsufficientCreditsError, "rejected"),
        (Response(403), SegmindPermissionDeniedError, "rejected"),
        (Response(404), SegmindModelNotFoundError, "rejected"),
        (Response(405, body=b"<html>No</html>"), SegmindInvalidRequestError, "rejected"),
        (Response(410), SegmindModelNotFoundError, "rejected"),
        (Response(422), SegmindInvalidRequestError, "rejected"),
        (Response(307), SegmindInvalidRequestError, "rejected"),
    ],
)
def test_final_ends_take_one_request(reply, cls, outcome):
    error = fails(cls, reply)

    assert type(error) is cls
    assert (error.outcome, error.attempts, error.model) == (outcome, 1, "gpt-4o")
    assert not error.is_retryable


@pytest.mark.parametrize(
    ("text", "cls"),
    [
        ("Insufficient credits", SegmindInsufficientCreditsError),
        ("Team spend limit reached", SegmindInsufficientCreditsError),
        ("Your balance is too low", SegmindInsufficientCreditsError),
        ("Invalid content type", SegmindInvalidRequestError),
        ("temperature must be between 0 and 2", SegmindInvalidRequestError),
    ],
)
def test_tells_the_meanings_of_406_apart_by_their_words(text, cls):
    error = fails(cls, Response(406, body=json.dumps({"error": text}).encode()))

    assert type(error) is cls
    assert text in str(error)


@pytest.mark.parametrize("status", [400, 413, 422, 500])
@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 8192 tokens.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "too many tokens in the request",
    ],
)
def test_a_prompt_that_is_too_long_is_never_asked_again(status, text):
    error = fails(
        SegmindContextOverflowError,
        Response(status, body=json.dumps({"error": {"message": text}}).encode()),
    )

    assert error.attempts == 1


def test_a_rate_limit_beyond_the_limit_ends_at_once_and_says_how_long():
    error = fails(SegmindRateLimitError, Response(429, {"retry-after": "90"}))

    assert (error.retry_after, error.attempts) == (90.0, 1)
    assert "90" in str(error)


def test_opting_in_repeats_a_lost_answer():
    lost = Failure("unknown", "connection", "reset")

    completion, steps = play(lost, ANSWER, retry_policy=RetryPolicy(retry_ambiguous=True))

    assert completion.response.choices[0].text == "Hi."
    assert len(steps) == 2


def test_the_total_timeout_shortens_the_last_attempts():
    _, steps = play(BUSY, ANSWER, retry_policy=RetryPolicy(total_timeout=100.0), takes=70.0)

    assert steps[0].timeout == 100.0
    assert steps[1].timeout == pytest.approx(29.75)
    assert steps[1].pool_timeout == pytest.approx(29.75)


def test_reads_what_the_headers_say():
    headers = {
        "x-request-id": "r1",
        "x-cost": "$0.0012",
        "x-remaining-credits": "1,234.5",
        "x-generation-time": "0.8s",
    }

    completion, _ = play(Response(200, headers, ANSWER.body))

    assert completion.receipt.request_id == "r1"
    assert (
        completion.receipt.cost,
        completion.receipt.remaining_credits,
        completion.receipt.generation_time,
    ) == (
        0.0012,
        1234.5,
        0.8,
    )


@pytest.mark.parametrize("odd", ["", "free", "NaN", "inf", "1e999", "--", "0x1"])
def test_odd_amounts_are_left_out(odd):
    completion, _ = play(Response(200, {"x-cost": odd, "x-remaining-credits": odd}, ANSWER.body))

    assert completion.receipt.cost is None
    assert completion.receipt.remaining_credits is None


@pytest.mark.parametrize(
    ("stop", "text", "reason"),
    [
        (["3"], "1, 2, ", "stop"),
        (["5", "2"], "1, ", "stop"),
        (["9"], "1, 2, 3, 4, 5", "length"),
    ],
)
def test_the_answer_ends_before_the_first_stop_sequence(stop, text, reason):
    body = b'{"choices": [{"message": {"content": "1, 2, 3, 4, 5"}, "finish_reason": "length"}]}'

    completion, steps = play(
        Response(200, body=body), request=ChatRequest(HELLO.messages, settings={"stop": stop})
    )

    assert json.loads(steps[0].request.body)["stop"] == stop
    assert completion.response.choices[0].text == text
    assert completion.response.choices[0].finish_reason == reason


def test_an_unusable_answer_shows_how_it_begins():
    error = fails(SegmindResponseError, Response(200, body=b"Internal\nproxy   error\x00!"))

    assert "Internal proxy error !" in str(error)
    assert error.body.startswith("Internal\nproxy")


# --- tools and formats -----------------------------------------------------------------------

ADD = Tool("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
NO_FORMAT = Response(400, body=b'{"error": "response_format is not supported by this model"}')


def said(text, **choice):
    return Response(
        200, body=json.dumps({"choices": [{"message": {"content": text}, **choice}]}).encode()
    )


@pytest.mark.parametrize(
    "asked",
    [ChatRequest(HELLO.messages, tools=(ADD,)), ChatRequest(HELLO.messages, response_format=FORM)],
    ids=["tools", "structured output"],
)
@pytest.mark.parametrize("status", [400, 406])
def test_a_model_that_refuses_response_format_is_asked_again_in_words_alone(asked, status):
    refused = Response(status, body=NO_FORMAT.body)

    completion, steps = play(refused, said('{"say": "Hi.", "calls": []}'), request=asked)

    first, second = (json.loads(step.request.body or b"") for step in steps)
    assert "response_format" in first
    assert "response_format" not in second
    assert "JSON schema: " in second["messages"][0]["content"]
    assert [step.after for step in steps] == [0.0, 0.0]
    assert completion.refuses_format


def test_it_is_asked_again_only_once():
    request = ChatRequest(HELLO.messages, tools=(ADD,))

    error = fails(SegmindInvalidRequestError, NO_FORMAT, NO_FORMAT, request=request)

    assert (error.attempts, error.outcome) == (2, "rejected")


def test_attempts_that_may_have_run_are_counted_across_both_forms():
    lost = Failure("unknown", "connection", "reset")
    policy = RetryPolicy(retry_ambiguous=True)

    completion, _ = play(
        lost,
        NO_FORMAT,
        said("{}"),
        request=ChatRequest(HELLO.messages, response_format=FORM),
        retry_policy=policy,
    )

    assert completion.receipt.ambiguous_attempts == 1


def test_a_model_known_to_refuse_it_is_asked_in_words_at_once():
    target = Endpoint(
        Destination("https://gw.example/v1"), ModelInfo("m", "openai"), refuses_format=True
    )

    body = first_body(chat(ModelCall(ChatRequest(HELLO.messages, tools=(ADD,)), target)))

    assert "response_format" not in body


@pytest.mark.parametrize(
    "reply",
    [
        Response(400, body=b'{"error": "image URL not fetchable"}'),
        Response(406, body=b'{"error": "Insufficient credits"}'),
        Response(422, body=NO_FORMAT.body),
    ],
)
def test_other_refusals_are_final(reply):
    error = fails(SegmindError, reply, request=ChatRequest(HELLO.messages, tools=(ADD,)))

    assert error.attempts == 1


def test_a_response_format_of_text_keeps_stop_sequences():
    request = ChatRequest(
        HELLO.messages, settings={"stop": ["END"]}, response_format={"type": "text"}
    )

    completion, steps = play(said("Hi. END of it"), request=request)

    assert completion.response.choices[0].text == "Hi. "
    assert json.loads(steps[0].request.body)["stop"] == ["END"]


def test_a_refusal_of_the_format_counts_for_no_retry():
    _, steps = play(
        NO_FORMAT,
        BUSY,
        said("Hi."),
        request=ChatRequest(HELLO.messages, response_format=FORM),
        retry_policy=RetryPolicy(max_retries=2),
    )

    assert len(steps) == 3


def test_a_forced_choice_without_a_call_says_what_was_asked_and_what_came():
    request = ChatRequest(HELLO.messages, tools=(ADD,), require_tool_call=True)

    error = fails(SegmindResponseError, said("I would rather not."), request=request)

    assert (error.outcome, error.attempts) == ("executed", 1)
    assert all(
        part in str(error) for part in ("gpt-4o", "tool_choice", "add", "I would rather not")
    )


def test_stop_sequences_end_the_words_but_cut_no_envelope():
    request = ChatRequest(HELLO.messages, tools=(ADD,), settings={"stop": ["calls", "END"]})
    text = '{"say": "Hi. END of it", "calls": [{"name": "add", "arguments": {"a": 1}}]}'

    completion, _ = play(said(text), request=request)

    choice = completion.response.choices[0]
    assert choice.text == "Hi. "
    assert choice.calls[0].arguments == {"a": 1}


def test_tools_go_natively_where_the_gateway_forwards_them():
    target = Endpoint(Destination("https://gw.example/v1"), ModelInfo("m", "openai"), native=True)
    request = ChatRequest(
        (
            *HELLO.messages,
            Message("assistant", (TextPart("Wait."), ToolCall("add", {"a": 1}, "c1"))),
            Message("user", (ToolResult((TextPart("1"),), "c1", "add"),)),
        ),
        tools=(ADD,),
        require_tool_call=True,
        parallel=False,
    )

    body = first_body(chat(ModelCall(request, target)))

    function = {"name": "add", "arguments": '{"a": 1}'}
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Wait.",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]
    assert body["tools"][0]["function"]["name"] == "add"
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)
    assert "response_format" not in body


def balance_of(reply):
    flow: Any = balance("https://gw.example/v1", RetryPolicy(), {"x-trace": "1"})
    request = next(flow).request
    assert (request.method, request.url) == ("GET", "https://gw.example/v1/get-user-credits")
    assert request.headers == {"x-trace": "1"}
    with pytest.raises(StopIteration) as end:
        flow.send(Reply(reply))
    return end.value.value


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"credits": 1.5, "free-credits": 0.018}, (1.5, 0.018)),
        ({"credits": "2.25"}, (2.25, 0.0)),
        ({"credits": None, "free-credits": 3}, (0.0, 3.0)),
    ],
)
def test_reads_the_balance(told, read):
    assert balance_of(Response(200, body=json.dumps(told).encode())) == read


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"<html>", b'{"credits": "many"}'])
def test_a_balance_that_cannot_be_read_is_an_error(body):
    with pytest.raises(SegmindResponseError, match="credits"):
        balance_of(Response(200, body=body))
