"""What is not known of the gateway yet, and the questions that settle it, as a table.

A probe asks as little as can answer its question, of the cheapest model that can. `UNKNOWNS` are
those of the contract this package was written for; probes without one check its other promises.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from langchain_segmind import (
    ChatSegmind,
    SegmindAuthenticationError,
    SegmindError,
    SegmindModelNotFoundError,
    SegmindResponseError,
)
from langchain_segmind.models import chat_models, model_info_for
from tests.live.wire import Client, Reply

UNKNOWNS: Mapping[int, str] = {
    1: "Which models refuse response_format",
    2: "A plain OpenAI list for Gemini, role system for Claude",
    3: "Gemini's place for settings",
    4: "What happens to tools",
    5: "Which settings each model takes",
    6: "Upstream refusals: status and shape",
    7: "Claude's default max_tokens",
    8: "Rate limits",
    9: "When the direct path is cut",
    10: "Where reasoning text sits",
    11: "The size of inline images",
    12: "Gemini's embedding replies",
}

Result = Literal["agrees", "differs", "unknown"]
Seen = tuple[Result, str]

OPENAI, CLAUDE, GEMINI = "qwen-flash", "claude-4-sonnet", "gemini-2.5-flash-lite"
CHEAPEST = {"openai": OPENAI, "anthropic": CLAUDE, "gemini": GEMINI}
"""Models for the questions about a whole family."""

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMED = "The user's name is Zanzibar."
COUNT = "Write the numbers from 1 to 60, separated by spaces, and nothing else."


@dataclass(frozen=True)
class Probe:
    """A question to the gateway.

    Attributes:
        question: What it settles.
        assumed: What this package was built on.
        look: Asks, and returns what was seen.
        unknown: Its number among the unknowns, if it has one.
        free: Whether no model runs for it.
    """

    question: str
    assumed: str
    look: Callable[[Client], Seen]
    unknown: int | None = None
    free: bool = False


def probes() -> Iterator[Probe]:
    """List them in the order they are asked: by importance, expensive ones last."""
    yield Probe("the catalog", "it lists our models", _catalog, free=True)
    yield Probe("a wrong key", "401, SegmindAuthenticationError", _wrong_key)
    yield Probe("an unknown slug", "404, SegmindModelNotFoundError", _unknown_slug)
    for slug in CHEAPEST.values():
        yield Probe(f"an answer of {slug}", "text, usage, cost, id", partial(_answer, slug))
    yield from _formats()
    yield from _systems()
    yield from _gemini_places()
    for slug in CHEAPEST.values():
        yield Probe(f"tools, {slug}", "dropped: a text answer", partial(_tools, slug), 4)
    for slug in (*CHEAPEST.values(), "llama-v3p1-8b-instruct", "gpt-5.4-nano"):
        yield Probe(f"settings of {slug}", "it takes all", partial(_settings, slug), 5)
    for slug in CHEAPEST.values():
        yield Probe(f"stop, {slug}", "it ends the answer", partial(_stop, slug))
        yield Probe(f"temperature=99, {slug}", "4xx or 500, {error}", partial(_refusal, slug), 6)
    for slug in ("text-embedding-3-small", "gemini-embedding-001", "gemini-embedding-2"):
        form = "embedding" if slug.startswith("text") else "one of five forms we read"
        number = None if slug.startswith("text") else 12
        yield Probe(f"the vector of {slug}", form, partial(_vector, slug), number)
    yield Probe("a job", "QUEUED, COMPLETED, `output` is a JSON string", _job)
    yield Probe(f"an image of 1 to 16 MB, {GEMINI}", "taken", _image, 11)
    yield Probe("reasoning of deepseek-reasoner", "`message.reasoning_content`", _reasoning, 10)
    yield Probe(f"max_tokens of {CLAUDE} when not set", "1024 or more", _claude_default, 7)
    yield Probe("headers of an answer", "cost, credits, id, time", _headers, free=True)
    yield Probe("rate limit of an ordinary answer", "no header shows it", _rate_limit, 8, free=True)
    yield Probe("the longest direct call", "over 60 s pass", _longest, 9, free=True)
    yield Probe("reported costs", "they add up to the balance", _sum, free=True)


# --- what stands in requests and replies -----------------------------------------------------


def chat(slug: str, text: str, **more: Any) -> dict[str, Any]:
    """Write a question in the format of a model's family."""
    if model_info_for(slug).family == "gemini":
        return {"messages": {"contents": [{"role": "user", "parts": [{"text": text}]}]}, **more}
    return {"messages": [{"role": "user", "content": text}], **more}


