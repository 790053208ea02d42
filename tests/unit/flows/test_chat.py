"""The flows of direct calls.

What becomes of each fault is in the catalog, which `test_faults.py` plays.
"""

import json
from typing import Any

import pytest

from langchain_segmind import (
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindInvalidRequestError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
    SegmindTimeoutError,
)
from langchain_segmind._flows.account import balance
from langchain_segmind._flows.chat import chat
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Failure, Reply, Response
from langchain_segmind._messages.types import (
    ChatRequest,
    Message,
    TextPart,
    ToolCall,
    ToolResult,
)
from tests.unit.flows.playing import (
    ADD,
    GATEWAY,
    HELLO,
    NO_FORMAT,
    RESET,
    WITH_TOOL,
    call_of,
    play,
    response,
)


def reply_of(text, **choice):
    return response({"choices": [{"message": {"content": text}, **choice}]})


ANSWER = reply_of("Hi.")
BUSY = response({"error": "busy"}, 503)
CONNECTION_REFUSED = Failure("not_sent", "connection", "Connection refused")
REFUSED = response({"error": NO_FORMAT}, 400)
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
WITH_FORM = ChatRequest(HELLO.messages, response_format=FORM)


def error_of(cls, *outcomes, **settings):
    with pytest.raises(cls) as caught:
        play(*outcomes, **settings)
    return caught.value


def test_chat_posts_the_body_to_the_model():
    played = play(ANSWER, headers={"x-trace": "1"})

    assert played.text == "Hi."
    assert played.requests == [("POST", f"{GATEWAY}/v1/gpt-4o")]
    assert played.bodies == [{"messages": [{"role": "user", "content": "Hello"}]}]
    assert played.steps[0].request.headers == {"x-trace": "1"}


def test_retry_sends_the_same_bytes_after_a_wait():
    played = play(BUSY, CONNECTION_REFUSED, ANSWER)

    assert played.text == "Hi."
    assert played.waits == [0.0, 0.25, 0.5]
    assert len({id(step.request) for step in played.steps}) == 1


@pytest.mark.parametrize(("max_retries", "attempts"), [(2, 3), (0, 1)])
def test_chat_raises_when_the_retries_are_used_up(max_retries, attempts):
    error = error_of(SegmindServerError, *[BUSY] * 3, retry_policy=RetryPolicy(max_retries))

    assert (error.attempts, error.outcome, error.billed) == (attempts, "rejected", False)
    assert error.is_retryable


@pytest.mark.parametrize(
    ("result", "cls", "outcome"),
    [
        (RESET, SegmindConnectionError, "unknown"),
        (Failure("unknown", "timeout"), SegmindTimeoutError, "unknown"),
        (Failure("not_sent", "tls", "self-signed"), SegmindConnectionError, "not_sent"),
        (Response(200, fault="cut"), SegmindResponseError, "executed"),
        (Response(200, fault="timeout"), SegmindTimeoutError, "executed"),
        (Response(200, fault="too_large"), SegmindResponseError, "executed"),
        (Response(422, body=b'{"error": "bad"}'), SegmindInvalidRequestError, "rejected"),
    ],
)
def test_fault_of_a_driver_is_raised_without_a_retry(result, cls, outcome):
    error = error_of(cls, result)

    assert type(error) is cls
    assert (error.outcome, error.attempts, error.model) == (outcome, 1, "gpt-4o")
    assert not error.is_retryable


@pytest.mark.parametrize("status", [400, 413, 422, 500])
@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 8192 tokens.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "too many tokens in the request",
    ],
)
def test_context_overflow_is_never_retried(status, text):
    error = error_of(SegmindContextOverflowError, response({"error": {"message": text}}, status))

    assert error.attempts == 1


def test_rate_limit_beyond_max_retry_wait_raises_at_once_with_the_delay():
    error = error_of(SegmindRateLimitError, Response(429, {"retry-after": "90"}))

    assert (error.retry_after, error.attempts) == (90.0, 1)
    assert "90" in str(error)


