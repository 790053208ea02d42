"""Invalid input fails before anything is sent, with the same message wherever it is given."""

from typing import Any

import pytest
from pydantic import ValidationError

from langchain_segmind import ChatSegmind
from tests.faults import checks
from tests.faults.checks import KEY, both_drivers, build
from tests.faults.server import FaultServer, answer

NAN: Any = float("nan")
INFINITY: Any = float("inf")
STOP = "stop must be a string or a list of strings, none of them empty"


@pytest.fixture
def server():
    """Run a gateway that nothing may reach."""
    with FaultServer({"m": [answer()]}) as server:
        yield server
    assert server.connections == 0


def construct(driver, url, **settings):
    return build(url, **settings)


def call(driver, url, messages="hi", **kwargs):
    return checks.call(driver, build(url), messages, **kwargs)


def bind(driver, url, **kwargs):
    model = build(url)
    return checks.call(driver, model, "hi", runnable=model.bind(**kwargs))


def submit(driver, url, **kwargs):
    return checks.call(driver, build(url), "hi", method="submit", **kwargs)


PLACES = {"constructor": construct, "call": call, "bound": bind, "submitted": submit}
SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "slug that climbs": ({"model": "../v2/x"}, "'../v2/x' is not a valid slug"),
    "slug with a query": ({"model": "m?x=1"}, "is not a valid slug"),
    "slug with a space": ({"model": "m m"}, "is not a valid slug"),
    "slug of dots": ({"model": ".."}, "is not a valid slug"),
    "slug too long": ({"model": "m" * 9999}, "has 9999 characters"),
    "slug not ASCII": ({"model": "gpt-\uff14o"}, "is not a valid slug"),
    "NaN": ({"temperature": NAN}, "should be a finite number"),
    "infinity": ({"top_p": INFINITY}, "should be a finite number"),
    "no number": ({"temperature": "hot"}, "should be a valid number"),
    "part of a token": ({"max_tokens": 1.5}, "should be a valid integer"),
    "no token": ({"max_tokens": 0}, "should be greater than or equal to 1"),
    "no answer": ({"n": 0}, "should be greater than or equal to 1"),
    "empty stop": ({"stop": [""]}, STOP),
    "stop of numbers": ({"stop": [1]}, STOP),
}


@both_drivers
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mistake", SETTINGS)
def test_invalid_setting_has_the_same_message_wherever_it_is_set(driver, place, mistake, server):
    given, words = SETTINGS[mistake]
    (field,) = given
    with pytest.raises(ValueError, match=field) as caught:
        PLACES[place](driver, server.url, **given)

    assert words in str(caught.value)


EXTRAS: dict[str, tuple[dict[str, Any], str]] = {
    "NaN": ({"x": NAN}, "x is nan"),
    "infinity within": ({"x": {"y": [1, INFINITY]}}, r"x\['y'\]\[1\] is inf"),
    "no JSON": ({"x": object()}, "x has the type object, which JSON cannot represent"),
    "bytes": ({"x": b"a"}, "x has the type bytes, which JSON cannot represent"),
    "half a surrogate": ({"x": "\ud800"}, "x contains a lone surrogate"),
    "a key that is not text": ({"x": {1: 2}}, "JSON keys must be strings"),
}


@both_drivers
@pytest.mark.parametrize("mistake", EXTRAS)
def test_invalid_extra_field_has_the_same_message_wherever_it_is_set(driver, mistake, server):
    given, words = EXTRAS[mistake]
    with pytest.raises(ValueError, match=words):
        build(server.url, model_kwargs=given)
    with pytest.raises(ValueError, match=words):
        call(driver, server.url, **given)


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


@both_drivers
@pytest.mark.parametrize("mistake", MESSAGES)
def test_invalid_message_is_named_by_its_index(driver, mistake, server):
    messages, words = MESSAGES[mistake]
    with pytest.raises(ValueError, match=words):
        call(driver, server.url, messages)


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        *(("SEGMIND_API_KEY", "api_key", key) for key in (" ", "SG_one\nSG_two", "SG_sécret")),
        *(
            ("SEGMIND_API_BASE", "base_url", url)
            for url in (
                "https://u:url-secret@h/v1",
                "https://h/v1?a=url-secret",
                "https://h/v1#url-secret",
                "ftp://h/v1",
                "http://h.example/v1",
                "https://h/../v1",
            )
        ),
    ],
)
def test_invalid_environment_variable_has_the_same_message_as_the_argument(
    monkeypatch, variable, field, value
):
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    with pytest.raises(ValidationError, match=field) as given:
        ChatSegmind(**{"model": "m", field: value})
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError, match=field) as found:
        ChatSegmind(model="m")

    given_words, found_words = (
        [line["msg"] for line in caught.value.errors()] for caught in (given, found)
    )
    assert given_words == found_words
    for secret in ("SG_one", "SG_sécret", "url-secret"):
        assert secret not in repr(given.value) + repr(found.value)
