"""The model in this process, with a stand-in for llama.cpp: what is asked of it, and how."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from langchain_segmind.testing import LocalLLM, Media, Question, Reply, Turn
from langchain_segmind.testing.local_llm import bounded

ENGINE = '''
"""A stand-in for xllamacpp."""
from types import SimpleNamespace

servers = []

def CommonParams():
    return SimpleNamespace(
        model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace()
    )

class Server:
    def __init__(self, params):
        self.params, self.bodies = params, []
        servers.append(self)

    def handle_chat_completions(self, body):
        self.bodies.append(body)
        said = body["messages"][-1]["content"]
        if said == "unknown schema":
            raise ValueError("JSON schema error")
        if said == "too long":
            kind = "exceed_context_size_error"
            return {"error": {"code": 400, "type": kind, "n_prompt_tokens": 99, "n_ctx": 64}}
        if said == "break":
            return {"error": {"code": 500, "message": "out of memory"}}
        return {"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}
'''


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have the stand-in found where xllamacpp would be."""
    (tmp_path / "xllamacpp.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    yield importlib.import_module("xllamacpp")
    sys.modules.pop("xllamacpp")


@pytest.fixture
def llm(engine: Any, tmp_path: Path) -> LocalLLM:
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF")
    return LocalLLM(weights, context=64)


def ask(llm: LocalLLM, said: str = "Hi", *, system: str = "", **more: Any) -> Reply:
    media = more.pop("media", ())
    return llm.answer(Question("gpt-4o", "openai", system, (Turn("user", said, media),), **more))


def test_is_loaded_once_and_at_the_first_question(llm: LocalLLM, engine: Any) -> None:
    assert engine.servers == []
    assert [ask(llm).text, ask(llm).text] == ["Hello.", "Hello."]
    (server,) = engine.servers
    assert server.params.model.path.endswith("tiny.gguf")
    assert (server.params.n_ctx, server.params.cpuparams.n_threads) == (64, 1)
    assert all(server.params.api_keys)


def test_is_deterministic_and_comes_to_an_end_unless_told_otherwise(
    llm: LocalLLM, engine: Any
) -> None:
    ask(llm)
    ask(llm, settings={"temperature": 1, "seed": 7, "max_tokens": 9, "stop": "END"})
    usual, own = engine.servers[0].bodies
    assert (usual["temperature"], usual["seed"], usual["max_tokens"]) == (0, 1, 128)
    assert (own["temperature"], own["seed"], own["max_tokens"], own["stop"]) == (1, 7, 9, ["END"])


def test_a_question_without_a_system_text_gets_one(llm: LocalLLM, engine: Any) -> None:
    ask(llm)
    ask(llm, system="Be kind.")
    told = [body["messages"][0] for body in engine.servers[0].bodies]
    assert [message["role"] for message in told] == ["system", "system"]
    assert told[1]["content"] == "Be kind."


def test_what_it_cannot_see_is_told_in_words(llm: LocalLLM, engine: Any) -> None:
    ask(llm, "Look", media=(Media("image", "image/png", b"x"), Media("video", url="http://a/b")))
    assert engine.servers[0].bodies[0]["messages"][-1]["content"] == (
        "Look\n"
        "[Here is image data of type image/png, which you cannot read.]\n"
        "[Here is video data of type unknown, which you cannot read.]"
    )


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ("unknown schema", 400, "JSON schema error"),
        ("too long", 400, "99 tokens, and the context length is 64"),
        ("break", 500, "out of memory"),
    ],
)
def test_what_goes_wrong_is_an_error_of_the_gateway(
    llm: LocalLLM, said: str, status: int, words: str
) -> None:
    reply = ask(llm, said)
    assert reply.status == status
    assert words in reply.body["error"]


def test_weights_that_are_missing_are_named(engine: Any) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.gguf"):
        LocalLLM("nowhere.gguf")


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'langchain-segmind\[local\]'"):
        LocalLLM()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, {"type": "string", "maxLength": 120}),
        (
            {"type": "string", "minLength": 500},
            {"type": "string", "minLength": 500, "maxLength": 500},
        ),
        ({"type": "string", "maxLength": 9}, {"type": "string", "maxLength": 9}),
        ({"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "array", "maxItems": 9}, {"type": "array", "maxItems": 9}),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 7},
            {
                "type": "array",
                "items": {"type": "string", "maxLength": 120},
                "minItems": 7,
                "maxItems": 7,
            },
        ),
        (
            {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]},
            {
                "type": "object",
                "properties": {"type": {"type": "string", "maxLength": 120}},
                "required": ["type"],
            },
        ),
        ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "string", "maxLength": 120}]}),
        ({"const": {"type": "string"}}, {"const": {"type": "string"}}),
        (True, True),
    ],
)
def test_only_texts_and_lists_without_a_bound_get_one(schema: Any, expected: Any) -> None:
    assert bounded(schema) == expected
