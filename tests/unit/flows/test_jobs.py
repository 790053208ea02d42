"""The flows of the job queue: steps, waits, events and deadlines.

What a reply of the queue means is in the catalog of faults, which `test_faults.py` plays.
"""

import json
import logging

import pytest

from langchain_segmind import (
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
from langchain_segmind._flows.chat import chat, fetch, state, submit
from langchain_segmind._flows.jobs import WaitPolicy, queue_url
from langchain_segmind._flows.retry import RetryPolicy
from langchain_segmind._flows.types import Failure, JobEvent, Reply, Response
from langchain_segmind._messages.types import ChatRequest
from langchain_segmind.models import model_info_for
from tests.unit.flows import playing
from tests.unit.flows.playing import GATEWAY, RESET, WITH_TOOL, Played, call_of, response

ID = "job-1"
REPLY = {"choices": [{"message": {"content": "Hi."}}]}
QUEUED = response({"request_id": ID, "status": "QUEUED"})
AGAIN = response({"request_id": "job-2", "status": "QUEUED"})
WORKING = response({"status": "PROCESSING"})
DONE = response({"status": "COMPLETED"})
FAILED = {"status": "FAILED", "error": "The model broke", "metrics": {"queue_time": 1}}
REFUSED = response({"status": "FAILED", "error": playing.NO_FORMAT}, 422)
UNAVAILABLE = Response(503)


def result(output, **more):
    return response({"status": "COMPLETED", "error": None, "output": output, **more})


ANSWER = result(json.dumps(REPLY))


def play(*outcomes, wait_policy=None, **settings):
    """Play a queued chat with these outcomes."""
    wait_policy = wait_policy or WaitPolicy()
    return playing.play(*outcomes, slug="gpt-5", wait_policy=wait_policy, **settings)


def error_of(cls, *outcomes, **settings):
    """Return the error of a job that was submitted, and then answered with these outcomes."""
    with pytest.raises(cls) as caught:
        play(QUEUED, *outcomes, **settings)
    assert type(caught.value) is cls
    assert not caught.value.is_retryable
    return caught.value


# --- steps and waits -------------------------------------------------------------------------


def test_job_is_submitted_once_polled_and_collected_with_the_users_headers():
    played = play(QUEUED, WORKING, DONE, ANSWER, headers={"x-trace": "1"})

    assert played.text == "Hi."
    assert played.requests == [
        ("POST", f"{GATEWAY}/v2/gpt-5"),
        ("GET", f"{GATEWAY}/v2/requests/{ID}/status"),
        ("GET", f"{GATEWAY}/v2/requests/{ID}/status"),
        ("GET", f"{GATEWAY}/v2/requests/{ID}"),
    ]
    assert {step.request.headers["x-trace"] for step in played.steps} == {"1"}
    assert played.events == [("QUEUED", ID), ("PROCESSING", ID), ("COMPLETED", ID)]
    assert played.value.receipt.request_id == ID


@pytest.mark.parametrize(
    ("poll_interval", "waits"),
    [
        (0.5, [0, 0.5, 0.75, 1.125, 1.6875, 2.53125, 3.796875, 5.0, 5.0, 5.0, 0]),
        (9.0, [0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0]),
    ],
)
def test_waits_between_polls_grow_by_half_up_to_five_seconds(poll_interval, waits):
    played = play(
        QUEUED, *[WORKING] * 8, DONE, ANSWER, wait_policy=WaitPolicy(poll_interval=poll_interval)
    )

    assert played.waits == pytest.approx(waits)


def limited(seconds):
    return Response(429, {"retry-after": seconds})


@pytest.mark.parametrize(
    ("polls", "waits"),
    [
        ([limited("20"), limited("86400")], [0.5, 20, 1.125]),
        ([limited("0"), limited("0")], [0.5, 0.75, 1.125]),
    ],
)
def test_rate_limited_poll_waits_as_long_as_asked_within_reason(polls, waits):
    played = play(QUEUED, *polls, DONE, ANSWER)

    assert played.waits == pytest.approx([0, *waits, 0])


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
def test_queue_url_is_beside_the_api(base_url, queue):
    assert queue_url(base_url) == queue


@pytest.mark.parametrize(
    ("slug", "is_slow"),
    [
        ("gpt-5", True),
        ("deepseek-reasoner", True),
        ("qwq-plus", True),
        ("gpt-4o", False),
        ("gpt-5-nano", True),
        ("claude-4.5-sonnet", True),
        ("gemini-2.5-flash", True),
        ("gpt-4-turbo", False),
        ("gpt-5.1", False),
        ("glm-5.2", False),
        ("something-new", False),
    ],
)
def test_model_info_knows_slow_models(slug, is_slow):
    assert model_info_for(slug).is_slow is is_slow


# --- metrics ---------------------------------------------------------------------------------


def receipt_of(**more):
    return play(QUEUED, DONE, result("Hi.", **more)).value.receipt


def test_receipt_has_the_metrics_of_the_job():
    times = {"inference_time": 61.5, "queue_time": 2, "total_time": 63.5}

    receipt = receipt_of(metrics={"cost": "0.0012", "remaining_credits": 9.5, **times})

    assert (receipt.cost, receipt.remaining_credits) == (0.0012, 9.5)
    assert (receipt.generation_time, receipt.queue_time) == (61.5, 2)


@pytest.mark.parametrize("metrics", [None, [], "none", {}, {"cost": None}, {"cost": {"usd": 1}}])
def test_receipt_has_no_cost_when_metrics_are_missing_or_odd(metrics):
    assert receipt_of(metrics=metrics).cost is None


def test_receipt_falls_back_to_the_headers():
    headers = {"x-cost": "0.5", "x-request-id": "of-the-poll"}

    receipt = play(QUEUED, DONE, Response(200, headers, result("Hi.").body)).value.receipt

    assert (receipt.cost, receipt.request_id) == (0.5, ID)


# --- polls and results that fail -------------------------------------------------------------


@pytest.mark.parametrize("last", ["not_sent", "unknown"])
def test_bad_polls_are_counted_again_after_a_good_one(last):
    bad = Failure(last, "connection", "refused")

    played = play(QUEUED, *[bad] * 6, WORKING, *[bad] * 6, DONE, ANSWER)

    assert played.text == "Hi."
    assert [method for method, _ in played.requests].count("POST") == 1


def test_rate_limited_polls_do_not_raise_a_rate_limit_error():
    # A rate limit error would invite LangGraph to run the whole call again, and to pay again.
    error = error_of(SegmindServerError, *[Response(429)] * 7)

    assert not isinstance(error, SegmindRateLimitError)
    assert error.billed is None


def test_poll_that_was_cut_is_bad_even_if_it_can_be_read():
    cut = Response(200, body=b'{"status": "FAILED"}', fault="cut")

    assert play(QUEUED, cut, DONE, ANSWER).text == "Hi."


@pytest.mark.parametrize(
    ("outcomes", "job_state"),
    [
        ([response(FAILED, 422)], "FAILED"),
        ([DONE, response(FAILED, 422)], "FAILED"),
        ([WORKING, *[RESET] * 7], "PROCESSING"),
        ([DONE, result("")], "COMPLETED"),
        ([Response(401)], "QUEUED"),
    ],
)
def test_error_has_the_last_state_of_the_job(outcomes, job_state):
    with pytest.raises(SegmindError) as caught:
        play(QUEUED, *outcomes)

    assert (caught.value.job_state, caught.value.request_id) == (job_state, ID)


# --- deadlines -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "settings", "words"),
    [
        (
            [WORKING] * 99,
            {"wait_policy": WaitPolicy(timeout=9)},
            ["PROCESSING after 9 s", "queue_timeout", "get_job"],
        ),
        (
            [WORKING] * 99,
            {"retry_policy": RetryPolicy(total_timeout=4)},
            ["PROCESSING", "total_timeout"],
        ),
        (
            [DONE] + [UNAVAILABLE] * 5,
            {"wait_policy": WaitPolicy(timeout=2)},
            ["done", "could not be read"],
        ),
    ],
)
def test_error_names_the_deadline_that_passed(outcomes, settings, words):
    error = error_of(SegmindJobTimeoutError, *outcomes, **settings)

    assert error.request_id == ID
    assert all(word in str(error) for word in (ID, *words)), str(error)


