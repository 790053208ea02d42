"""The flows of the queue, driven with a list of outcomes: no socket, no waiting."""

import json
import logging

import pytest

from langchain_segmind import (
    SegmindAuthenticationError,
    SegmindConnectionError,
    SegmindContextOverflowError,
    SegmindError,
    SegmindInvalidRequestError,
    SegmindJobFailedError,
    SegmindJobNotFoundError,
    SegmindJobTimeoutError,
    SegmindRateLimitError,
    SegmindResponseError,
    SegmindServerError,
)
from langchain_segmind._flows.chat import Endpoint, ModelCall, chat, fetch, state, submit
from langchain_segmind._flows.jobs import WaitPolicy, queue_url
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Destination, Failure, JobEvent, Reply, Response
from langchain_segmind._messages.types import ChatRequest, Message, TextPart, Tool
from langchain_segmind.models import ModelInfo, model_info_for

HELLO = ChatRequest((Message("user", (TextPart("Hello"),)),))
ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
REPLY = {"choices": [{"message": {"content": "Hi."}}]}
ID = "job-1"
GATEWAY = "https://gw.example"
RESET = Failure("unknown", "connection", "reset")


def response(value, status=200, **headers):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)


QUEUED = response(
    {
        "request_id": ID,
        "status": "QUEUED",
        "status_url": "https://elsewhere.example/status",
        "response_url": "https://elsewhere.example/",
    }
)
WORKING = response({"status": "PROCESSING"})
DONE = response({"status": "COMPLETED"})


def result(output=None, **more):
    told = {"status": "COMPLETED", "error": None, **more}
    return response(told | ({} if output is None else {"output": output}))


ANSWER = result(json.dumps(REPLY))


class Driven:
    """A flow that was driven with these results, each a little later than the last.

    Keeps its steps, the events they carried, and what it returned.
    """

    def __init__(self, flow, results, takes=0.0):
        self.steps, self.events, self.elapsed = [], [], 0.0
        self.left = list(results)
        step = next(flow)
        while True:
            if step.event is not None:
                self.events.append((step.event.state, step.event.request_id))
            self.steps.append(step)
            self.elapsed += step.after + takes
            try:
                step = flow.send(Reply(self.left.pop(0), self.elapsed))
            except StopIteration as end:
                self.value = end.value
                return

    @property
    def requests(self):
        return [(step.request.method, step.request.url) for step in self.steps]


def call(request=HELLO, **kwargs):
    wait_policy = kwargs.pop("wait_policy", WaitPolicy())
    destination, model_info = Destination(f"{GATEWAY}/v1"), ModelInfo("gpt-5", "openai")
    return ModelCall(request, Endpoint(destination, model_info, wait_policy=wait_policy, **kwargs))


def play(*results, request=HELLO, takes=0.0, **kwargs):
    return Driven(chat(call(request, **kwargs)), results, takes)


def fails(cls, *replies, **kwargs):
    with pytest.raises(cls) as caught:
        play(*replies, **kwargs)
    error = caught.value
    assert type(error) is cls
    assert not error.is_retryable
    return error


def polls(*replies):
    """The error of a job that was submitted and then polled with these outcomes."""
    return lambda cls: fails(cls, QUEUED, *replies)


# --- the way of a job ------------------------------------------------------------------------


def test_submits_once_polls_its_own_urls_and_reads_the_answer_that_is_json_in_json():
    played = play(QUEUED, WORKING, DONE, ANSWER)

    assert played.value.response.choices[0].text == "Hi."
    assert played.requests == [
        ("POST", f"{GATEWAY}/v2/gpt-5"),
        ("GET", f"{GATEWAY}/v2/requests/{ID}/status"),
        ("GET", f"{GATEWAY}/v2/requests/{ID}/status"),
        ("GET", f"{GATEWAY}/v2/requests/{ID}"),
    ]
    assert played.events == [("QUEUED", ID), ("PROCESSING", ID), ("COMPLETED", ID)]
    assert played.value.receipt.request_id == ID