def test_total_timeout_shortens_the_last_attempt():
    played = play(BUSY, ANSWER, retry_policy=RetryPolicy(total_timeout=100.0), takes=70.0)

    assert [step.timeout for step in played.steps] == pytest.approx([100.0, 29.75])
    assert played.steps[1].pool_timeout == pytest.approx(29.75)


def receipt_of(**headers):
    return play(response({"choices": [{"message": {"content": "Hi."}}]}, **headers)).value.receipt


def test_receipt_has_the_amounts_of_the_headers():
    receipt = receipt_of(
        x_request_id="r1",
        x_cost="$0.0012",
        x_remaining_credits="1,234.5",
        x_generation_time="0.8s",
    )

    assert (receipt.request_id, receipt.cost) == ("r1", 0.0012)
    assert (receipt.remaining_credits, receipt.generation_time) == (1234.5, 0.8)


@pytest.mark.parametrize("odd", ["", "free", "NaN", "inf", "1e999", "--", "0x1"])
def test_receipt_leaves_out_amounts_that_are_not_numbers(odd):
    receipt = receipt_of(x_cost=odd, x_remaining_credits=odd)

    assert (receipt.cost, receipt.remaining_credits) == (None, None)


@pytest.mark.parametrize(
    ("stop", "text", "reason"),
    [
        (["3"], "1, 2, ", "stop"),
        (["5", "2"], "1, ", "stop"),
        (["9"], "1, 2, 3, 4, 5", "length"),
    ],
)
def test_answer_ends_before_the_first_stop_sequence(stop, text, reason):
    request = ChatRequest(HELLO.messages, settings={"stop": stop})

    played = play(reply_of("1, 2, 3, 4, 5", finish_reason="length"), request=request)

    assert played.bodies[0]["stop"] == stop
    assert played.text == text
    assert played.value.response.choices[0].finish_reason == reason


def test_error_of_an_unusable_answer_shows_how_it_begins():
    error = error_of(SegmindResponseError, response(b"Internal\nproxy   error\x00!"))

    assert "Internal proxy error !" in str(error)
    assert error.body.startswith("Internal\nproxy")


# --- tools and formats -----------------------------------------------------------------------


@pytest.mark.parametrize("request_", [WITH_TOOL, WITH_FORM], ids=["tools", "structured output"])
@pytest.mark.parametrize("status", [400, 406])
def test_refused_response_format_is_left_out_of_the_next_request(request_, status):
    refused = Response(status, body=REFUSED.body)

    played = play(refused, reply_of('{"say": "Hi.", "calls": []}'), request=request_)

    assert ["response_format" in body for body in played.bodies] == [True, False]
    assert "Reply with JSON" in played.bodies[1]["messages"][0]["content"]
    assert played.waits == [0.0, 0.0]
    assert played.value.refused_format == "*"


@pytest.mark.parametrize(
    ("outcomes", "attempts"),
    [
        ([REFUSED, REFUSED], 2),  # left out only once
        ([response({"error": "image URL not fetchable"}, 400)], 1),
        ([response({"error": "Insufficient credits"}, 406)], 1),
        ([Response(422, body=REFUSED.body)], 1),
    ],
)
def test_other_refusals_are_final(outcomes, attempts):
    error = error_of(SegmindError, *outcomes, request=WITH_TOOL)

    assert (error.attempts, error.outcome) == (attempts, "rejected")


def test_ambiguous_attempts_are_counted_across_both_forms():
    policy = RetryPolicy(retry_ambiguous=True)

    played = play(RESET, REFUSED, reply_of("{}"), request=WITH_FORM, retry_policy=policy)

    assert played.value.receipt.ambiguous_attempts == 1


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Request contains an invalid argument."},
        {"error": {"message": "Schema is too complex for compilation.", "status": "INVALID"}},
        {"error": "The compiled grammar is too large"},
        {},
    ],
)
def test_refusal_that_names_no_other_cause_is_answered_with_the_schema_in_the_prompt(body):
    played = play(response(body, 400), reply_of("Hi."), request=WITH_TOOL)

    assert ["response_format" in body for body in played.bodies] == [True, False]
    assert played.value.refused_format not in (None, "*")


