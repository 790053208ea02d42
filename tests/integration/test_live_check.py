"""The live check, run on a local gateway: what it finds, spends, keeps and hides."""

import io
import os
import re
import signal
from collections.abc import Mapping
from typing import Any

import pytest

from langchain_segmind.testing import EchoModel, LocalGateway, Reply, Usage
from tests.live import check
from tests.live.probes import UNKNOWNS, probes
from tests.live.spending import LIMIT

UNKNOWN_LOCALLY = {"the longest direct call"}
"""Questions that a gateway on this machine cannot answer."""


class Counting:
    """The echo model, which can also count and reason."""

    def __init__(self, headers: Mapping[str, str | None] | None = None) -> None:
        self.headers = headers or {}

    def respond(self, request):
        asked = request.turns[-1].text if request.turns else ""
        if request.slug == "deepseek-reasoner":
            return Reply("391", reasoning="17 times 20 and 17 times 3.", headers=self.headers)
        if last := re.search(r"numbers from 1 to (\d+)", asked):
            numbers = [str(n) for n in range(1, int(last[1]) + 1)]
            most = request.settings.get("max_tokens", 10_000)
            reason = "length" if most < len(numbers) else "stop"
            usage = Usage(20, min(most, 3 * len(numbers)))
            return Reply(" ".join(numbers[:most]), reason, usage=usage, headers=self.headers)
        if asked == "What is my name?" and "zanzibar" in _system(request):
            return Reply("zanzibar", headers=self.headers)
        return EchoModel().respond(request)


def _system(request):
    later = (turn.text for turn in request.turns if turn.role == "system")
    return " ".join([request.system, *later]).lower()


class Expensive:
    """Answers anything, for more than any list price."""

    def __init__(self, headers: Mapping[str, str | None] | None = None) -> None:
        self.headers = headers or {}

    def respond(self, request):
        return Reply("Hello.", usage=Usage(10_000, 2_000), headers=self.headers)  # 0.018 USD


@pytest.fixture
def checked(monkeypatch, capsys, tmp_path):
    """Check a gateway; return the exit code, what was printed and the report."""

    def run(gateway, answer=None, **environment):
        report = tmp_path / "report.md"
        address = {"SEGMIND_API_BASE": gateway.base_url, "SEGMIND_API_KEY": gateway.api_key}
        given = {**address, "REPORT": str(report), "PAUSE": "0", "YES": "1", **environment}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        if answer is not None:
            monkeypatch.delenv("YES")
            monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        code = check.main()
        return code, "".join(capsys.readouterr()), report.read_text() if report.exists() else ""

    return run


def rows(report: str) -> dict[str, dict[str, Any]]:
    """Parse the table of a report, by question."""
    lines = [line.strip("|").split("|") for line in report.splitlines() if line.startswith("|")]
    names, _, *cells = [[cell.strip() for cell in line] for line in lines]
    return {row["question"]: row for row in (dict(zip(names, c, strict=True)) for c in cells)}


def column(report, name):
    return {question: row[name] for question, row in rows(report).items()}


# --- what it finds ---------------------------------------------------------------------------


def test_every_question_agrees_when_the_gateway_is_as_assumed(checked):
    with LocalGateway(responder=Counting(), honor_stop=True) as gateway:
        code, printed, report = checked(gateway)

    results = column(report, "result")
    others = {question: r for question, r in results.items() if r != "agrees"}
    assert code == 0
    assert others == dict.fromkeys(UNKNOWN_LOCALLY, "unknown")
    assert len(results) == len([*probes()])
    for question in results:
        assert question in printed