def test_waits_grow_by_half_up_to_five_seconds():
    played = play(QUEUED, *[WORKING] * 8, DONE, ANSWER)

    waits = [step.after for step in played.steps]
    assert waits[0] == 0
    assert waits[1:8] == pytest.approx([0.5, 0.75, 1.125, 1.6875, 2.53125, 3.796875, 5.0])
    assert waits[8:] == pytest.approx([5.0, 5.0, 0.0])


def test_a_longer_first_wait_is_kept():
    played = play(QUEUED, WORKING, WORKING, DONE, ANSWER, wait_policy=WaitPolicy(poll_interval=9.0))

    assert [step.after for step in played.steps] == [0, 9.0, 9.0, 9.0, 0]


def test_headers_of_the_user_go_with_every_request():
    played = play(QUEUED, DONE, ANSWER, headers={"x-trace": "1"})

    assert {step.request.headers["x-trace"] for step in played.steps} == {"1"}


@pytest.mark.parametrize(
    ("base_url", "queue"),
    [
        ("https://h/v1", "https://h/v2"),
        ("https://h/a/v13", "https://h/a/v2"),
        ("https://h/a", "https://h/a/v2"),
        ("https://v1.h/v", "https://v1.h/v/v2"),
        ("http://127.0.0.1:1/v2", "http://127.0.0.1:1/v2"),
    ],
)
def test_the_queue_is_beside_the_api(base_url, queue):
    assert queue_url(base_url) == queue


@pytest.mark.parametrize(
    ("slug", "is_slow"),
    [
        ("gpt-5", True),
        ("deepseek-reasoner", True),
        ("qwq-plus", True),
        ("gpt-4o", False),
        ("gpt-5-nano", False),
        ("something-new", False),
    ],
)
def test_cards_tell_which_models_are_slow(slug, is_slow):
    assert model_info_for(slug).is_slow is is_slow


@pytest.mark.parametrize("word", ["completed", " COMPLETED ", "Completed"])
def test_states_are_read_in_any_case(word):
    played = play(QUEUED, response({"status": word}), ANSWER)

    assert played.value.response.choices[0].text == "Hi."


def test_a_state_nobody_documented_means_wait():
    played = play(QUEUED, response({"status": "WARMING_UP"}), DONE, ANSWER)

    assert played.events[1] == ("WARMING_UP", ID)


def test_a_result_that_is_not_ready_after_all_is_polled_for_again():
    early = response({"status": "PROCESSING", "output": None})

    played = play(QUEUED, DONE, early, WORKING, DONE, ANSWER)

    assert played.value.response.choices[0].text == "Hi."
    kinds = [url.endswith("/status") for _, url in played.requests[1:]]
    assert kinds == [True, False, True, True, False]


# --- what the output may be ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (result(json.dumps(REPLY)), "Hi."),
        (result(REPLY), "Hi."),
        (result(json.dumps(json.dumps(REPLY))), "Hi."),
        (result("Hi."), "Hi."),
        (result("42"), "42"),
        (result('"quoted"'), '"quoted"'),
        (result('{"name": "Ada"}'), '{"name": "Ada"}'),
        (result('{"content": "Ada", "error": 0}'), '{"content": "Ada", "error": 0}'),
        (result("[1, 2]"), "[1, 2]"),
        (result("{braces} are fun"), "{braces} are fun"),
        (result("<think>Hm.</think>Hi."), "Hi."),
        (result(**REPLY), "Hi."),
        (response(REPLY), "Hi."),
        (result(json.dumps({"content": [{"type": "text", "text": "Hi."}]})), "Hi."),
        (result({"candidates": [{"content": {"parts": [{"text": "Hi."}]}}]}), "Hi."),
        (result("a\ud800b"), "a\N{REPLACEMENT CHARACTER}b"),
    ],
)
def test_reads_every_form_of_output(body, text):
    assert play(QUEUED, DONE, body).value.response.choices[0].text == text