def test_refused_schema_is_remembered_for_that_schema_only():
    refused = play(response({}, 400), reply_of("Hi."), request=WITH_TOOL).value.refused_format

    again = play(reply_of("Hi."), request=WITH_TOOL, refused_formats=[refused])
    other = play(reply_of("{}"), request=WITH_FORM, refused_formats=[refused])

    assert ["response_format" in played.bodies[0] for played in (again, other)] == [False, True]


def test_second_form_keeps_all_retries_when_the_gateway_is_busy():
    policy = RetryPolicy(max_retries=1)

    played = play(REFUSED, BUSY, reply_of("Hi."), request=WITH_FORM, retry_policy=policy)

    assert len(played.steps) == 3


def test_response_format_is_not_sent_to_a_model_known_to_refuse_it():
    played = play(ANSWER, request=WITH_TOOL, refused_formats=["*"])

    assert "response_format" not in played.bodies[0]


def test_response_format_of_text_keeps_stop_sequences():
    text = {"type": "text"}
    request = ChatRequest(HELLO.messages, settings={"stop": ["END"]}, response_format=text)

    played = play(reply_of("Hi. END of it"), request=request)

    assert played.text == "Hi. "
    assert played.bodies[0]["stop"] == ["END"]


def test_required_tool_call_that_is_missing_is_an_error_that_shows_the_answer():
    request = ChatRequest(HELLO.messages, tools=(ADD,), require_tool_call=True)

    error = error_of(SegmindResponseError, reply_of("I would rather not."), request=request)

    assert (error.outcome, error.attempts) == ("executed", 1)
    for part in ("gpt-4o", "tool_choice", "add", "I would rather not"):
        assert part in str(error)


def test_stop_sequences_end_the_text_and_do_not_cut_the_envelope():
    request = ChatRequest(HELLO.messages, tools=(ADD,), settings={"stop": ["calls", "END"]})
    text = '{"say": "Hi. END of it", "calls": [{"name": "add", "arguments": {"a": 1}}]}'

    played = play(reply_of(text), request=request)

    assert played.text == "Hi. "
    assert played.value.response.choices[0].calls[0].arguments == {"a": 1}


def test_native_tools_are_sent_in_the_formats_own_fields():
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

    body = json.loads(next(chat(call_of(request, native=True))).request.body or b"")

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


# --- the balance -----------------------------------------------------------------------------


def balance_of(reply):
    flow: Any = balance(f"{GATEWAY}/v1", RetryPolicy(), {"x-trace": "1"})
    request = next(flow).request
    assert (request.method, request.url) == ("GET", f"{GATEWAY}/v1/get-user-credits")
    assert request.headers == {"x-trace": "1"}
    with pytest.raises(StopIteration) as end:
        flow.send(Reply(reply))
    return end.value.value


@pytest.mark.parametrize(
    ("body", "amounts"),
    [
        ({"credits": 1.5, "free-credits": 0.018}, (1.5, 0.018)),
        ({"credits": "2.25"}, (2.25, 0.0)),
        ({"credits": None, "free-credits": 3}, (0.0, 3.0)),
    ],
)
def test_balance_is_read(body, amounts):
    assert balance_of(response(body)) == amounts


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"<html>", b'{"credits": "many"}'])
def test_balance_that_cannot_be_read_is_an_error_that_was_not_billed(body):
    with pytest.raises(SegmindResponseError, match="credits") as error:
        balance_of(Response(200, body=body))

    assert (error.value.billed, error.value.outcome) == (False, "rejected")
    assert "nothing was billed" in str(error.value)


@pytest.mark.parametrize(
    "lost", [Response(502), Response(504), Failure("unknown", "cut"), Failure("unknown", "timeout")]
)
def test_balance_is_asked_for_again_when_the_reply_is_lost(lost):
    flow: Any = balance(f"{GATEWAY}/v1", RetryPolicy(max_retries=1), {})
    next(flow)
    assert flow.send(Reply(lost)).request.url.endswith("/get-user-credits")

    with pytest.raises(SegmindError) as error:
        flow.send(Reply(lost))

    assert (error.value.attempts, error.value.ambiguous_attempts) == (2, 0)
    assert (error.value.billed, error.value.outcome) == (False, "rejected")
    assert "may have run" not in str(error.value)
