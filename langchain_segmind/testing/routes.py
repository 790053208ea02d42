"""Which endpoint answers what, as a table; a further one is a function and a row in `ROUTES`."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from langchain_segmind.testing.endpoints import run_model, show_catalogue, show_credits
from langchain_segmind.testing.errors import Answer, RefusalError, error_answer
from langchain_segmind.testing.jobs import show_result, show_status, submit
from langchain_segmind.testing.state import GatewayState, Visit

Endpoint = Callable[..., Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """One row of the table of endpoints.

    Attributes:
        method: The only verb it takes.
        path: The paths it is for; named groups become arguments.
        endpoint: What answers.
    """

    method: str
    path: re.Pattern[str]
    endpoint: Endpoint


# The first row whose path fits decides; `/v1/{slug}` would fit the fixed names as well.
ROUTES = (
    Route("GET", re.compile(r"/v2/requests/(?P<request_id>[^/]+)/status"), show_status),
    Route("GET", re.compile(r"/v2/requests/(?P<request_id>[^/]+)"), show_result),
    Route("GET", re.compile(r"/v1/get-user-credits"), show_credits),
    Route("GET", re.compile(r"/inference-model-information/list"), show_catalogue),
    Route("POST", re.compile(r"/v1/(?P<slug>[^/]+)"), run_model),
    Route("POST", re.compile(r"/v2/(?P<slug>[^/]+)"), submit),
)


@dataclass(frozen=True)
class Found:
    """An endpoint, and what its path says.

    Attributes:
        route: The row.
        arguments: The named groups of the path.
    """

    route: Route
    arguments: dict[str, str]

    @property
    def slug(self) -> str | None:
        """The model the path names, if it names one."""
        return self.arguments.get("slug")


def find_route(path: str) -> Found | None:
    """Find the endpoint of a path."""
    for row in ROUTES:
        if fits := row.path.fullmatch(path):
            return Found(row, fits.groupdict())
    return None


async def respond(state: GatewayState, visit: Visit, found: Found | None) -> Answer:
    """Answer a visit, whatever it is.

    Args:
        state: The gateway.
        visit: The request.
        found: The endpoint of its path.

    Returns:
        The answer; never raises for a bad request.
    """
    wrong_verb = found is not None and visit.method != found.route.method
    if found is None or (wrong_verb and found.slug not in {None, *state.directory}):
        return error_answer(404, {"error": f"Not found: {visit.path}"})
    if wrong_verb:
        return error_answer(405)
    try:
        return await found.route.endpoint(state, visit, **found.arguments)
    except RefusalError as refusal:
        return refusal.answer()
