"""The check of the live gateway, made of a local one: what it finds, spends, keeps and hides."""

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
from tests.live.purse import LIMIT

NOWHERE_LEARNT = {"the longest direct call"}
"""What a gateway on one's own machine cannot tell."""


class Counting:
    """The stand-in, which can count and think as well."""

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


class Dear:
    """Answers anything, for a price beyond all lists."""

    def __init__(self, headers: Mapping[str, str | None] | None = None) -> None:
        self.headers = headers or {}

    def respond(self, request):
        return Reply("Hello.", usage=Usage(10_000, 2_000), headers=self.headers)  # 0.018 USD


@pytest.fixture
def checked(monkeypatch, capsys, tmp_path):
    """Check a gateway, and give the exit code, what was printed and what was written."""

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
    """The table of a report, by question."""
    lines = [line.strip("|").split("|") for line in report.splitlines() if line.startswith("|")]
    names, _, *cells = [[cell.strip() for cell in line] for line in lines]
    return {row["question"]: row for row in (dict(zip(names, c, strict=True)) for c in cells)}


def verdicts(report):
    return {question: row["verdict"] for question, row in rows(report).items()}


# --- what it finds ---------------------------------------------------------------------------


def test_a_gateway_that_is_as_assumed_agrees_in_everything(checked):
    with LocalGateway(responder=Counting(), honor_stop=True) as gateway:
        code, printed, report = checked(gateway)

    told = verdicts(report)
    assert code == 0
    assert {q: v for q, v in told.items() if v != "agrees"} == dict.fromkeys(
        NOWHERE_LEARNT, "unknown"
    )
    assert len(told) == len([*probes()])
    for question in told:
        assert question in printed