@pytest.mark.parametrize(
    "body",
    [
        result(""),
        result("  "),
        result(),
        response({"status": "COMPLETED", "output": None}),
        result(json.dumps(REPLY)[:-3]),
        result('{"choices": []}'),
        result({"choices": "no"}),
        result('{"error": "the model broke"}'),
        result({"error": "the model broke", "status_code": 500}),
        result(17),
        result([1]),
    ],
)
def test_an_output_that_cannot_be_used_says_so_with_the_id_and_is_not_asked_for_again(body):
    error = fails(SegmindResponseError, QUEUED, DONE, body)

    assert (error.request_id, error.outcome, error.attempts) == (ID, "executed", 3)
    assert "output" in str(error)


def test_metrics_tell_what_it_took():
    metrics = {
        "cost": "0.0012",
        "remaining_credits": 9.5,
        "inference_time": 61.5,
        "queue_time": 2,
        "total_time": 63.5,
    }

    receipt = play(QUEUED, DONE, result("Hi.", metrics=metrics)).value.receipt

    assert (receipt.cost, receipt.remaining_credits) == (0.0012, 9.5)
    assert (receipt.generation_time, receipt.queue_time) == (61.5, 2)


@pytest.mark.parametrize("metrics", [None, [], "none", {}, {"cost": None}, {"cost": {"usd": 1}}])
def test_metrics_may_be_missing_or_odd(metrics):
    receipt = play(QUEUED, DONE, result("Hi.", metrics=metrics)).value.receipt

    assert receipt.cost is None


def test_headers_tell_where_metrics_do_not():
    told = Response(200, {"x-cost": "0.5", "x-request-id": "of-the-poll"}, result("Hi.").body)

    receipt = play(QUEUED, DONE, told).value.receipt

    assert (receipt.cost, receipt.request_id) == (0.5, ID)


# --- polls that fail -------------------------------------------------------------------------

BAD = [
    RESET,
    Failure("not_sent", "connection", "refused"),
    Failure("unknown", "timeout"),
    Response(404, body=b'{"error": "Request job-1 not found"}'),
    Response(408),
    Response(425),
    Response(429),
    Response(500, body=b'{"error": "oops"}'),
    Response(502, body=b"<html>"),
    Response(503),
    Response(504),
    Response(200, body=b"<html>sorry</html>"),
    Response(200, body=b""),
    Response(200, body=b"[]"),
    Response(200, body=b'{"detail": "no state"}'),
    Response(200, body=b'{"status": 7}'),
    Response(200, fault="cut", body=b'{"status": "COMP'),
]


@pytest.mark.parametrize("bad", BAD)
def test_six_bad_polls_in_a_row_are_survived(bad):
    played = play(QUEUED, *[bad] * 6, WORKING, *[bad] * 6, DONE, ANSWER)

    assert played.value.response.choices[0].text == "Hi."
    assert [method for method, _ in played.requests].count("POST") == 1


@pytest.mark.parametrize("bad", BAD)
def test_the_seventh_ends_the_call_and_gives_the_id(bad):
    error = fails(type(caught(bad)), QUEUED, *[bad] * 7)

    assert (error.request_id, error.outcome, error.attempts) == (ID, "unknown", 8)
    assert error.billed is None
    assert ID in str(error)


def caught(bad):
    with pytest.raises(SegmindError) as found:
        play(QUEUED, *[bad] * 7)
    return found.value


@pytest.mark.parametrize(
    ("bad", "cls"),
    [
        (RESET, SegmindConnectionError),
        (Response(404), SegmindJobNotFoundError),
        (Response(429), SegmindServerError),
        (Response(503), SegmindServerError),
        (Response(200, body=b"<html>"), SegmindResponseError),
    ],
)
def test_the_class_tells_what_was_wrong_with_the_polls(bad, cls):
    # A rate limit would invite LangGraph to run the whole call again, and to pay for it again.
    assert type(caught(bad)) is cls
    assert not isinstance(caught(bad), SegmindRateLimitError)