def test_last_poll_is_sent_at_the_deadline_and_its_result_is_collected():
    # Polls at 0.5, 1.25, 2.375 and, instead of 4.0625, at 3.0, the deadline.
    played = play(QUEUED, *[WORKING] * 3, DONE, ANSWER, wait_policy=WaitPolicy(timeout=3.0))

    assert played.elapsed == pytest.approx(3.0)
    assert played.text == "Hi."


def test_total_timeout_includes_the_submission():
    limit = {"retry_policy": RetryPolicy(total_timeout=3.0)}
    error_of(SegmindJobTimeoutError, *[WORKING] * 99, takes=0.4, **limit)

    played = play(QUEUED, WORKING, DONE, ANSWER, takes=0.1, **limit)
    assert all(step.timeout <= 3.0 for step in played.steps)


def test_queue_timeout_starts_at_the_submission():
    wait_policy = WaitPolicy(timeout=3.0)

    played = play(UNAVAILABLE, QUEUED, WORKING, DONE, ANSWER, wait_policy=wait_policy, takes=1.0)

    assert played.text == "Hi."


def test_total_timeout_spans_a_second_submission():
    policy = RetryPolicy(total_timeout=10.0)
    outcomes = (QUEUED, REFUSED, AGAIN, DONE, ANSWER)

    played = play(*outcomes, request=WITH_TOOL, takes=1.0, retry_policy=policy)

    posts = [step for step in played.steps if step.request.method == "POST"]
    assert [step.timeout for step in posts] == pytest.approx([10.0, 7.5])
    assert [step.pool_timeout for step in posts] == pytest.approx([10.0, 7.5])


