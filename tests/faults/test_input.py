"""Invalid input fails before anything is sent, with the same message wherever it is given."""

import asyncio
from typing import Any

import pytest

from langchain_segmind import ChatSegmind
from tests.faults.checks import DRIVERS, KEY
from tests.faults.server import FaultServer, answer

NAN: Any = float("nan")


def construct(driver, url, **settings):
    return ChatSegmind(**{"model": "m", "api_key": KEY, "base_url": url, **settings})


def call(driver, url, messages="hi", **kwargs):
    model = construct(driver, url)

    async def play():
        async with model:
            return await model.ainvoke(messages, **kwargs)

    if driver == "async":
        return asyncio.run(play())
    with model:
        return model.invoke(messages, **kwargs)


def bind(driver, url, **kwargs):
    model = construct(driver, url).bind(**kwargs)
    return asyncio.run(model.ainvoke("hi")) if driver == "async" else model.invoke("hi")


def submit(driver, url, **kwargs):
    model = construct(driver, url)
    if driver == "async":
        return asyncio.run(model.asubmit("hi", **kwargs))
    return model.submit("hi", **kwargs)


GIVEN = {"constructor": construct, "call": call, "bound": bind, "submitted": submit}
SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "slug that climbs": ({"model": "../v2/x"}, "'../v2/x' is not a valid slug"),
    "slug with a query": ({"model": "m?x=1"}, "is not a valid slug"),
    "slug with a space": ({"model": "m m"}, "is not a valid slug"),
    "slug of dots": ({"model": ".."}, "is not a valid slug"),
    "slug not ASCII": ({"model": "gpt-\uff14o"}, "is not a valid slug"),
    "NaN": ({"temperature": NAN}, "should be a finite number"),
    "infinity": ({"top_p": float("inf")}, "should be a finite number"),
    "no number": ({"temperature": "hot"}, "should be a valid number"),
    "part of a token": ({"max_tokens": 1.5}, "should be a valid integer"),
    "no token": ({"max_tokens": 0}, "should be greater than or equal to 1"),
    "no answer": ({"n": 0}, "should be greater than or equal to 1"),
    "empty stop": (
        {"stop": [""]},
        "stop must be a string or a list of strings, none of them empty",
    ),
    "stop of numbers": (
        {"stop": [1]},
        "stop must be a string or a list of strings, none of them empty",
    ),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("where", GIVEN)
@pytest.mark.parametrize("mistake", SETTINGS)
def test_invalid_setting_has_the_same_message_wherever_it_is_set(driver, where, mistake):
    given, words = SETTINGS[mistake]
    (field,) = given
    with FaultServer({"m": [answer()]}) as server, pytest.raises(ValueError, match=field) as caught:
        GIVEN[where](driver, server.url, **given)

    assert words in str(caught.value)
    assert server.connections == 0


EXTRAS: dict[str, tuple[dict[str, Any], str]] = {
    "NaN": ({"x": NAN}, "x is nan"),
    "infinity within": ({"x": {"y": [1, float("inf")]}}, r"x\['y'\]\[1\] is inf"),
    "no JSON": ({"x": object()}, "x has the type object, which JSON cannot represent"),
    "bytes": ({"x": b"a"}, "x has the type bytes, which JSON cannot represent"),
    "half a surrogate": ({"x": "\ud800"}, "x contains a lone surrogate"),
    "a key that is no text": ({"x": {1: 2}}, "JSON keys must be strings"),
    "messages": ({"messages": []}, "messages cannot be set"),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("mistake", [m for m in EXTRAS if m != "messages"])
def test_invalid_extra_field_has_the_same_message_wherever_it_is_set(driver, mistake):
    given, words = EXTRAS[mistake]
    with FaultServer({"m": [answer()]}) as server:
        with pytest.raises(ValueError, match=words):
            construct(driver, server.url, model_kwargs=given)
        with pytest.raises(ValueError, match=words):
            call(driver, server.url, **given)

    assert server.connections == 0


MESSAGES = {
    "none": ([], "messages: the list is empty"),
    "unknown role": ([{"role": "wizard", "content": "hi"}], "wizard"),
    "unknown block": ([("user", [{"type": "hologram", "x": 1}])], r"message 0.*hologram"),
    "half a surrogate": ([("user", "a\ud800")], r"message 0.*surrogate"),
    "half a surrogate in a block": (
        [("user", "a"), ("ai", [{"type": "text", "text": "\udfff"}])],
        r"message 1.*surrogate",
    ),
}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("mistake", MESSAGES)
def test_invalid_message_is_named_by_its_index(driver, mistake):
    messages, words = MESSAGES[mistake]
    with FaultServer({"m": [answer()]}) as server, pytest.raises(ValueError, match=words):
        call(driver, server.url, messages)

    assert server.connections == 0


KEYS = {"blank": " ", "two lines": "SG_one\nSG_two", "not ASCII": "SG_sécret"}
URLS = {
    "user": "https://u:url-secret@h/v1",
    "query": "https://h/v1?a=url-secret",
    "fragment": "https://h/v1#url-secret",
    "scheme": "ftp://h/v1",
    "plain http": "http://h.example/v1",
    "climbs": "https://h/../v1",
}


def words_of(error):
    """Return the messages of a pydantic error, without the locations."""
    return [line["msg"] for line in error.errors()]


@pytest.mark.parametrize(
    ("variable", "field", "values"),
    [("SEGMIND_API_KEY", "api_key", KEYS), ("SEGMIND_API_BASE", "base_url", URLS)],
)
def test_environment_variables_have_the_same_messages_as_arguments(
    monkeypatch, variable, field, values
):
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    for value in values.values():
        with pytest.raises(ValueError, match=field) as given:
            ChatSegmind(**{"model": "m", field: value})
        monkeypatch.setenv(variable, value)
        with pytest.raises(ValueError, match=field) as found:
            ChatSegmind(model="m")
        monkeypatch.setenv("SEGMIND_API_KEY", KEY)
        monkeypatch.delenv("SEGMIND_API_BASE", raising=False)
        assert words_of(given.value) == words_of(found.value)
        for error in (given.value, found.value):
            assert not [s for s in ("SG_one", "SG_sécret", "url-secret") if s in repr(error)]


@pytest.mark.parametrize("field", ["timeout", "connect_timeout", "total_timeout", "queue_timeout"])
@pytest.mark.parametrize("value", [0, -1, NAN, float("inf"), "soon"])
def test_timeouts_must_be_positive_and_finite(field, value):
    with pytest.raises(ValueError, match=field):
        ChatSegmind(**{"model": "m", "api_key": KEY, field: value})


@pytest.mark.parametrize("value", [-1, 1.5, "many"])
def test_max_retries_must_be_a_whole_number(value):
    with pytest.raises(ValueError, match="max_retries"):
        ChatSegmind(model="m", api_key=KEY, max_retries=value)
