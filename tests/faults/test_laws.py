"""Laws that hold for any script of faults."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from langchain_segmind import ChatSegmind, SegmindError
from tests.faults import server as does
from tests.faults.catalog.queue import GOOD, QUEUE
from tests.faults.catalog.scenario import BUSY, NOW
from tests.faults.checks import DRIVERS, KEY, assert_fit_to_show, play
from tests.faults.server import JOB, FaultServer, answer, head, reply, sends

on_sockets = settings(max_examples=25)

ACTS = {
    "busy": reply(503, BUSY, NOW),
    "early": reply(425, BUSY, NOW),
    "limited": reply(429, BUSY, NOW),
    "own 500": reply(500, BUSY, NOW),
    "front 500": reply(500, b"<html>", NOW, runs=True),
    "502": reply(502, b"<html>", NOW, runs=True),
    "504": reply(504, BUSY, NOW),
    "401": reply(401, BUSY),
    "404": reply(404, BUSY),
    "redirect": reply(307, b"", {"Location": "/v1/m"}),
    "cut": does.cut,
    "HTML": reply(200, b"<html>", runs=True),
    "nothing": reply(200, b"", runs=True),
    "filtered": reply(200, {"choices": []}, runs=True),
    "answer": answer(),
}
NO_HINT = {  # these would be waited for, where repeating them is opted in
    "reset": does.reset,
    "closed": does.close,
    "garbage": sends(b"what?\r\n\r\n"),
    "cut head": sends(b"HTTP/1.1 200 OK\r\nContent-"),
}
SUBMITS = {
    "busy": reply(503, BUSY, NOW),
    "502": reply(502, BUSY, NOW, runs=True),
    "HTML": reply(200, b"<html>", runs=True),
    "bad id": reply(200, {"request_id": "../x"}, runs=True),
    "taken": reply(200, {"request_id": JOB}, runs=True),
}
POLLS = {
    "waiting": reply(200, {"status": "QUEUED"}),
    "busy": reply(503, BUSY),
    "404": reply(404, BUSY),
    "reset": does.abort,
    "HTML": reply(200, b"<html>"),
    "FAILED": reply(422, {"status": "FAILED", "error": "no"}),
    "401": reply(401, BUSY),
    "done": reply(200, {"status": "COMPLETED"}),
}


def script(acts, longest=4):
    return st.lists(st.sampled_from(sorted(acts)), max_size=longest)


def play_both(scripts, **settings):
    """Play the same on both drivers; return what they agree on."""
    ends = []
    for driver in DRIVERS:
        with FaultServer(scripts) as server:
            end = play(driver, server.url, **settings)
        error, facts = end.error, None
        if error is not None:
            assert_fit_to_show(error, "")
            facts = type(error), error.outcome, error.attempts, error.ambiguous_attempts
        ends.append((end.text, facts, server.requests, server.executions))
    assert ends[0] == ends[1]
    return ends[0]


@on_sockets
@given(script(ACTS | NO_HINT), st.integers(0, 3))
@example(["busy", "502", "answer"], 3)
@example(["cut"], 3)
def test_model_never_runs_twice(names, retries):
    acts = [*((ACTS | NO_HINT)[name] for name in names), answer()]

    text, error, requests, executions = play_both({"m": acts}, max_retries=retries)

    assert executions["m"] <= 1
    assert requests["m"] <= retries + 1
    assert (text == "fine") is (error is None)
    if text is not None:
        assert executions["m"] == 1
    elif error[1] in ("not_sent", "rejected"):
        assert executions["m"] == 0


@on_sockets
@given(script(ACTS), st.integers(0, 3))
@example(["502", "502", "504"], 3)
def test_ambiguous_attempts_are_counted_when_retries_are_opted_in(names, retries):
    acts = [*(ACTS[name] for name in names), answer()]

    text, error, requests, executions = play_both(
        {"m": acts}, max_retries=retries, retry_ambiguous=True
    )

    assert executions["m"] <= requests["m"] <= retries + 1
    if text is None and error[1] in ("not_sent", "rejected"):
        assert executions["m"] <= error[3]


@on_sockets
@given(script(SUBMITS, 3), script(POLLS, 8), st.booleans())
@example(["taken"], ["404"] * 7, False)
@example(["502"], ["done"], True)
def test_job_is_never_submitted_twice(submits, polls, waits):
    scripts = {
        "m": [*(SUBMITS[name] for name in submits), SUBMITS["taken"]],
        "status": [*(POLLS[name] for name in polls), POLLS["done"]],
        "result": [POLLS["busy"], GOOD] if waits else [GOOD],
    }

    text, error, requests, executions = play_both(scripts, **QUEUE)

    assert executions["m"] <= 1
    assert (text == "fine") is (error is None)
    if requests["status"]:
        assert executions["m"] == 1
        assert requests["status"] + requests["result"] <= len(polls) + 3


@on_sockets
@given(st.sampled_from([200, 201, 400, 401, 404, 406, 422, 502]), st.binary(max_size=300))
@example(200, b'{"choices": [{"message": {"content": "\xff\\ud800"}}]}')
@example(406, b'{"error": "\x1b[31m\\u2028 credits"}')
def test_any_body_has_the_same_result_on_both_drivers(status, body):
    _, _, requests, _ = play_both({"m": [reply(status, body)]})

    assert requests["m"] == 1


values = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30)


@on_sockets
@given(
    st.sampled_from([200, 400]),
    st.dictionaries(
        st.sampled_from(
            (
                *("Retry-After", "X-Cost", "X-Remaining-Credits", "X-Request-Id", "Date", "Server"),
                *("Set-Cookie", "Content-Type", "Location", "WWW-Authenticate", "Keep-Alive"),
            )
        ),
        values,
        max_size=4,
    ),
)
def test_any_header_has_the_same_result_on_both_drivers(status, headers):
    raw = b'{"choices": [{"message": {"content": "fine"}}]}'
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
    act = sends(head(status, {}, len(raw)).replace(b"\r\n", b"\r\n" + lines, 1) + raw)

    text, _, requests, _ = play_both({"m": [act]})

    assert requests["m"] == 1
    assert text == ("fine" if status == 200 else None)


configurations = st.text(max_size=40) | st.sampled_from(
    ["http://127.0.0.1/v1", "https://h/v1", "https://u:p@h/v1", "//h/v1", "http://[::1]/v1"]
).flatmap(lambda url: st.text(max_size=5).map(lambda end: url + end))


def built(**settings):
    """Return a model, or the text of the error."""
    try:
        return ChatSegmind(**{"model": "m", "api_key": KEY, **settings})
    except ValueError as error:
        return f"{error}{error!r}"


@pytest.mark.parametrize("field", ["base_url", "proxy", "model", "family", "verify", "stop"])
@given(value=configurations)
def test_any_text_configures_a_field_or_is_refused_by_its_name(field, value):
    model = built(**{field: value})

    assert isinstance(model, ChatSegmind) or field in model
    assert KEY not in str(model) + repr(model)


@given(st.text(st.characters(), min_size=8))
def test_any_key_is_accepted_or_refused_without_showing_it(key):
    model = built(api_key=key)

    assert isinstance(model, str) or model.api_key.get_secret_value() == key.strip()
    another = built(api_key="another key".replace(" ", "-"))
    if key.strip() not in str(another) + repr(another):  # a word that every model shows
        assert key.strip() not in str(model) + repr(model)


@given(st.text(max_size=200))
def test_any_echo_of_the_key_is_redacted(text):
    error = SegmindError(f"{text}{KEY}", body=f"{KEY}{text}", headers={"server": KEY})

    error.hide(KEY)

    assert KEY not in str(error) + repr(vars(error)) + repr(error.args)
