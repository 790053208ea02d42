"""What a model opens and learns while it is used. It must not change what the model is equal to."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any, Final

from langchain_segmind._flows.chat import ModelCall
from langchain_segmind._http.transport import Network, Transport

_log: Final = logging.getLogger(__name__)

MAX_NETWORKS: Final = 16
"""How many networks keep their connections: copies of a model may use ever new proxies."""

MAX_REFUSALS: Final = 64


class ClientState:
    """The connections of one model, and what its calls found out.

    A copy of the model shares them; a deep copy and an unpickled model start without any. All
    states are equal, so models are compared by their fields.

    Attributes:
        transports: The connections, by where they go.
        refused_formats: What each slug was found to refuse, see `Completion.refused_format`.
        refused_settings: The settings that each slug was found to refuse.
        vector_sizes: The length of the first vector by address, model and dimensions.
        plain_call: A call without settings of its own, beside the fields that it follows from.
    """

    def __init__(self) -> None:
        self.transports: dict[Network, Transport] = {}
        self.refused_formats: dict[str, list[str]] = {}
        self.refused_settings: dict[str, frozenset[str]] = {}
        self.vector_sizes: dict[object, int] = {}
        self.plain_call: tuple[tuple[Any, ...], ModelCall] | None = None

    def add_refusal(self, slug: str, refused: str) -> None:
        """Remember a format that a model refused, and forget old ones: schemas may vary."""
        known = self.refused_formats.get(slug, [])
        if refused not in known:
            self.refused_formats[slug] = [*known, refused][-MAX_REFUSALS:]

    def add_refused_settings(self, slug: str, refused: Collection[str]) -> None:
        """Remember the settings that a model refused, and log them the first time."""
        known = self.refused_settings.get(slug, frozenset())
        added = sorted(set(refused) - known)
        if added:
            self.refused_settings[slug] = known.union(added)
            _log.info(
                "%s refuses %s; what replaces it is sent from now on", slug, " and ".join(added)
            )

    def add_transport(self, network: Network) -> Transport:
        """Return the connections to a network, new ones unless another thread was first."""
        added = self.transports.setdefault(network, Transport(network))
        if len(self.transports) > MAX_NETWORKS:
            self.transports.pop(next(iter(self.transports)), None)  # its calls still hold it
        return added

    def local_transport(self, network: Network) -> Transport:
        """Return the connections to a local gateway, and close those to earlier ones."""
        for other in [*self.transports]:
            if other.is_direct and other != network:
                self.transports.pop(other).close()
        return self.transports.get(network) or self.add_transport(network)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClientState)

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: dict[int, Any]) -> ClientState:
        return ClientState()

    def __reduce__(self) -> tuple[Any, ...]:
        return ClientState, ()