def _judge(reply: Reply, judge: Callable[[Reply], Seen]) -> Seen:
    """Judge an answer; an error, or a body this package cannot read, is shown as it is."""
    if reply.status != 200:
        return "differs", f"refused: {reply.brief()}"
    try:
        return judge(reply)
    except SegmindResponseError as error:
        return "differs", f"this package cannot read it, {error}: {reply.brief()}"


def _applied(reply: Reply, is_applied: bool, expected: bool, what: str = "") -> Seen:
    words = f"{'applied' if is_applied else 'ignored'}{what}: `{reply.message.text[:40]}`"
    return ("agrees" if is_applied == expected else "differs"), words


# --- the gateway around the models -----------------------------------------------------------


def _catalog(client: Client) -> Seen:
    listed = {
        e.slug for e in ChatSegmind.list_models(base_url=client.base_url) if not e.is_deprecated
    }
    known = set(chat_models())
    gone, new = sorted(known - listed), sorted(listed - known)
    words = f"{len(listed)} models; gone: {gone or 'none'}; new: {new or 'none'}"
    return ("differs" if gone else "agrees"), words


def _wrong_key(client: Client) -> Seen:
    return _error(client, SegmindAuthenticationError, 401, OPENAI, api_key="SG_wrong_key")


def _unknown_slug(client: Client) -> Seen:
    return _error(client, SegmindModelNotFoundError, 404, "no-such-model")


def _error(
    client: Client, kind: type[SegmindError], status: int, slug: str, **settings: Any
) -> Seen:
    try:
        client.invoke(slug, "Hello", 1, **settings)
    except SegmindError as error:
        as_assumed = isinstance(error, kind) and error.status_code == status
        words = f"{error.status_code}, {type(error).__name__}: {error}"
        return ("agrees" if as_assumed else "differs"), words
    return "differs", "it was answered"


def _answer(slug: str, client: Client) -> Seen:
    message = client.invoke(slug, "Say hello in one word.", 30)
    metadata = message.response_metadata
    named = {
        "text": bool(message.text),
        "usage": message.usage_metadata is not None,
        **{name: name in metadata for name in ("finish_reason", "cost", "request_id")},
    }
    missing = [name for name, found in named.items() if not found]
    words = f"`{message.text[:40]}`, ${metadata.get('cost', 0):.6f}"
    return ("differs", f"{words}; missing: {missing}") if missing else ("agrees", words)


def _job(client: Client) -> Seen:
    submitted = client.ask(OPENAI, chat(OPENAI, "Say hello in one word."), 30, queue=True)
    if submitted.status != 200:
        return "differs", f"refused: {submitted.brief()}"
    job = submitted.json["request_id"]
    states = [submitted.json.get("status")]
    for _ in range(60):
        states.append((client.poll(f"requests/{job}/status").json or {}).get("status"))
        if states[-1] not in ("QUEUED", "PROCESSING"):
            break
    output = (client.poll(f"requests/{job}").json or {}).get("output")
    client.spending.record(OPENAI, 0.0, None)  # a job may be billed when it is done
    with ChatSegmind(model=OPENAI, base_url=client.base_url, api_key=client.key) as model:
        text = model.get_job(job).result().text
    words = f"{' → '.join(map(str, dict.fromkeys(states)))}; output is a {type(output).__name__}"
    as_assumed = states[0] == "QUEUED" and states[-1] == "COMPLETED" and isinstance(output, str)
    return ("agrees" if as_assumed else "differs"), f"{words}; fetched: `{text[:40]}`"


# --- 1: response_format ----------------------------------------------------------------------