def test_what_is_otherwise_is_told_as_otherwise(checked):
    with LocalGateway(
        responder=Counting({"x-cost": None, "x-request-id": None}),
        forward_tools=True,
        refuses_format=["qwen-flash", "gpt-5.4-nano"],
        embedding_reply="data",
        retired=["llama-v3p1-8b-instruct"],
        models={"claude-4-sonnet": "openai"},
    ) as gateway:
        _, _, report = checked(gateway)

    differ = {question for question, verdict in verdicts(report).items() if verdict == "differs"}
    assert differ >= {
        "the catalogue",
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
    seen = {question: row["seen"] for question, row in rows(report).items()}
    assert "gone: ['llama-v3p1-8b-instruct']" in seen["the catalogue"]
    assert "native calls" in seen["tools, qwen-flash"]
    assert "1536 numbers, `data[0].embedding`" in seen["the vector of text-embedding-3-small"]
    assert "410" in seen["settings of llama-v3p1-8b-instruct"]
    assert "not on every answer: ['x-cost', 'x-request-id']" in seen["headers of an answer"]


def test_settings_that_a_model_refuses_are_named(checked):
    class Choosy(Counting):
        def respond(self, request):
            if {"top_k", "seed"} & request.settings.keys():
                return Reply(status=400, body={"error": "no such setting here"})
            return super().respond(request)

    with LocalGateway(responder=Choosy()) as gateway:
        _, _, report = checked(gateway)

    row = rows(report)["settings of qwen-flash"]
    assert row["verdict"] == "differs"
    assert re.findall(r"(\w+) \(400", row["seen"]) == ["top_k", "seed"]


def test_every_unknown_is_asked_for_and_told(checked):
    with LocalGateway(credits=0) as gateway:  # what cannot be answered is told as well
        _, _, report = checked(gateway)

    assert [*UNKNOWNS] == [*range(1, 13)]
    for number, what in UNKNOWNS.items():
        told = [row for row in rows(report).values() if row["#"] == str(number)]
        assert told, what
        line = f"{number}. {what}: {', '.join(row['verdict'] for row in told)}\n"
        assert line in report.split("## The unknowns")[1] + "\n"


def test_a_rate_limit_that_comes_all_the_same_is_waited_out_and_told(checked):
    with LocalGateway(responder=Counting(), honor_stop=True) as gateway:
        gateway.fail(status=429, slug="gpt-5.4-nano")
        _, _, report = checked(gateway)

    assert rows(report)["json_schema, gpt-5.4-nano"]["verdict"] == "agrees"
    told = rows(report)["rate limit of an ordinary answer"]
    assert told["verdict"] == "differs"
    assert "1 of them 429; ['x-rate-limit-reset-at-utc: 20" in told["seen"]


def test_odd_and_lost_replies_are_told_and_keep_nothing_from_the_report(checked):
    with LocalGateway(responder=Counting(), honor_stop=True) as gateway:
        gateway.fail(drop="after_run", slug="deepseek-chat")
        gateway.fail(status=200, body=b"\xff<html>", slug="llama-v3p1-8b-instruct")
        gateway.fail(status=200, body=[1, 2], slug="text-embedding-3-small")
        gateway.fail(status=200, body={"request_id": None}, on="submit")
        _, _, report = checked(gateway)

    seen = {question: row["seen"] for question, row in rows(report).items()}
    assert len(seen) == len([*probes()])
    assert seen["json_schema, deepseek-chat"] == "no answer came: ConnectionError"
    assert "we cannot read it" in seen["json_schema, llama-v3p1-8b-instruct"]
    assert seen["the vector of text-embedding-3-small"] == "2 numbers, which are the whole body"
    assert "not understood" in seen["a job"]


# --- what it spends --------------------------------------------------------------------------


def test_what_it_says_it_cost_is_what_the_gateway_took(checked):
    with LocalGateway(responder=Counting()) as gateway:
        _, printed, report = checked(gateway)
        taken = 10 - gateway.credits

    assert sum(float(row["USD"]) for row in rows(report).values()) == pytest.approx(taken, abs=3e-5)
    assert f"{taken:.6f} USD of 0.05 were spent" in printed
    assert gateway.executions > 30


@pytest.mark.parametrize("headers", [{}, {"x-cost": None, "x-remaining-credits": None}])
def test_it_ends_before_the_limit_on_a_gateway_that_is_dearer_than_expected(checked, headers):
    with LocalGateway(responder=Dear(headers)) as gateway:
        code, _, report = checked(gateway)

    assert code == 0
    assert gateway.executions == 2
    assert 10 - gateway.credits <= LIMIT
    assert rows(report)["an answer of gemini-2.5-flash-lite"]["seen"].startswith(
        "not asked: 0.0360"
    )
    assert verdicts(report)["max_tokens of claude-4-sonnet when not set"] == "unknown"
    assert verdicts(report)["rate limit of an ordinary answer"] == "agrees"


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes please\n"])
def test_nothing_is_asked_without_consent(checked, answer):
    with LocalGateway() as gateway:
        code, printed, report = checked(gateway, answer)

    assert (code, report) == (1, "")
    assert "ends before 0.05 USD" in printed
    assert "Nothing was asked" in printed
    assert [request.path for request in gateway.requests] == ["/v1/get-user-credits"]


def test_consent_may_be_given_on_the_spot(checked):
    with LocalGateway(credits=0) as gateway:
        code, _, report = checked(gateway, "y\n")

    assert code == 0
    assert rows(report)


@pytest.mark.parametrize("key", ["", "  "])
def test_nothing_is_asked_without_a_key(checked, key):
    with LocalGateway() as gateway:
        code, printed, report = checked(gateway, SEGMIND_API_KEY=key)

    assert (code, report) == (2, "")
    assert "SEGMIND_API_KEY is not set" in printed
    assert gateway.requests == []


@pytest.mark.parametrize("key", ["SG_wrong", "SG two words"])
def test_nothing_is_asked_with_a_wrong_key(checked, key):
    with LocalGateway() as gateway:
        code, printed, report = checked(gateway, SEGMIND_API_KEY=key)

    assert (code, report) == (1, "")
    assert "nothing was asked" in printed
    assert key not in printed


# --- what it keeps and hides -----------------------------------------------------------------


def test_the_key_is_neither_printed_nor_written(checked):
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


def test_what_was_learnt_is_kept_when_it_is_interrupted(checked):
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


def test_all_that_was_said_is_in_the_report(checked):
    with LocalGateway(responder=Counting()) as gateway:
        _, _, report = checked(gateway)

    said = report.split("## All that was said")[1]
    assert '"candidates": [{"index": 0' in said
    assert "x-remaining-credits: 9.9" in said
    assert re.search(r"### GET \S+/v2/requests/\S+/status", said)
    assert len(report) < 500_000