def test_results_that_fail_are_asked_for_again():
    played = play(QUEUED, DONE, *[Response(503)] * 6, ANSWER)

    assert played.value.response.choices[0].text == "Hi."


def test_a_result_that_never_comes_was_executed():
    error = fails(SegmindServerError, QUEUED, DONE, *[Response(503)] * 7)

    assert (error.outcome, error.billed, error.request_id) == ("executed", True, ID)


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (401, SegmindAuthenticationError),
        (400, SegmindInvalidRequestError),
        (302, SegmindInvalidRequestError),
        (410, SegmindJobNotFoundError),
    ],
)
def test_other_refusals_of_a_poll_are_final(status, cls):
    error = fails(cls, QUEUED, Response(status, {"location": "https://elsewhere.example"}))

    assert (error.request_id, error.attempts, error.status_code) == (ID, 2, status)


def test_a_rate_limited_poll_waits_as_long_as_it_is_asked_to():
    asked = Response(429, {"retry-after": "20"})
    too_long = Response(429, {"retry-after": "86400"})

    played = play(QUEUED, asked, too_long, DONE, ANSWER)

    assert [step.after for step in played.steps] == pytest.approx([0, 0.5, 20, 1.125, 0])


def test_a_hint_of_nothing_is_no_busy_loop():
    at_once = Response(429, {"retry-after": "0"})

    played = play(QUEUED, at_once, at_once, DONE, ANSWER)

    assert [step.after for step in played.steps] == pytest.approx([0, 0.5, 0.75, 1.125, 0])


# --- the deadline ----------------------------------------------------------------------------


def test_a_job_that_takes_too_long_is_left_in_the_queue_and_its_id_told():
    error = fails(
        SegmindJobTimeoutError,
        QUEUED,
        *[WORKING] * 200,
        wait_policy=WaitPolicy(timeout=10.0),
    )

    assert (error.request_id, error.outcome, error.billed) == (ID, "unknown", None)
    assert isinstance(error, TimeoutError)
    assert all(part in str(error) for part in (ID, "PROCESSING", "get_job", "queue_timeout"))


def test_the_last_poll_comes_as_the_deadline_passes_and_what_it_finds_is_collected():
    # Polls at 0.5, 1.25, 2.375 and, instead of 4.0625, at 3.0, the deadline.
    played = play(
        QUEUED, WORKING, WORKING, WORKING, DONE, ANSWER, wait_policy=WaitPolicy(timeout=3.0)
    )

    assert played.elapsed == pytest.approx(3.0)
    assert played.value.response.choices[0].text == "Hi."


def test_the_deadline_of_the_whole_call_counts_the_submit():
    retry_policy = RetryPolicy(total_timeout=3.0)

    with pytest.raises(SegmindJobTimeoutError):
        play(QUEUED, *[WORKING] * 99, takes=0.4, retry_policy=retry_policy)

    played = play(QUEUED, WORKING, DONE, ANSWER, takes=0.1, retry_policy=retry_policy)
    assert all(step.timeout <= 3.0 for step in played.steps)


def test_the_deadline_counts_from_the_submit():
    replies = [response({"error": "busy"}, 503), QUEUED, WORKING, DONE, ANSWER]

    played = play(*replies, wait_policy=WaitPolicy(timeout=3.0), takes=1.0)

    assert played.value.response.choices[0].text == "Hi."


def test_the_deadline_of_the_whole_call_holds_across_a_second_submit():
    refused = response({"status": "FAILED", "error": "response_format is not supported"}, 422)
    again = response({"request_id": "job-2", "status": "QUEUED"})
    request = ChatRequest(HELLO.messages, tools=(ADD,))

    played = play(
        QUEUED, refused, again, DONE, ANSWER,
        request=request, takes=1.0, retry_policy=RetryPolicy(total_timeout=10.0),
    )  # fmt: skip

    posts = [step for step in played.steps if step.request.method == "POST"]
    assert [step.timeout for step in posts] == pytest.approx([10.0, 7.5])
    assert [step.pool_timeout for step in posts] == pytest.approx([10.0, 7.5])