def test_differences_are_reported(checked):
    with LocalGateway(
        responder=Counting({"x-cost": None, "x-request-id": None}),
        forward_tools=True,
        refuses_format=["qwen-flash", "gpt-5.4-nano"],
        embedding_reply="data",
        retired=["llama-v3p1-8b-instruct"],
        models={"claude-4-sonnet": "openai"},
    ) as gateway:
        _, _, report = checked(gateway)

    differ = {q for q, result in column(report, "result").items() if result == "differs"}
    assert differ >= {
        "the catalog",
        "json_schema, qwen-flash",
        "json_schema, gpt-5.4-nano",
        "json_schema, llama-v3p1-8b-instruct",
        "role system, claude-4-sonnet",
        "`instruction`, claude-4-sonnet",
        "json_object, claude-4-sonnet",
        "tools, qwen-flash",
        "settings of llama-v3p1-8b-instruct",
        "stop, qwen-flash",
        "the vector of text-embedding-3-small",
        "headers of an answer",
    }
    seen = column(report, "seen")
    assert "gone: ['llama-v3p1-8b-instruct']" in seen["the catalog"]
    assert "native calls" in seen["tools, qwen-flash"]
    assert "1536 numbers, `data[0].embedding`" in seen["the vector of text-embedding-3-small"]
    assert "410" in seen["settings of llama-v3p1-8b-instruct"]
    assert "not on every answer: ['x-cost', 'x-request-id']" in seen["headers of an answer"]


def test_refused_settings_are_named(checked):
    class Choosy(Counting):
        def respond(self, request):
            if {"top_k", "seed"} & request.settings.keys():
                return Reply(status=400, body={"error": "no such setting here"})
            return super().respond(request)

    with LocalGateway(responder=Choosy()) as gateway:
        _, _, report = checked(gateway)

    row = rows(report)["settings of qwen-flash"]
    assert row["result"] == "differs"
    assert re.findall(r"(\w+) \(400", row["seen"]) == ["top_k", "seed"]


def test_every_unknown_is_asked_and_reported_even_without_an_answer(checked):
    with LocalGateway(credits=0) as gateway:
        _, _, report = checked(gateway)

    assert [*UNKNOWNS] == [*range(1, 13)]
    for number, what in UNKNOWNS.items():
        found = [row["result"] for row in rows(report).values() if row["#"] == str(number)]
        assert found, what
        line = f"{number}. {what}: {', '.join(found)}\n"
        assert line in report.split("## The unknowns")[1] + "\n"


def test_rate_limit_is_waited_out_and_reported(checked):
    with LocalGateway(responder=Counting(), honor_stop=True) as gateway:
        gateway.fail(status=429, slug="gpt-5.4-nano")
        _, _, report = checked(gateway)

    assert rows(report)["json_schema, gpt-5.4-nano"]["result"] == "agrees"
    row = rows(report)["rate limit of an ordinary answer"]
    assert row["result"] == "differs"
    assert "1 of them 429; ['x-rate-limit-reset-at-utc: 20" in row["seen"]


def test_odd_and_lost_replies_are_reported(checked):
    with LocalGateway(responder=Counting(), honor_stop=True) as gateway:
        gateway.fail(drop="after_run", slug="deepseek-chat")
        gateway.fail(status=200, body=b"\xff<html>", slug="llama-v3p1-8b-instruct")
        gateway.fail(status=200, body=[1, 2], slug="text-embedding-3-small")
        gateway.fail(status=200, body={"request_id": None}, on="submit")
        _, _, report = checked(gateway)

    seen = column(report, "seen")
    assert len(seen) == len([*probes()])
    assert seen["json_schema, deepseek-chat"] == "no answer came: ConnectionError"
    assert "this package cannot read it" in seen["json_schema, llama-v3p1-8b-instruct"]
    assert seen["the vector of text-embedding-3-small"] == "2 numbers, which are the whole body"
    assert "request_id must be a job's id" in seen["a job"]


# --- what it spends --------------------------------------------------------------------------


