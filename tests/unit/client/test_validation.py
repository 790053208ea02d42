"""Settings of a model: which values are accepted, and the messages for the others."""

import os
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from langchain_segmind import ChatSegmind, SegmindEmbeddings, allow_live_requests

KEY = "SG_0123456789abcdef"


def build(**kwargs):
    return ChatSegmind(**{"model": "gpt-4o", "api_key": KEY, **kwargs})


@pytest.mark.parametrize(
    ("argument", "value", "word"),
    [
        ("api_key", "", "blank"),
        ("api_key", "   ", "blank"),
        ("api_key", "SG_\nsecret", "one line"),
        ("api_key", "SG_sécret", "ASCII"),
        ("api_key", "SG_ secret", "without spaces"),
        ("model", "", "slug"),
        ("model", "../v2/x", "slug"),
        ("model", "gpt-4o/../x", "slug"),
        ("model", "gpt 4o", "slug"),
        ("model", "gpt-4o?x=1", "slug"),
        ("model", "..", "slug"),
        ("model", "a" * 129, "129 characters"),
        ("base_url", "ftp://gw.example/v1", "https"),
        ("base_url", "gw.example/v1", "https"),
        ("base_url", "https://", "host"),
        ("base_url", "http://gw.example/v1", "https"),
        ("base_url", "http://127.0.0.1.evil.example/v1", "https"),
        ("base_url", "http://[::ffff:192.0.2.1]/v1", "https"),
        ("base_url", "http://gateway.localhost/v1", "https"),  # a resolver may send it elsewhere
        ("base_url", "https://user:pass@gw.example/v1", "user or password"),
        ("base_url", "https://gw.example/v1?x=1", "query"),
        ("base_url", "https://gw.example/v1#x", "fragment"),
        ("base_url", "https://gw.example:x/v1", "valid URL"),
        ("base_url", "https://gw.example/v1/../v2", "path"),
        ("base_url", "https://gw.exam ple/v1", "ASCII"),
        ("base_url", "https://gw.example/%2e%2e/v2", "path"),
        ("base_url", "https://gw..example/v1", "host"),
        ("base_url", "https://gw.example/" + "v" * 2048, "2067 characters"),
        ("verify", " ", "verify"),
        ("default_headers", {"Expect": "100-continue"}, "Expect"),
        ("timeout", 0, "timeout"),
        ("timeout", -1, "timeout"),
        ("timeout", float("nan"), "timeout"),
        ("timeout", float("inf"), "timeout"),
        ("timeout", "soon", "timeout"),
        ("connect_timeout", 0, "connect_timeout"),
        ("total_timeout", 0, "total_timeout"),
        ("queue_timeout", float("inf"), "queue_timeout"),
        ("max_retries", -1, "max_retries"),
        ("max_retries", 1.5, "max_retries"),
        ("max_retry_wait", -1, "max_retry_wait"),
        ("max_connections", 0, "max_connections"),
        ("temperature", float("nan"), "temperature"),
        ("top_p", float("inf"), "top_p"),
        ("max_tokens", 0, "max_tokens"),
        ("n", 0, "n\n"),
        ("stop", [""], "stop"),
        ("stop", [1], "stop"),
        ("family", "cohere", "family"),
        ("proxy", "socks5://h:1", "proxy"),
        ("default_headers", {"x-api-key": "k"}, "api_key"),
        ("default_headers", {"X-A": "b\r\nx: y"}, "X-A"),
        ("default_headers", {"a b": "c"}, "a b"),
        ("model_kwargs", {"x": float("nan")}, "x"),
        ("model_kwargs", {"x": {"y": [object()]}}, "y"),
        ("model_kwargs", {"x": {1: 2}}, "keys"),
        ("model_kwargs", {"x": "\ud800"}, "surrogate"),
        ("model_kwargs", {"temperature": 1}, "temperature"),
        ("model_kwargs", {"stream": True}, "stream"),
        ("model_kwargs", {"messages": []}, "messages"),
    ],
)
def test_constructor_rejects_invalid_value_and_names_the_field(argument, value, word):
    with pytest.raises(ValueError, match=re.escape(word)):
        build(**{argument: value})