def test_a_short_deadline_is_not_outlasted_by_a_hanging_poll():
    played = play(QUEUED, DONE, ANSWER, wait_policy=WaitPolicy(timeout=0.6))

    assert [step.timeout for step in played.steps[1:]] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("replies", "settings", "words"),
    [
        (
            [WORKING] * 99,
            {"wait_policy": WaitPolicy(timeout=9)},
            ["PROCESSING after 9 s", "queue_timeout"],
        ),
        (
            [WORKING] * 99,
            {"retry_policy": RetryPolicy(total_timeout=4)},
            ["PROCESSING", "total_timeout"],
        ),
        (
            [DONE] + [Response(503)] * 5,
            {"wait_policy": WaitPolicy(timeout=2)},
            ["done", "could not be read"],
        ),
    ],
)
def test_a_deadline_says_which_it_was(replies, settings, words):
    error = fails(SegmindJobTimeoutError, QUEUED, *replies, **settings)

    assert all(word in str(error) for word in words), str(error)


def test_no_poll_may_hang_for_long():
    played = play(QUEUED, WORKING, DONE, ANSWER, retry_policy=RetryPolicy(timeout=None))

    assert [step.timeout for step in played.steps[1:3]] == [30.0, 30.0]


# --- jobs that fail --------------------------------------------------------------------------

FAILED = {"status": "FAILED", "error": "The model broke", "metrics": {"queue_time": 1}}


@pytest.mark.parametrize(
    "reply",
    [
        response(FAILED, 422),
        response(FAILED),
        response(FAILED, 500),
        response({"status": "cancelled", "error": "The model broke"}),
        Response(422, body=b"<html>The model broke</html>"),
        response({"status": "failed", "error": "The model broke"}),
        response({"error": "The model broke"}, 422),
    ],
)
def test_a_failed_job_was_not_billed(reply):
    error = fails(SegmindJobFailedError, QUEUED, reply)

    assert (error.request_id, error.outcome, error.billed) == (ID, "rejected", False)
    assert "The model broke" in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        response({"status": "PROCESSING"}, 422),
        response({"status": "failed", "error": "internal error"}, 500),
        response({"status": "failed", "error": "not found"}, 404),
        response({"status": "error"}, 503),
    ],
)
def test_what_a_front_says_of_failure_ends_no_job(reply):
    assert play(QUEUED, reply, DONE, ANSWER).value.response.choices[0].text == "Hi."


@pytest.mark.parametrize(
    "reply", [response({"status": "COMPLETED"}, 422), response({"status": "SUCCEEDED"})]
)
def test_an_end_is_an_end_however_it_is_told(reply):
    assert play(QUEUED, reply, ANSWER).value.response.choices[0].text == "Hi."


def test_a_result_with_an_output_is_done_whatever_its_state():
    odd = response({"status": "READY", "output": "Hi."})

    assert play(QUEUED, DONE, odd).value.response.choices[0].text == "Hi."


def test_a_poll_that_was_cut_is_bad_even_if_what_came_can_be_read():
    cut = Response(200, body=b'{"status": "FAILED"}', fault="cut")

    assert play(QUEUED, cut, DONE, ANSWER).value.response.choices[0].text == "Hi."


def test_a_failed_job_that_was_billed_is_not_asked_again_in_words():
    refused = {"status": "FAILED", "error": "response_format is not supported"}
    billed = response({**refused, "metrics": {"cost": 0.01, "remaining_credits": 4}}, 422)

    error = fails(
        SegmindJobFailedError, QUEUED, billed, request=ChatRequest(HELLO.messages, tools=(ADD,))
    )

    assert (error.billed, error.remaining_credits) == (True, 4)


def test_a_failed_job_may_be_found_with_the_result():
    error = fails(SegmindJobFailedError, QUEUED, DONE, response(FAILED, 422))

    assert error.request_id == ID


