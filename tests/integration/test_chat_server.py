"""The chat server's API: its events, memory and budget, without a browser."""

import json
import threading
from importlib.util import find_spec

import pytest
import requests

from langchain_segmind.testing import Call, FunctionModel, LocalGateway
from tests.integration.call_styles import model_requests
from tests.integration.chat_server import reply, serve

if not (find_spec("fastapi") and find_spec("uvicorn")):
    pytest.skip("needs fastapi and uvicorn: `make demo` installs them", allow_module_level=True)


@pytest.fixture(scope="module")
def chat():
    """Start one server for all tests; each has conversations of its own."""
    with LocalGateway(responder=FunctionModel(reply)) as gateway, serve(gateway) as address:
        yield gateway, f"{address}/conversations"


def post(url, text, **more):
    return requests.post(url, json={"text": text}, timeout=60, **more)


def events(response):
    """Parse the events of a response as they arrive."""
    assert response.headers["content-type"].startswith("text/event-stream")
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            yield json.loads(line.removeprefix("data: "))


def ask(url, text):
    """Return what a question is answered with, by the type of the event."""
    return {event["type"]: event["text"] for event in events(post(url, text))}


def test_events_arrive_while_the_agent_works():
    seen, in_time = threading.Event(), []

    def wait(_request):
        in_time.append(seen.wait(timeout=60))
        return "It is noon."

    with LocalGateway(responder=FunctionModel(wait)) as slow, serve(slow) as address:
        slow.reply(Call("current_time"))
        with post(f"{address}/conversations/time", "What time is it?", stream=True) as response:
            arriving = events(response)
            first = [next(arriving)["type"], next(arriving)["type"]]
            seen.set()
            rest = [*arriving]

    assert first == ["call", "result"]
    assert in_time == [True]
    assert [event["type"] for event in rest] == ["answer", "usage"]
    assert rest[0]["text"] == "It is noon."
    assert rest[1]["text"].startswith("2 calls, ")


def test_conversations_have_memories_of_their_own(chat):
    gateway, url = chat
    ask(f"{url}/ada", "My name is Ada.")

    assert ask(f"{url}/ben", "What is my name?")["answer"] == "I do not know your name."
    assert ask(f"{url}/ada", "What is my name?")["answer"] == "You are Ada."
    assert "Ada" not in str(model_requests(gateway)[-2].body)
    history = requests.get(f"{url}/ada", timeout=60).json()
    assert [event["type"] for event in history] == ["question", "answer"] * 2
    assert history[0]["text"] == "My name is Ada."
    assert requests.get(f"{url}/new", timeout=60).json() == []


def test_conversation_stops_politely_at_its_budget(chat):
    gateway, url = chat
    assert ask(f"{url}/rich", "Spend everything.")["usage"].endswith(", $0.01")
    runs = gateway.executions

    for _ in range(2):
        stopped = ask(f"{url}/rich", "What is my name?")
        assert stopped["stopped"] == (
            "The budget of this conversation, $0.01, is used up. Please start a new one."
        )
        assert stopped["usage"].startswith("1 call, ")
    assert gateway.executions == runs
    assert "answer" in ask(f"{url}/other", "What is my name?")


def test_failed_call_is_an_event_and_the_conversation_goes_on(chat):
    gateway, url = chat
    gateway.fail(status=403)

    assert "the gateway answered 403" in ask(f"{url}/unlucky", "My name is Ada.")["failed"]
    assert ask(f"{url}/unlucky", "What is my name?")["answer"] == "You are Ada."


def test_server_refuses_what_another_site_could_send(chat):
    gateway, url = chat
    runs = gateway.executions

    by_another_name = post(f"{url}/a", "Hello", headers={"host": "evil.example"})
    as_a_form = requests.post(
        f"{url}/a", data='{"text": "Hello"}', timeout=60, headers={"content-type": "text/plain"}
    )
    assert by_another_name.status_code == 400
    assert as_a_form.status_code == 422
    assert post(f"{url}/a", "").status_code == 422
    assert gateway.executions == runs