@pytest.mark.parametrize("key", ["SG_multi\nline", "SG_ünicode", "SG_two words"])
def test_rejected_key_is_not_shown(key):
    with pytest.raises(ValidationError) as caught:
        build(api_key=key)

    assert key not in str(caught.value)
    assert key not in repr(caught.value)


def test_missing_key_error_names_the_environment_variable(monkeypatch):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)

    with pytest.raises(ValueError, match="missing") as caught:
        ChatSegmind(model="gpt-4o")

    for words in ("https://cloud.segmind.com", "SEGMIND_API_KEY", "langchain_segmind.testing"):
        assert words in str(caught.value)


def test_key_from_the_environment_is_checked(monkeypatch):
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_bad\nkey")

    with pytest.raises(ValueError, match="one line") as caught:
        ChatSegmind(model="gpt-4o")

    assert "SG_bad" not in str(caught.value)


def test_api_key_none_uses_the_environment(monkeypatch):
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)

    assert build(api_key=None).api_key.get_secret_value() == KEY


@pytest.mark.parametrize("name", ["base_url", "max_retries", "verify", "model_kwargs", "streaming"])
def test_none_means_the_default_for_fields_without_none(name):
    assert getattr(build(**{name: None}), name) == getattr(build(), name)


def test_base_url_scheme_and_host_are_lowercased():
    assert build(base_url="HTTPS://GW.Example/V1").base_url == "https://gw.example/V1"


def test_key_is_stripped():
    assert build(api_key=f" {KEY}\n").api_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    "url",
    [
        "https://gw.example/v1",
        "https://gw.example:8443/deep/er/v3",
        "http://127.0.0.1:8700/v1",
        "http://localhost/v1",
        "http://[::1]:9/v1",
        "http://127.255.0.9/v1",
        "http://[::ffff:127.0.0.1]:9/v1",
    ],
)
def test_base_url_allows_https_anywhere_and_http_on_loopback(url):
    assert build(base_url=url + "/").base_url == url


def test_base_url_allows_http_to_hosts_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("SEGMIND_ALLOW_HTTP", "other, Gateway")

    assert build(base_url="http://GATEWAY:8700/v1").base_url == "http://gateway:8700/v1"
    for host in ("gateway.example", "gw", "*"):
        with pytest.raises(ValueError, match="SEGMIND_ALLOW_HTTP"):
            build(base_url=f"http://{host}/v1")


def test_fields_accept_their_aliases():
    model = ChatSegmind(
        model_name="gpt-4o",
        segmind_api_key=KEY,
        segmind_api_base="https://gw.example/v1",
        stop_sequences="END",
        request_timeout=5,
    )

    assert (model.model, model.base_url) == ("gpt-4o", "https://gw.example/v1")
    assert (model.stop, model.timeout) == (["END"], 5)
    assert model.api_key.get_secret_value() == KEY


def test_unknown_arguments_warn_and_go_into_a_copy_of_model_kwargs():
    mine = {"web_search": True}

    with pytest.warns(UserWarning, match="a_new_field is not a setting") as caught:
        model = ChatSegmind(model="gpt-4o", api_key=KEY, model_kwargs=mine, a_new_field=0.5)

    assert [each.filename for each in caught] == [__file__]
    assert model.model_kwargs == {"web_search": True, "a_new_field": 0.5}
    assert mine == {"web_search": True}


@pytest.mark.parametrize("name", ["web_search", "user", "verbosity", "min_p", "thinking"])
def test_field_of_a_makers_api_is_sent_without_a_warning(name):
    assert build(**{name: 1}).model_kwargs == {name: 1}


MISSPELLED = {
    "temprature": "temperature",
    "Temperature": "temperature",
    "max_token": "max_tokens",
    "maxTokens": "max_tokens",
    "topP": "top_p",
    "resoning_effort": "reasoning_effort",
    "frequency_penality": "frequency_penalty",
    "time_out": "timeout",
    "base_ulr": "base_url",
    "stop_sequence": "stop_sequences",
    "reponse_format": "response_format",
    "que": "queue",
    "cahce": "cache",
}