def _formats() -> Iterator[Probe]:
    slugs = (*CHEAPEST.values(), "gpt-5.4-nano", "deepseek-chat", "llama-v3p1-8b-instruct")
    for slug in slugs:
        yield Probe(f"json_schema, {slug}", "taken, applied", partial(_schema, slug), 1)
    yield Probe(f"json_object, {CLAUDE}", "refused: 400", partial(_object, CLAUDE, False, JSON), 1)
    yield Probe(f"json_object, {GEMINI}", "taken", partial(_object, GEMINI, True, JSON), 1)
    for slug in ("gpt-5.4-nano", "deepseek-chat"):
        look = partial(_object, slug, False, "Choose a number.")
        yield Probe(f"json_object without the word, {slug}", "refused", look, 1)


def _schema(slug: str, client: Client) -> Seen:
    form = {"name": "number", "strict": True, "schema": SCHEMA}
    asked = chat(slug, "Choose a number.", response_format=_format("json_schema", form))

    def judge(reply: Reply) -> Seen:
        text = reply.message.text
        return ("agrees" if _fits(text) else "differs"), f"taken: `{text[:60]}`"

    return _judge(client.ask(slug, asked, 300), judge)


def _format(kind: str, form: object = None) -> dict[str, Any]:
    return {"type": kind} if form is None else {"type": kind, kind: form}