@pytest.mark.parametrize(
    ("polls", "settings", "timeouts"),
    [
        ([DONE], {"wait_policy": WaitPolicy(timeout=0.6)}, [1.0, 1.0]),
        ([WORKING, DONE], {"retry_policy": RetryPolicy(timeout=None)}, [30.0, 30.0]),
    ],
)
def test_poll_has_a_short_timeout(polls, settings, timeouts):
    played = play(QUEUED, *polls, ANSWER, **settings)

    assert [step.timeout for step in played.steps[1:3]] == timeouts


# --- jobs that fail --------------------------------------------------------------------------


def test_failed_job_that_cost_something_is_billed():
    broken = response({**FAILED, "metrics": {"cost": 0.01}}, 422)

    error = error_of(SegmindJobFailedError, broken)

    assert (error.outcome, error.billed, error.cost) == ("executed", True, 0.01)


def test_failed_job_that_was_billed_is_not_submitted_again_without_response_format():
    metrics = {"cost": 0.01, "remaining_credits": 4}
    billed = response({"status": "FAILED", "error": playing.NO_FORMAT, "metrics": metrics}, 422)

    error = error_of(SegmindJobFailedError, billed, request=WITH_TOOL)

    assert (error.billed, error.remaining_credits) == (True, 4)


def test_job_that_fails_for_its_response_format_is_submitted_without():
    played = play(QUEUED, WORKING, REFUSED, AGAIN, DONE, ANSWER, request=WITH_TOOL)

    assert ["response_format" in body for body in played.bodies] == [True, False]
    assert (played.value.receipt.request_id, played.value.refused_format) == ("job-2", "*")
    # The failure is reported before the second submission is sent.
    before = [("QUEUED", ID), ("PROCESSING", ID), ("FAILED", ID)]
    assert played.events == [*before, ("QUEUED", "job-2"), ("COMPLETED", "job-2")]
    assert (played.steps[3].request.method, played.steps[3].event.state) == ("POST", "FAILED")


def test_second_submission_has_all_its_retries():
    outcomes = (QUEUED, REFUSED, UNAVAILABLE, UNAVAILABLE, QUEUED, DONE, ANSWER)

    assert play(*outcomes, request=WITH_TOOL).text == "Hi."


@pytest.mark.parametrize(
    "fields",
    [
        {"error": "prompt is too long"},
        {"error": f"{'at a line, ' * 100} prompt is too long"},
        {"error": None, "output": '{"error": {"message": "prompt is too long"}}'},
        {"error": "", "output": "prompt is too long"},
    ],
)
def test_job_whose_prompt_is_too_long_raises_a_context_overflow(fields):
    too_long = response({"status": "FAILED", **fields}, 422)

    assert error_of(SegmindContextOverflowError, too_long).request_id == ID


# --- the submission --------------------------------------------------------------------------


@pytest.mark.parametrize("job_id", [17, "17"])
def test_job_id_may_be_a_number(job_id):
    played = play(response({"request_id": job_id}), DONE, ANSWER)

    assert played.value.receipt.request_id == "17"


