"""Tools that watch or replace HTTP traffic see the calls, as with plain requests or aiohttp."""

import contextlib
import json
from typing import cast

import pytest
import requests
import requests_mock
import responses
import sentry_sdk
import yaml
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from responses.matchers import header_matcher
from vcr import VCR
from vcr.errors import CannotOverwriteExistingCassetteException

from langchain_segmind import (
    SegmindConnectionError,
    SegmindInvalidRequestError,
    SegmindServerError,
    SegmindTimeoutError,
)
from tests.faults.catalog.queue import DONE, GOOD, QUEUE, SUBMITTED
from tests.faults.catalog.scenario import BUSY
from tests.faults.checks import KEY, both_drivers, build, call
from tests.faults.server import ANSWER, FaultServer, answer, hang, refused, reply, reset
from tests.integration.test_secrets import SECRETS, interrupted
from tests.integration.test_tls_and_proxies import CA, certified

URL = "https://gateway.example/v1"
FINE = json.dumps(ANSWER)


# --- OpenTelemetry ---------------------------------------------------------------------------

INSTRUMENTED = [
    ("sync", RequestsInstrumentor),
    ("sync", URLLib3Instrumentor),
    ("async", AioHttpClientInstrumentor),
]
instrumented = pytest.mark.parametrize(("driver", "instrumentor"), INSTRUMENTED)