def _fits(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and value.keys() == {"n"} and isinstance(value["n"], int)


JSON = "Choose a number and answer in JSON."


def _object(slug: str, taken: bool, question: str, client: Client) -> Seen:
    asked = chat(slug, question, response_format=_format("json_object"))
    reply = client.ask(slug, asked, 300)
    words = "taken" if reply.status == 200 else "refused"
    return ("agrees" if taken == (reply.status == 200) else "differs"), f"{words}: {reply.brief()}"


# --- 2: the place of a system text -----------------------------------------------------------


def _systems() -> Iterator[Probe]:
    question = {"role": "user", "content": "What is my name?"}
    system = {"role": "system", "content": NAMED}
    contents = [{"role": "user", "parts": [{"text": "What is my name?"}]}]
    parts = {"system_instruction": {"parts": {"text": NAMED}}, "contents": contents}
    for name, slug, body, expected in (
        ("role system", OPENAI, {"messages": [system, question]}, True),
        ("`instruction`", CLAUDE, {"instruction": NAMED, "messages": [question]}, True),
        ("role system", CLAUDE, {"messages": [system, question]}, False),
        ("`system`", CLAUDE, {"system": NAMED, "messages": [question]}, False),
        ("`system_instruction`", GEMINI, {"messages": parts}, True),
        ("a plain OpenAI list", GEMINI, {"messages": [system, question]}, False),
    ):
        assumed = "applied" if expected else "refused or ignored"
        yield Probe(f"{name}, {slug}", assumed, partial(_system, slug, body, expected), 2)


def _system(slug: str, body: Mapping[str, Any], expected: bool, client: Client) -> Seen:
    reply = client.ask(slug, {**body, "max_tokens": 20}, 20)
    if reply.status != 200 and not expected:
        return "agrees", f"refused: {reply.brief()}"
    return _judge(reply, lambda r: _applied(r, "zanzibar" in r.message.text.lower(), expected))


# --- 3, 4, 5, 6: settings and tools ----------------------------------------------------------


def _gemini_places() -> Iterator[Probe]:
    top = chat(GEMINI, COUNT)
    inside = {**top["messages"], "generationConfig": {"maxOutputTokens": 5}}
    for name, body, expected in (
        ("`max_tokens`, top level", {**top, "max_tokens": 5}, True),
        (
            "`generationConfig`, top level",
            {**top, "generationConfig": {"maxOutputTokens": 5}},
            False,
        ),
        ("`generationConfig` in `messages`", {"messages": inside}, False),
    ):
        assumed = "applied" if expected else "refused or ignored"
        yield Probe(f"Gemini's {name}", assumed, partial(_place, body, expected), 3)


def _place(body: Mapping[str, Any], expected: bool, client: Client) -> Seen:
    reply = client.ask(GEMINI, body, 200)
    if reply.status != 200 and not expected:
        return "agrees", f"refused: {reply.brief()}"
    return _judge(reply, lambda r: _applied(r, r.is_cut, expected))


def _tools(slug: str, client: Client) -> Seen:
    named = {"name": "weather", "description": "Get the weather of a city."}
    tools: dict[str, Any] = {
        "openai": {"type": "function", "function": {**named, "parameters": TOOL}},
        "anthropic": {**named, "input_schema": TOOL},
        "gemini": {"functionDeclarations": [{**named, "parameters": TOOL}]},
    }
    asked = chat(slug, "What is the weather in Paris?", tools=[tools[model_info_for(slug).family]])

    def judge(reply: Reply) -> Seen:
        if calls := reply.message.tool_calls:
            return "differs", f"native calls: `{calls}`; tool_calling='native' works"
        return "agrees", f"dropped, billed ${reply.cost or 0:.6f}: `{reply.message.text[:60]}`"

    return _judge(client.ask(slug, {**asked, "max_tokens": 80}, 80), judge)


def _settings(slug: str, client: Client) -> Seen:
    """Send all at once; only where that is refused, each alone."""
    stop = {"anthropic": "stop_sequences", "gemini": "stopSequences"}
    values = {
        "temperature": 0.5,
        "max_tokens": 20,
        "top_p": 0.9,
        "top_k": 5,
        stop.get(model_info_for(slug).family, "stop"): ["END"],
        "seed": 7,
        "n": 1,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.1,
        "reasoning_effort": "low",
    }
    asked = chat(slug, "Say hello in one word.")
    together = client.ask(slug, {**asked, **values}, 20)
    if together.status == 200:
        return "agrees", f"taken together: {', '.join(values)}"
    refused = []
    for name, value in values.items():
        alone = client.ask(slug, {**asked, name: value}, 100)
        if alone.status != 200:
            refused.append(f"{name} ({alone.brief(60)})")
    return "differs", f"refused: {', '.join(refused) or f'only together, {together.brief()}'}"


def _stop(slug: str, client: Client) -> Seen:
    names = {"anthropic": "stop_sequences", "gemini": "stopSequences"}
    name = names.get(model_info_for(slug).family, "stop")

    def judge(reply: Reply) -> Seen:
        text = reply.message.text.strip()
        if not text.startswith("1 2"):
            return "unknown", f"it did not count: `{text[:40]}`"
        return _applied(reply, text.endswith("4"), True, f" as {name}")

    return _judge(client.ask(slug, chat(slug, COUNT, max_tokens=60, **{name: [" 5"]}), 60), judge)


def _refusal(slug: str, client: Client) -> Seen:
    before = client.spending.charged
    reply = client.ask(slug, chat(slug, "Say hello.", max_tokens=20, temperature=99), 20)
    billed = client.spending.charged - before
    body = reply.json
    shape = f"an object of {sorted(body)}" if isinstance(body, dict) else type(body).__name__
    as_assumed = reply.status in {400, 406, 422, 500} and "error" in (body or ()) and not billed
    words = f"{reply.brief()}, {shape}, ${billed:.6f}"
    return ("agrees" if as_assumed else "differs"), words


# --- 7 to 12 ---------------------------------------------------------------------------------


def _claude_default(client: Client) -> Seen:
    question = "Write the numbers from 1 to 520, separated by spaces, and nothing else."

    def judge(reply: Reply) -> Seen:
        written = (reply.json.get("usage") or {}).get("output_tokens")
        enough = isinstance(written, int) and written >= 1024
        if reply.is_cut:
            return ("agrees" if enough else "differs"), f"cut after {written} tokens"
        return ("agrees" if enough else "unknown"), f"{written} tokens were not cut"

    return _judge(client.ask(CLAUDE, chat(CLAUDE, question), 1300), judge)


def _rate_limit(client: Client) -> Seen:
    found = {
        f"{name}: {value}"
        for _, _, reply in client.replies
        for name, value in reply.headers.items()
        if ("rate" in name and "limit" in name) or name.startswith("retry-after")
    }
    limited = sum(reply.status == 429 for _, _, reply in client.replies)
    words = (
        f"{len(client.replies)} replies, {limited} of them 429; {sorted(found)[:5] or 'no header'}"
    )
    return ("differs" if found else "agrees"), words


def _longest(client: Client) -> Seen:
    cut = [
        f"{r.status} after {r.seconds:.0f} s" for r in client.direct if r.status in {502, 504, 524}
    ]
    longest = max((r.seconds for r in client.direct if r.status == 200), default=0.0)
    words = f"answered after {longest:.0f} s; cut: {cut or 'none'}"
    if cut:
        return "differs", words
    return ("agrees" if longest > 60 else "unknown"), words


def _reasoning(client: Client) -> Seen:
    reply = client.ask("deepseek-reasoner", chat("deepseek-reasoner", "What is 17 * 23?"), 1500)

    def judge(reply: Reply) -> Seen:
        message = reply.json["choices"][0]["message"]
        blocks = reply.message.content_blocks
        reasoning = "".join(b.get("reasoning", "") for b in blocks if b["type"] == "reasoning")
        others = sorted(message.keys() - {"role", "content"})
        words = f"beside content: {others}; {len(reasoning)} characters of it were read"
        if not reasoning:
            return ("differs" if others else "unknown"), words
        return ("agrees" if "reasoning_content" in message else "differs"), words

    return _judge(reply, judge)


def _image(client: Client) -> Seen:
    taken = 0
    for megabytes in (1, 4, 16):
        data = base64.b64encode(png(megabytes * 2**20 * 3 // 4)).decode()
        parts = [
            {"text": "What color is this? One word."},
            {"inlineData": {"mimeType": "image/png", "data": data}},
        ]
        body = {"messages": {"contents": [{"role": "user", "parts": parts}]}, "max_tokens": 20}
        reply = client.ask(GEMINI, body, 20)
        if reply.status != 200:
            return "differs", f"{taken} MB of base64 taken, {megabytes} refused: {reply.brief()}"
        taken = megabytes
    return "agrees", f"{taken} MB of base64 taken"


def png(size: int) -> bytes:
    """Make a picture of one red pixel that has a given size, by a comment of that length."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + check

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0")
    end = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    comment = b"Comment\0" + b"x" * (size - len(start) - len(end) - 20)
    return start + chunk(b"tEXt", comment) + end


def _vector(slug: str, client: Client) -> Seen:
    body = {"input" if slug.startswith("gemini") else "prompt": "bees"}
    reply = client.ask(slug, body, 1)

    def judge(reply: Reply) -> Seen:
        vector = reply.vector
        place = _path(reply.json)
        usual = slug.startswith("gemini") or place == "embedding"
        words = f"{len(vector)} numbers, {f'`{place}`' if place else 'which are the whole body'}"
        return ("agrees" if usual else "differs"), words

    return _judge(reply, judge)


def _path(value: Any) -> str:
    """Return where the list of numbers is, as `data[0].embedding`."""
    match value:
        case dict():
            found = {key: _path(inner) for key, inner in value.items()}
            key = next((key for key, path in found.items() if path != "-"), None)
            return "-" if key is None else f"{key}.{found[key]}".rstrip(".").replace(".[", "[")
        case [dict() | list() as first, *_]:
            return f"[0].{_path(first)}".rstrip(".")
        case [int() | float(), *_]:
            return ""
        case _:
            return "-"


def _headers(client: Client) -> Seen:
    good = [reply for reply in client.direct if reply.status == 200]
    if not good:
        return "unknown", "no call was answered"
    missing = ["x-cost", "x-remaining-credits", "x-request-id", "x-generation-time"]
    for name in set.intersection(*({*reply.headers} for reply in good)) & {*missing}:
        missing.remove(name)
    ours = [f"{k}: {v}" for k, v in good[0].headers.items() if k.startswith("x-")]
    words = f"{', '.join(ours) or 'none'}; not on every answer: {missing or 'none'}"
    return ("differs" if missing else "agrees"), words


def _sum(client: Client) -> Seen:
    reported, charged = client.spending.reported, client.spending.charged
    words = f"${reported:.6f} were reported, the balance fell by ${charged:.6f}"
    as_assumed = abs(reported - charged) <= 0.05 * max(reported, charged)
    return ("agrees" if as_assumed else "differs"), words