@pytest.mark.parametrize("name", MISSPELLED)
def test_misspelled_setting_names_the_one_that_is_meant(name):
    with pytest.raises(ValueError, match=rf"{name} is not a setting. Did you mean (\w+)") as caught:
        build(**{name: 1})

    assert f"mean {MISSPELLED[name]}=...?" in str(caught.value)
    assert build(model_kwargs={name: 1}).model_kwargs == {name: 1}


FOREIGN = {
    "use_responses_api": "Responses API",
    "disabled_params": "not sent",
    "tiktoken_model_name": "custom_get_token_ids",
    "functions": "bind_tools",
    "mcp_servers": "bind_tools",
    "response_format": "with_structured_output",
    "logprobs": "log probabilities",
    "max_output_tokens": "max_tokens",
    "max_tokens_to_sample": "max_tokens",
    "candidate_count": "n=",
    "anthropic_api_url": "base_url",
    "azure_deployment": "deployments",
    "system_instruction": "SystemMessage",
    "extra_headers": "default_headers",
    "http_client": "proxy",
    "organization": "organizations",
    "num_ctx": "gateway",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_argument_of_another_package_raises_an_error_with_advice(name):
    with pytest.raises(ValidationError, match=f"{name} .*{re.escape(FOREIGN[name])}") as caught:
        build(**{name: "x"})

    assert len(caught.value.errors()) == 1


@pytest.mark.parametrize(
    "name", sorted({*FOREIGN, "stream_usage"} - {"http_client", "organization"})
)
@pytest.mark.parametrize("off", [None, False])
def test_argument_of_another_package_is_left_out_when_it_is_off(name, off):
    assert build(**{name: off}).model_kwargs == {}


def test_argument_without_effect_is_left_out_with_a_warning():
    with pytest.warns(UserWarning, match="stream_usage has no effect") as caught:
        model = build(stream_usage=True)

    assert len(caught) == 1
    assert model.model_kwargs == {}


SECRETS = ("openai_api_key", "google_api_key", "Authorization", "x-api-key", "apiKey", "hf_token")


@pytest.mark.parametrize("name", [*SECRETS, "aws_secret_access_key", "password"])
def test_key_of_another_service_is_refused_once_and_not_shown(monkeypatch, name):
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    for arguments in ({name: "sk-stray"}, {"api_key": KEY, "model_kwargs": {name: "sk-stray"}}):
        with pytest.raises(ValidationError, match="SEGMIND_API_KEY") as caught:
            ChatSegmind(model="gpt-4o", **arguments)

        assert len(caught.value.errors()) == 1
        assert "sk-stray" not in repr(caught.value)


def test_max_completion_tokens_is_another_name_of_max_tokens():
    assert build(max_completion_tokens=5).max_tokens == 5
    with pytest.raises(ValueError, match="one setting"):
        build(max_completion_tokens=5, max_tokens=6)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("openai/gpt-4o", "gpt-4o"),
        ("GPT 4o", "gpt-4o"),
        ("anthropic:claude-sonnet-4-5", "claude-4.5-sonnet"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
    ],
)
def test_name_of_a_model_that_is_not_a_slug_names_the_slug(name, meant):
    with pytest.raises(ValueError, match=f"valid slug.* Did you mean '{meant}'"):
        build(model=name)


def test_names_of_one_setting_may_not_contradict_each_other():
    with pytest.raises(ValueError, match="timeout and request_timeout are one setting"):
        build(timeout=5, request_timeout=6)


class Timeout:
    """Like those of httpx and aiohttp."""

    def __init__(self, **fields):
        vars(self).update(fields)


@pytest.mark.parametrize(
    "timeout",
    [
        (5, 60),
        [5, 60.0],
        Timeout(connect=5, read=60, write=60, pool=60),
        Timeout(total=60, connect=None, sock_connect=5, sock_read=None),
    ],
)
@pytest.mark.parametrize("name", ["timeout", "request_timeout"])
def test_several_timeouts_in_one_argument_raise_an_error_with_advice(name, timeout):
    with pytest.raises(ValueError, match=r"timeout=60(\.0)? .*connect_timeout=5 "):
        build(**{name: timeout})


