"""What a 404 says about a model and the address; and the command line."""

import pytest

from langchain_segmind import ChatSegmind, SegmindModelNotFoundError
from langchain_segmind.__main__ import main
from tests.integration.call_styles import build, in_both_styles, model_requests


class TestBothStyles:
    pytestmark = in_both_styles

    async def test_unknown_slug_names_the_one_that_is_meant(self, gateway, call):
        for name, meant in (("gpt4o", "gpt-4o"), ("claude-sonnet-4-5", "claude-4.5-sonnet")):
            async with build(gateway, name) as model:
                with pytest.raises(SegmindModelNotFoundError, match=f"mean '{meant}'") as caught:
                    await call(model, "invoke", "Hello")
            assert caught.value.attempts == 1


async def test_known_slug_that_is_not_found_names_the_address(gateway, call):
    gateway.fail(404, body={"error": "Not found"})

    async with build(gateway) as model:
        with pytest.raises(SegmindModelNotFoundError, match=r"check base_url, .* '/v1'"):
            await call(model, "invoke", "Hello")


@pytest.mark.parametrize("end", ["", "/v1/chat/completions", "/v1/gpt-4o"])
async def test_address_that_does_not_end_in_version_is_named_with_the_right_one(gateway, call, end):
    address = gateway.base_url.removesuffix("/v1") + end
    async with ChatSegmind(model="gpt-4o", base_url=address, api_key=gateway.api_key) as model:
        with pytest.raises(SegmindModelNotFoundError, match=f"base_url='{gateway.base_url}'"):
            await call(model, "invoke", "Hello")


LAST = ["seconds", "queue", "grade"]


@pytest.fixture
def at_gateway(gateway, monkeypatch):
    monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)
    monkeypatch.setenv("SEGMIND_API_KEY", gateway.api_key)
    return gateway


def test_program_without_command_lists_the_commands(capsys):
    assert main([]) == 0

    printed = capsys.readouterr().out
    assert all(f"\n    {command} " in printed for command in ("models", "credits", "ask"))


def test_models_command_lists_known_models_without_a_request(at_gateway, capsys):
    assert main(["models"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["slug", "format", "images", "input", "tokens", *LAST]
    assert [line.split()[0] for line in lines].count("gpt-4o") == 1
    assert at_gateway.requests == []


def test_live_models_command_reads_the_vendors_list(at_gateway, capsys):
    assert main(["models", "--live"]) == 0

    assert "claude-4.5-sonnet" in capsys.readouterr().out
    assert len(at_gateway.requests) == 1


def test_credits_command_shows_the_balance(at_gateway, capsys):
    assert main(["credits"]) == 0

    assert capsys.readouterr().out == "$10.00 (purchased $10.00, free $0.00)\n"


def test_ask_command_prints_answer_and_cost(at_gateway, capsys):
    at_gateway.reply("Paris.")

    assert main(["ask", "Capital", "of", "France?", "--model", "gpt-5.4-mini"]) == 0

    printed = capsys.readouterr()
    assert printed.out == "Paris.\n"
    assert printed.err.startswith("gpt-5.4-mini: $0.")
    (sent,) = model_requests(at_gateway)
    assert (sent.slug, sent.body["messages"][0]["content"]) == (
        "gpt-5.4-mini",
        "Capital of France?",
    )


@pytest.mark.parametrize("command", [["credits"], ["ask", "Hello"]])
def test_command_without_a_key_names_the_place_to_get_one(monkeypatch, capsys, command):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)

    assert main(command) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "https://cloud.segmind.com" in printed.err
    assert "Traceback" not in printed.err


def test_command_prints_an_error_in_one_line(at_gateway, capsys):
    assert main(["ask", "Hello", "--model", "gpt4o"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert "Did you mean 'gpt-4o'" in line