def test_reported_cost_is_what_the_gateway_charged(checked):
    with LocalGateway(responder=Counting()) as gateway:
        _, printed, report = checked(gateway)
        charged = 10 - gateway.credits

    assert sum(float(row["USD"]) for row in rows(report).values()) == pytest.approx(
        charged, abs=3e-5
    )
    assert f"${charged:.6f} of $0.05 were spent" in printed
    assert gateway.executions > 30


@pytest.mark.parametrize("headers", [{}, {"x-cost": None, "x-remaining-credits": None}])
def test_check_ends_before_its_limit_when_the_gateway_is_expensive(checked, headers):
    with LocalGateway(responder=Expensive(headers)) as gateway:
        code, _, report = checked(gateway)

    assert code == 0
    assert gateway.executions == 2
    assert 10 - gateway.credits <= LIMIT
    assert rows(report)["an answer of gemini-2.5-flash-lite"]["seen"].startswith(
        "not asked: $0.0360"
    )
    assert column(report, "result")["max_tokens of claude-4-sonnet when not set"] == "unknown"
    assert column(report, "result")["rate limit of an ordinary answer"] == "agrees"


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes please\n"])
def test_nothing_is_sent_without_consent(checked, answer):
    with LocalGateway() as gateway:
        code, printed, report = checked(gateway, answer)

    assert (code, report) == (1, "")
    assert "ends before $0.05" in printed
    assert "Nothing was asked" in printed
    assert [request.path for request in gateway.requests] == ["/v1/get-user-credits"]


def test_consent_can_be_typed(checked):
    with LocalGateway(credits=0) as gateway:
        code, _, report = checked(gateway, "y\n")

    assert code == 0
    assert rows(report)


@pytest.mark.parametrize(
    ("key", "exit_code", "words"),
    [
        ("", 2, "SEGMIND_API_KEY is not set"),
        ("  ", 2, "SEGMIND_API_KEY is not set"),
        ("SG_wrong", 1, "nothing was asked"),
        ("SG two words", 1, "nothing was asked"),
    ],
)
def test_no_model_is_called_without_a_valid_key(checked, key, exit_code, words):
    with LocalGateway() as gateway:
        code, printed, report = checked(gateway, SEGMIND_API_KEY=key)

    assert (code, report) == (exit_code, "")
    assert words in printed
    assert not key.strip() or key not in printed
    assert {r.path for r in gateway.requests} <= {"/v1/get-user-credits"}
    assert key.strip() or not gateway.requests


# --- what it keeps and hides -----------------------------------------------------------------


def test_key_is_neither_printed_nor_written(checked):
    with LocalGateway(responder=Counting()) as gateway:
        gateway.fail(
            status=400,
            times=3,
            body={"error": f"{gateway.api_key} may not"},
            headers={"X-Echo": gateway.api_key, "Set-Cookie": "session=secret"},
        )
        gateway.fail(status=400, body=gateway.api_key, slug="deepseek-chat")
        _, printed, report = checked(gateway)

    assert gateway.api_key not in printed + report
    assert "session=secret" not in report
    assert "(the key)" in printed
    assert "(the key)" in report


def test_results_are_kept_when_the_check_is_interrupted(checked):
    class Interrupting(Counting):
        questions = 0

        def respond(self, request):
            self.questions += 1
            if self.questions == 5:
                os.kill(os.getpid(), signal.SIGINT)
            return super().respond(request)

    with LocalGateway(responder=Interrupting()) as gateway:
        code, printed, report = checked(gateway)

    assert code == 0
    assert "Interrupted" in printed
    assert 5 <= len(rows(report)) < len([*probes()])
    assert "json_schema" in report


def test_report_has_every_request_and_reply(checked):
    with LocalGateway(responder=Counting()) as gateway:
        _, _, report = checked(gateway)

    log = report.split("## Every request and reply")[1]
    assert '"candidates": [{"index": 0' in log
    assert "x-remaining-credits: 9.9" in log
    assert re.search(r"### GET \S+/v2/requests/\S+/status", log)
    assert len(report) < 500_000