def test_job_id_is_read_from_a_reply_that_was_cut():
    cut = Response(200, body=b'{"request_id": "job-1", "status": "QUE', fault="cut")

    with pytest.raises(SegmindResponseError) as caught:
        play(cut)

    assert caught.value.request_id == ID


def test_ambiguous_submissions_are_counted():
    policy = RetryPolicy(retry_ambiguous=True)

    played = play(RESET, RESET, QUEUED, DONE, ANSWER, retry_policy=policy)
    assert played.value.receipt.ambiguous_attempts == 2

    for outcomes, attempts in (([DONE, result("")], 4), ([UNAVAILABLE] * 7, 9)):
        with pytest.raises(SegmindError) as caught:
            play(RESET, QUEUED, *outcomes, retry_policy=policy)
        error = caught.value
        assert (error.ambiguous_attempts, error.attempts, error.retry_after) == (1, attempts, None)


# --- submit and fetch alone ------------------------------------------------------------------

NO_PROMPT = call_of(ChatRequest(()), "gpt-5", wait_policy=WaitPolicy())


def test_submit_returns_the_job():
    played = Played(submit(call_of(slug="gpt-5")), [QUEUED])

    assert played.value.job.id == ID
    assert played.requests == [("POST", f"{GATEWAY}/v2/gpt-5")]


@pytest.mark.parametrize(
    ("states", "waits"), [([DONE], [0, 0]), ([WORKING, WORKING, DONE], [0, 0.5, 0.75, 0])]
)
def test_fetch_polls_at_once_and_waits_for_a_running_job(states, waits):
    played = Played(fetch(ID, NO_PROMPT), [*states, ANSWER])

    assert played.text == "Hi."
    assert played.waits == waits


def test_fetch_of_an_expired_job_raises_not_found():
    with pytest.raises(SegmindJobNotFoundError, match="expired") as caught:
        Played(fetch(ID, NO_PROMPT), [Response(404, body=b'{"error": "job-1 not found"}')] * 7)

    assert caught.value.request_id == ID


@pytest.mark.parametrize("job_id", ["", "../x", "a/b", "ä", "x" * 129, "a b"])
def test_fetch_refuses_an_invalid_id_before_anything_is_sent(job_id):
    with pytest.raises(SegmindInvalidRequestError, match="request_id") as caught:
        next(fetch(job_id, NO_PROMPT))

    assert caught.value.outcome == "not_sent"


@pytest.mark.parametrize("decision", [{"tool_needed": True}, {}], ids=["free", "forced"])
def test_fetch_parses_tool_calls_although_the_prompt_is_unknown(decision):
    envelope = {**decision, "reply": [{"name": "add", "arguments": {"a": 1}}]}

    played = Played(fetch(ID, NO_PROMPT), [DONE, result(json.dumps(envelope))])

    (call,) = played.value.response.choices[0].calls
    assert (call.name, call.arguments) == ("add", {"a": 1})


@pytest.mark.parametrize("text", ['{"reply": "Hi."}', '{"reply": [{"name": "Ada"}]}'])
def test_fetch_leaves_other_json_as_it_is(text):
    assert Played(fetch(ID, NO_PROMPT), [DONE, result(text)]).text == text


@pytest.mark.parametrize(
    ("outcomes", "name"),
    [
        ([WORKING], "PROCESSING"),
        ([UNAVAILABLE, DONE], "COMPLETED"),
        ([response(FAILED, 422)], "FAILED"),
    ],
)
def test_state_returns_the_name_of_the_state(outcomes, name):
    assert Played(state(ID, NO_PROMPT.endpoint), outcomes).value == name


def test_job_abandoned_at_its_first_event_is_logged(caplog):
    caplog.set_level(logging.INFO, "langchain_segmind")
    flow = chat(call_of(slug="gpt-5", wait_policy=WaitPolicy()))
    next(flow)
    step = flow.send(Reply(QUEUED))
    assert step.event == JobEvent("QUEUED", ID, "gpt-5", 0.0)

    flow.close()

    levels = [(record.levelname, ID in record.getMessage()) for record in caplog.records]
    assert levels == [("INFO", True), ("WARNING", True)]
    assert f"get_job('{ID}').result()" in caplog.records[1].getMessage()