@contextlib.contextmanager
def tracing(instrumentor, **settings):
    """Instrument a library, and yield the exporter of its spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor().instrument(tracer_provider=provider, **settings)
    try:
        yield exporter
    finally:
        instrumentor().uninstrument()


def announced_spans(server):
    """Return the trace and span that each request names in its header."""
    return [seen.headers["traceparent"].split("-")[1:3] for seen in server.seen]


def ids(spans):
    return [[f"{s.context.trace_id:032x}", f"{s.context.span_id:016x}"] for s in spans]


@instrumented
def test_every_request_has_a_span_and_its_traceparent(driver, instrumentor):
    busy_then_fine = [reply(503, BUSY), answer()]
    with FaultServer({"m": busy_then_fine}) as server, tracing(instrumentor) as exporter:
        model = build(server.url, default_headers={"X-Team": "blue"})
        assert call(driver, model, "hi").text == "fine"

    spans = exporter.get_finished_spans()
    assert [span.kind for span in spans] == [SpanKind.CLIENT] * 2
    assert [span.attributes["http.status_code"] for span in spans] == [503, 200]
    assert announced_spans(server) == ids(spans)
    assert {seen.headers["x-team"] for seen in server.seen} == {"blue"}
    assert KEY not in "".join(span.to_json() for span in spans)


@instrumented
def test_every_request_of_a_job_has_a_span(driver, instrumentor):
    script = {"m": [SUBMITTED], "status": [DONE], "result": [GOOD]}
    with FaultServer(script) as server, tracing(instrumentor) as exporter:
        call(driver, build(server.url, **QUEUE), "hi")

    spans = exporter.get_finished_spans()
    assert len(spans) == len(server.seen) == 3
    assert announced_spans(server) == ids(spans)


@instrumented
def test_span_of_a_failed_connection_is_ended_and_the_error_is_ours(driver, instrumentor):
    with (
        refused() as url,
        tracing(instrumentor) as exporter,
        pytest.raises(SegmindConnectionError),
    ):
        call(driver, build(url, max_retries=0), "hi")

    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok


def test_hook_may_read_the_reply_before_we_do():
    read = []

    def hook(_span, request, response):
        read.append((request.headers["X-API-Key"], response.headers["content-TYPE"], response.text))

    compressed = reply(200, FINE.encode(), {"Content-Type": "application/json"})
    with (
        FaultServer({"m": [compressed]}) as server,
        tracing(RequestsInstrumentor, response_hook=hook),
    ):
        assert call("sync", build(server.url), "hi").text == "fine"

    assert read == [(KEY, "application/json", FINE)]


# --- Sentry ----------------------------------------------------------------------------------


@both_drivers
def test_sentry_event_with_locals_hides_every_secret(driver):
    events = []
    sentry_sdk.init(
        "http://public@127.0.0.1:9/1",
        before_send=lambda event, _: events.append(event),  # sends nothing
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=True,
    )
    try:
        sentry_sdk.capture_exception(interrupted(driver, "forwarded by a proxy"))
        sentry_sdk.flush()
    finally:
        sentry_sdk.get_global_scope().set_client(None)

    (event,) = events
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    ours = [frame for frame in frames if "tests/integration" not in frame["abs_path"]]
    assert any(frame["vars"].get("headers") for frame in ours)
    assert not [secret for secret in SECRETS if secret in json.dumps(ours)]


# --- VCR -------------------------------------------------------------------------------------


def cassette_of(path, mode, **settings):
    return VCR(match_on=["method", "uri", "body"]).use_cassette(
        str(path), record_mode=mode, **settings
    )


@pytest.fixture(params=["http", "https"])
def scheme(request, tmp_path):
    authorities = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(authorities))
    settings = {"verify": str(authorities)} if request.param == "https" else {}
    return {"tls": certified("127.0.0.1") if settings else None}, settings


@both_drivers
def test_vcr_records_calls_and_replays_them(driver, scheme, tmp_path):
    server_settings, settings = scheme
    path = tmp_path / "calls.yaml"
    script = {"m": [reply(503, BUSY), answer()]}
    with FaultServer(script, **server_settings) as server:
        model = build(server.url, default_headers={"X-Team": "blue"}, **settings)
        with cassette_of(path, "once", filter_headers=["x-api-key"]):
            assert call(driver, model, "hi").text == "fine"
        assert server.requests["m"] == 2
        with cassette_of(path, "none") as replayed:
            assert call(driver, model, "hi").text == "fine"
        assert (replayed.play_count, server.requests["m"]) == (2, 2)
        assert call(driver, model, "hi").text == "fine"  # it is ours again

    assert server.requests["m"] == 3
    assert KEY not in path.read_text()
    assert len(yaml.safe_load(path.read_text())["interactions"]) == 2


@both_drivers
def test_vcr_writes_header_values_that_it_does_not_filter_as_text(driver, tmp_path):
    path = tmp_path / "calls.yaml"
    with FaultServer({"m": [answer()]}) as server, cassette_of(path, "once"):
        call(driver, build(server.url, default_headers={"X-Team": "blue"}), "hi")

    headers = yaml.safe_load(path.read_text())["interactions"][0]["request"]["headers"]
    assert (headers["X-Team"], headers["x-api-key"]) == (["blue"], [KEY])


@both_drivers
def test_vcr_holds_every_call_in_that_is_not_on_the_cassette(driver, tmp_path):
    with FaultServer({"m": [answer()]}) as server:
        model = build(server.url)
        assert model.invoke("hi").text == "fine"  # a connection that could be used again
        with cassette_of(tmp_path / "none.yaml", "none"):
            for queue in (False, True):
                with pytest.raises(CannotOverwriteExistingCassetteException):
                    call(driver, build(server.url, queue=queue), "hi")
            with pytest.raises(CannotOverwriteExistingCassetteException):
                call(driver, model, "hi")

    assert server.requests["m"] == 1


@pytest.mark.parametrize(
    ("act", "error"), [(reset, SegmindConnectionError), (hang, SegmindTimeoutError)]
)
@both_drivers
def test_call_that_vcr_sends_is_not_retried_when_its_answer_is_lost(driver, tmp_path, act, error):
    with (
        FaultServer({"m": [act]}) as server,
        cassette_of(tmp_path / "lost.yaml", "once"),
        pytest.raises(error) as caught,
    ):
        call(driver, build(server.url, timeout=1), "hi")

    assert (caught.value.outcome, server.requests["m"]) == ("unknown", 1)


# --- mocks -----------------------------------------------------------------------------------


@responses.activate
def test_responses_answers_calls_and_sees_their_headers():
    matches = [header_matcher({"x-api-key": KEY})]
    responses.post(f"{URL}/m", status=503, json={"error": "busy"}, match=matches)
    responses.post(f"{URL}/m", json=ANSWER, headers={"X-Cost": "0.5"}, match=matches)

    result = call("sync", build(URL), "hi")

    assert (result.text, result.response_metadata["cost"]) == ("fine", 0.5)
    bodies = [json.loads(cast(bytes, made.request.body)) for made in responses.calls]
    assert bodies == [{"messages": [{"role": "user", "content": "hi"}]}] * 2


@responses.activate
def test_responses_error_and_unexpected_call_are_our_errors():
    responses.post(f"{URL}/m", status=400, json={"error": "no"})
    with pytest.raises(SegmindInvalidRequestError):
        call("sync", build(URL), "hi")

    responses.reset()
    with pytest.raises(SegmindConnectionError, match="Connection refused by Responses"):
        call("sync", build(URL, max_retries=0), "hi")


@responses.activate
def test_responses_lets_chosen_addresses_through():
    with FaultServer({"m": [answer()]}) as server:
        responses.add_passthru(server.url)
        assert call("sync", build(server.url), "hi").text == "fine"

    assert server.requests["m"] == 1


def test_requests_mock_answers_calls():
    with requests_mock.Mocker() as mock:
        mock.post(f"{URL}/m", request_headers={"X-API-Key": KEY}, json=ANSWER)
        assert call("sync", build(URL), "hi").text == "fine"
        mock.post(f"{URL}/m", status_code=500, text="<html>")
        with pytest.raises(SegmindServerError):
            call("sync", build(URL), "hi")

    assert mock.call_count == 2


def test_replaced_send_of_requests_answers_calls(monkeypatch):
    made = requests.Response()
    made.status_code, made._content = 200, FINE.encode()
    monkeypatch.setattr(requests.Session, "send", lambda *_, **__: made)

    assert call("sync", build(URL), "hi").text == "fine"
