"""Models that reply as a test or a demo wants: from a script, or from a function."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from langchain_segmind.testing.conversation import Call, ModelRequest, Reply
from langchain_segmind.testing.echo import EchoModel, within_limit
from langchain_segmind.testing.exchange import last_exchange

Scripted = str | Call | Reply
Script = Iterable[Scripted] | Mapping[str, Scripted | Sequence[Scripted]]


class ScriptExhaustedError(RuntimeError):
    """More requests came than replies were listed."""


def as_reply(reply: Scripted) -> Reply:
    """Let a text, or a call of a tool, stand for a reply that holds nothing else."""
    if isinstance(reply, Call):
        return Reply(calls=[reply])
    return Reply(text=reply) if isinstance(reply, str) else reply


class ScriptedModel:
    """Gives the replies of a script.

    A list is played in order. A mapping gives each reply by what was asked, in whatever order
    requests arrive: that of the longest key that occurs in the system text or the last user turn,
    cut where ``max_tokens`` allows less. Where its value is a list, its first reply is given at
    first, and the next one after each turn of the model, as an agent needs it. What a mapping has
    no reply for is left to `EchoModel`.

    Example:
        >>> model = ScriptedModel(["Hello.", Reply("Too lo", finish_reason="length")])
        >>> model = ScriptedModel({"capital of France": "Paris.", "capital of Japan": "Tokyo."})

    Args:
        replies: The script; a text or a `Call` is short for a `Reply` that holds nothing else.

    Attributes:
        requests: Every request so far, in order.
    """

    threads = 0  # in the order of arrival, that is

    def __init__(self, replies: Script) -> None:
        self.requests: list[ModelRequest] = []
        self._by_prompt = replies if isinstance(replies, Mapping) else None
        self._replies = deque(() if isinstance(replies, Mapping) else map(as_reply, replies))
        self._length = len(self._replies)

    def respond(self, request: ModelRequest) -> Reply:
        """Give the reply that the script has for a request, see `Responder.respond`.

        Raises:
            ScriptExhaustedError: The list is used up.
        """
        self.requests.append(request)
        if self._by_prompt is not None:
            return _reply_to(self._by_prompt, request)
        if not self._replies:
            raise ScriptExhaustedError(
                f"the script is used up: it lists {self._length} replies, "
                f"and this is request {len(self.requests)}"
            )
        return self._replies.popleft()


def _reply_to(script: Mapping[str, Scripted | Sequence[Scripted]], request: ModelRequest) -> Reply:
    last = last_exchange(request)
    asked = f"{request.system}\n{last.prompt}"
    fitting = [part for part in script if part in asked]
    found = script[max(fitting, key=len)] if fitting else ()
    listed = [found] if isinstance(found, str | Call | Reply) else found
    if last.replies < len(listed):
        return within_limit(request, as_reply(listed[last.replies]))
    return EchoModel().respond(request)


class FunctionModel:
    """Replies with what a function returns.

    Example:
        >>> model = FunctionModel(lambda request: request.turns[-1].text.upper())

    Args:
        function: Takes a `ModelRequest`; returns a text, a `Call` or a `Reply`.
        threads: How many requests it can take at the same time, each in a thread of its own; 0
            calls it in the gateway's own thread, which is right where it takes no time.
    """

    def __init__(self, function: Callable[[ModelRequest], Scripted], *, threads: int = 1) -> None:
        self.threads = threads
        self._function = function

    def respond(self, request: ModelRequest) -> Reply:
        """Return the function's reply, see `Responder.respond`."""
        return as_reply(self._function(request))
