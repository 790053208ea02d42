"""What responders take and give: a request to a model, and its reply.

Nothing here knows any request format, or HTTP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["user", "assistant", "system"]


@dataclass(frozen=True)
class Media:
    """An image, audio, video or document in a turn.

    Attributes:
        kind: What it is: ``"image"``, ``"audio"``, ``"video"`` or ``"file"``.
        mime: Its media type, or None if the request does not have it.
        data: The decoded bytes, or None for a URL.
        url: The address, or None for inline data.
    """

    kind: Literal["image", "audio", "video", "file"]
    mime: str | None = None
    data: bytes | None = field(default=None, repr=False)
    url: str | None = None


@dataclass(frozen=True)
class Tool:
    """A tool a model may call.

    Attributes:
        name: Its name.
        description: What it is for.
        parameters: The JSON schema of its arguments, with all definitions that it refers to.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """The tools that a model may call in this reply.

    Attributes:
        tools: The tools.
        forced: Whether at least one must be called.
        most: Maximum number of calls; None for any number.
    """

    tools: tuple[Tool, ...]
    forced: bool = False
    most: int | None = None


@dataclass(frozen=True)
class Call:
    """A tool call.

    Attributes:
        name: The tool's name.
        arguments: The arguments.
        id: The id that the result refers to; None in a reply lets the gateway choose one.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True)
class Result:
    """What a tool returned.

    Attributes:
        text: Its text.
        id: The id of the call, if the request has it.
        name: The tool's name, if the request has it.
        failed: Whether it is an error.
    """

    text: str
    id: str | None = None
    name: str | None = None
    failed: bool = False


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation.

    Attributes:
        role: Whose turn it is; ``"system"`` only for a system message after the conversation began.
        text: All its text, several text parts joined by line ends.
        media: All its media, in order.
        name: The author's name, if the request has it.
        calls: Native tool calls.
        results: Native results of tools; they come before the text.
    """

    role: Role
    text: str
    media: tuple[Media, ...] = ()
    name: str | None = None
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()


@dataclass(frozen=True)
class ModelRequest:
    """A request to a model, independent of the request format.

    Attributes:
        slug: The model that is called.
        family: The request format: ``"openai"``, ``"anthropic"`` or ``"gemini"``.
        system: The system text, or an empty string.
        turns: The conversation, oldest turn first; empty if only a system text was sent.
        response_format: The value of ``response_format``, or None.
        settings: Every other top-level field of the body: ``temperature``, ``max_tokens``, …
        offer: The native tool fields; None unless the local gateway has `forward_tools`.
    """

    slug: str
    family: str
    system: str
    turns: tuple[Turn, ...]
    response_format: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    offer: Offer | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens counted for one run.

    Attributes:
        input_tokens: Input tokens.
        output_tokens: Output tokens, including reasoning.
    """

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Reply:
    """A reply of a model, and how the local gateway sends it.

    Attributes:
        text: The answer.
        finish_reason: Why it ended, in OpenAI's words (``"stop"``, ``"length"``,
            ``"content_filter"``, …); it is translated for the other formats.
        reasoning: The model's reasoning. Like the next two, it is sent in the request's format.
        refusal: The model's refusal to answer.
        calls: Tool calls.
        usage: Token counts to report, or None to have them counted.
        body: A JSON value to send instead of the usual body; bytes are sent as they are.
        headers: Reply headers to add; a value of None removes one of the local gateway's.
        status: The HTTP status. Only a run answered with 200 counts as executed and is billed.
        delay: Seconds that this answer takes, added to the local gateway's `latency`.
    """

    text: str = ""
    finish_reason: str = "stop"
    reasoning: str | None = None
    refusal: str | None = None
    calls: Sequence[Call] = ()
    usage: Usage | None = None
    body: Any = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    status: int = 200
    delay: float = 0.0


class Responder(Protocol):
    """The interface of a model for `LocalGateway(responder=...)`.

    It may have an attribute `threads`, the maximum number of concurrent calls, each in a thread of
    its own; the default is 1. With 0, it is called in the gateway's own thread, which is best if
    replies take no time, because the gateway waits for it.
    """

    def respond(self, request: ModelRequest) -> Reply:
        """Answer one request.

        Args:
            request: The request.

        Returns:
            The reply.

        Raises:
            Exception: Any error. The client gets HTTP 500 with its message, or a job that FAILED
                with it, and is not billed.
        """
        ...