@pytest.mark.parametrize(
    ("cls", "advice"),
    [
        (ChatSegmind, "model='gpt-4o'. To list them, run: python -m langchain_segmind models"),
        (SegmindEmbeddings, "model='text-embedding-3-small', 'text-embedding-3-large'"),
    ],
)
def test_missing_model_raises_an_error_that_names_one(cls, advice):
    with pytest.raises(ValidationError) as caught:
        cls(api_key=KEY)

    [line] = caught.value.errors()
    assert (line["type"], line["loc"]) == ("missing", ("model",))
    assert line["msg"].startswith("model is missing. Pass a slug, e.g. ")
    assert advice in line["msg"]


def test_model_as_a_positional_argument_raises_an_error_that_names_the_argument():
    positional: Any = ChatSegmind
    with pytest.raises(TypeError, match=r"ChatSegmind\(model=\.\.\.\)"):
        positional("gpt-4o", api_key=KEY)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dimensons", "Did you mean dimensions"),
        ("temperature", "Check its spelling"),
        ("openai_api_key", "api_key="),
    ],
)
def test_unknown_argument_of_embeddings_is_refused(name, words):
    with pytest.raises(ValueError, match=f"{name}.*{words}"):
        SegmindEmbeddings(model="gemini-embedding-2", api_key=KEY, **{name: 1})


def test_streaming_rejects_more_than_one_choice():
    with pytest.raises(ValueError, match="n must be 1"):
        build(streaming=True, n=2)


@given(st.text(min_size=1))
def test_any_model_name_is_a_valid_slug_or_rejected(name):
    try:
        model = build(model=name)
    except ValueError:
        return
    assert model.model == name
    assert name.isascii()
    assert not set(name) & set("/\\?#%:@ ")


class OwnDefaults(ChatSegmind):
    """A user's class, which declares fields again for defaults of its own."""

    model: str = "gpt-4o"
    api_key: SecretStr = SecretStr("SG_0123456789")
    base_url: str = "https://api.segmind.com/v1"
    timeout: float | None = 30.0
    default_headers: dict[str, str] | None = None
    proxy: str | None = None
    verify: bool | str = True
    stop: list[str] | None = None
    queue_timeout: float = 100.0
    note: Any = "n"


class OwnEmbeddings(SegmindEmbeddings):
    """The same for embeddings."""

    model: str = "text-embedding-3-small"


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "../v2/x?y=1#"},
        {"api_key": "bad\nkey"},
        {"base_url": "http://example.com/v1"},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"default_headers": {"a": "b\nc"}},
        {"default_headers": {"x-api-key": "k"}},
        {"proxy": "ftp://x"},
        {"verify": ""},
        {"queue_timeout": 0},
        {"stop": [""]},
    ],
    ids=str,
)
def test_field_that_a_subclass_declares_again_is_still_checked(wrong):
    with pytest.raises(ValidationError) as error:
        OwnDefaults(**wrong)

    assert "bad" not in str(error.value)


def test_field_that_a_subclass_declares_again_is_still_normalized():
    model = OwnDefaults(
        api_key=" SG_k1234567 \n", stop="END", base_url="HTTPS://Host/v1/", note=None
    )

    assert model.api_key.get_secret_value() == "SG_k1234567"
    assert (model.stop, model.base_url, model.note) == (["END"], "https://host/v1", None)


def test_slug_of_embeddings_is_checked_in_a_subclass():
    with pytest.raises(ValidationError):
        OwnEmbeddings(model="../v2/x?y=1#", api_key="SG_k1234567")


def test_allow_live_requests_restores_at_every_exit(monkeypatch):
    monkeypatch.setenv("SEGMIND_ALLOW_LIVE_REQUESTS", "1")
    refused = allow_live_requests(False)
    for _ in range(2):
        with refused:
            pass
        assert os.environ["SEGMIND_ALLOW_LIVE_REQUESTS"] == "1"
        allow_live_requests(False)
    with refused:
        pass
