"""What a model learns and opens while it is used, beside its fields."""

from __future__ import annotations

from typing import Any, Final

from langchain_segmind._http.transport import Network, Transport

MOST_NETWORKS: Final = 16
"""Networks whose connections are kept: copies may go through ever new proxies."""


class ClientState:
    """Connections and findings of one model.

    A copy of the model shares them, so both use the same connections where they go to the same
    address. A deep copy and an unpickled model start without any. They do not count when models are
    compared.

    Attributes:
        transports: The connections, by where they go.
        refuses_format: Slugs that were found to refuse `response_format`.
        vector_sizes: The length of the first vector by address, model and dimensions.
    """

    def __init__(self) -> None:
        self.transports: dict[Network, Transport] = {}
        self.refuses_format: set[str] = set()
        self.vector_sizes: dict[object, int] = {}

    def add_transport(self, network: Network) -> Transport:
        """Return the connections to a network, new ones unless another thread was first."""
        added = self.transports.setdefault(network, Transport(network))
        if len(self.transports) > MOST_NETWORKS:
            self.transports.pop(
                next(iter(self.transports)), None
            )  # its calls keep it until they end
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