def test_a_failed_job_that_cost_something_says_so():
    error = fails(
        SegmindJobFailedError, QUEUED, response({**FAILED, "metrics": {"cost": 0.01}}, 422)
    )

    assert (error.outcome, error.billed, error.cost) == ("executed", True, 0.01)


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([response(FAILED, 422)], "FAILED"),
        ([DONE, response(FAILED, 422)], "FAILED"),
        ([WORKING, *[RESET] * 7], "PROCESSING"),
        ([DONE, result("")], "COMPLETED"),
        ([Response(401)], "QUEUED"),
    ],
)
def test_an_error_holds_the_last_state_of_the_job(results, state):
    with pytest.raises(SegmindError) as caught:
        play(QUEUED, *results)

    assert (caught.value.job_state, caught.value.request_id) == (state, ID)


def test_the_failure_of_a_job_is_reported_before_the_request_is_sent_in_words():
    refused = response({"status": "FAILED", "error": "response_format is not supported"}, 422)
    again = response({"request_id": "job-2", "status": "QUEUED"})

    request = ChatRequest(HELLO.messages, tools=(ADD,))
    played = play(QUEUED, WORKING, refused, again, DONE, ANSWER, request=request)

    states = [("QUEUED", ID), ("PROCESSING", ID), ("FAILED", ID)]
    assert played.events == [*states, ("QUEUED", "job-2"), ("COMPLETED", "job-2")]
    assert [step.event and step.event.state for step in played.steps[2:4]] == [
        "PROCESSING",
        "FAILED",
    ]
    assert played.steps[3].request.method == "POST"


def test_a_job_that_is_submitted_in_words_has_all_its_retries():
    refused = response({"status": "FAILED", "error": "response_format is not supported"}, 422)

    request = ChatRequest(HELLO.messages, tools=(ADD,))
    played = play(
        QUEUED, refused, Response(503), Response(503), QUEUED, DONE, ANSWER, request=request
    )

    assert played.value.response.choices[0].text == "Hi."


def test_a_job_whose_prompt_is_too_long_asks_for_summaries():
    too_long = response({"status": "FAILED", "error": "prompt is too long"}, 422)

    error = fails(SegmindContextOverflowError, QUEUED, too_long)

    assert error.request_id == ID


def test_a_form_that_makes_the_job_fail_is_asked_for_in_words():
    refused = response({"status": "FAILED", "error": "response_format is not supported"}, 422)
    again = response({"request_id": "job-2", "status": "QUEUED"})

    played = play(
        QUEUED, refused, again, DONE, ANSWER, request=ChatRequest(HELLO.messages, tools=(ADD,))
    )

    first, second = (json.loads(s.request.body) for s in played.steps if s.request.body)
    assert "response_format" in first
    assert "response_format" not in second
    assert played.value.receipt.request_id == "job-2"
    assert played.value.refuses_format


# --- the submit ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lost", [RESET, Failure("unknown", "timeout"), Response(504), Response(200, fault="cut")]
)
def test_a_lost_submit_is_not_repeated(lost):
    with pytest.raises(SegmindError) as caught:
        play(lost)

    assert caught.value.outcome in ("unknown", "executed")
    assert caught.value.attempts == 1


def test_a_submit_that_was_refused_is_sent_again():
    played = play(Response(503), QUEUED, DONE, ANSWER)

    assert [method for method, _ in played.requests] == ["POST", "POST", "GET", "GET"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request_id": None},
        {"request_id": ""},
        {"request_id": True},
        {"request_id": 1.5},
        {"request_id": ".."},
        {"request_id": "a.b"},
        {"request_id": "../../v1/evil"},
        {"request_id": "a/b"},
        {"request_id": "a" * 129},
        {"request_id": "a b"},
        {"request_id": "a\n"},
        [],
        "text",
    ],
)
def test_an_id_that_could_lead_elsewhere_is_no_id(body):
    error = fails(SegmindResponseError, response(body))

    assert (error.outcome, error.attempts) == ("executed", 1)


@pytest.mark.parametrize("reply", [response({"request_id": 17}), response({"request_id": "17"})])
def test_an_id_may_be_a_number(reply):
    assert play(reply, DONE, ANSWER).value.receipt.request_id == "17"


def test_the_id_is_saved_out_of_a_reply_that_was_cut():
    cut = Response(200, body=b'{"request_id": "job-1", "status": "QUE', fault="cut")

    assert fails(SegmindResponseError, cut).request_id == ID


def test_ambiguous_submits_are_told():
    retry_policy = RetryPolicy(retry_ambiguous=True)

    played = play(RESET, RESET, QUEUED, DONE, ANSWER, retry_policy=retry_policy)
    assert played.value.receipt.ambiguous_attempts == 2

    error = fails(SegmindResponseError, RESET, QUEUED, DONE, result(""), retry_policy=retry_policy)
    assert (error.ambiguous_attempts, error.attempts) == (1, 4)
    late = fails(SegmindServerError, RESET, QUEUED, *[Response(503)] * 7, retry_policy=retry_policy)
    assert (late.ambiguous_attempts, late.retry_after) == (1, None)


# --- jobs from elsewhere ---------------------------------------------------------------------


def test_submitting_alone_gives_the_job():
    played = Driven(submit(call(wait_policy=None)), [QUEUED])

    assert played.value.id == ID
    assert played.requests == [("POST", f"{GATEWAY}/v2/gpt-5")]


def test_fetching_polls_at_once():
    played = Driven(fetch(ID, call(ChatRequest(()))), [DONE, ANSWER])

    assert played.value.response.choices[0].text == "Hi."
    assert [step.after for step in played.steps] == [0, 0]


def test_fetching_waits_for_a_job_that_still_runs():
    played = Driven(fetch(ID, call(ChatRequest(()))), [WORKING, WORKING, DONE, ANSWER])

    assert [step.after for step in played.steps] == [0, 0.5, 0.75, 0]


def test_what_has_expired_is_said_to_have():
    flow = fetch(ID, call(ChatRequest(())))
    with pytest.raises(SegmindJobNotFoundError, match="expired") as caught:
        Driven(flow, [Response(404, body=b'{"error": "Request job-1 not found"}')] * 7)

    assert caught.value.request_id == ID


@pytest.mark.parametrize("job_id", ["", "../x", "a/b", "ä", "x" * 129, "a b"])
def test_an_id_that_is_none_is_refused_before_anything_is_sent(job_id):
    with pytest.raises(SegmindInvalidRequestError, match="request_id") as caught:
        next(fetch(job_id, call(ChatRequest(()))))

    assert caught.value.outcome == "not_sent"


def test_calls_are_read_out_of_a_fetched_answer_whose_prompt_is_not_known():
    envelope = {"say": "", "calls": [{"name": "add", "arguments": {"a": 1}}]}

    played = Driven(fetch(ID, call(ChatRequest(()))), [DONE, result(json.dumps(envelope))])

    (found,) = played.value.response.choices[0].calls
    assert (found.name, found.arguments) == ("add", {"a": 1})


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        ([WORKING], "PROCESSING"),
        ([Response(503), DONE], "COMPLETED"),
        ([response(FAILED, 422)], "FAILED"),
    ],
)
def test_a_state_is_asked_for(replies, told):
    played = Driven(state(ID, call().endpoint), replies)

    assert played.value == told


def test_a_job_that_is_abandoned_at_its_first_event_is_logged(caplog):
    caplog.set_level(logging.INFO, "langchain_segmind")
    flow = chat(call())
    next(flow)
    step = flow.send(Reply(QUEUED))
    assert step.event == JobEvent("QUEUED", ID, "gpt-5", 0.0)

    flow.close()

    assert [(r.levelname, ID in r.getMessage()) for r in caplog.records] == [
        ("INFO", True),
        ("WARNING", True),
    ]
    assert f"get_job('{ID}').result()" in caplog.records[1].getMessage()
