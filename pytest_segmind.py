"""A plugin for pytest: the fixture `segmind_gateway`, a Segmind gateway of one test's own.

It stands outside the package, and imports it only when a test asks for the fixture: every run of
pytest loads its plugins, and before coverage is measured.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from langchain_segmind.testing import LocalGateway

_MARK = "segmind_gateway"
_ASKED = 20  # requests shown under a test that failed
_GATEWAY = pytest.StashKey["LocalGateway"]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(**settings): build the fixture of that name with settings of LocalGateway, as "
        "credits=0.5 or responder=...",
    )


@pytest.fixture
def segmind_gateway(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalGateway]:
    """Run a gateway on this machine, to which every `ChatSegmind` built in the test goes.

    It answers what `reply` scripts, fails as told by `fail`, and has the log in `requests`. What it
    was asked is shown when the test fails.
    """
    from langchain_segmind.testing import LocalGateway  # noqa: PLC0415 - see above

    marks = reversed([*request.node.iter_markers(_MARK)])  # the nearest one has the last word
    settings = {name: value for mark in marks for name, value in mark.kwargs.items()}
    with LocalGateway(**settings) as gateway:
        request.node.stash[_GATEWAY] = gateway
        monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)
        monkeypatch.setenv("SEGMIND_API_KEY", gateway.api_key)
        yield gateway


@pytest.hookimpl(hookwrapper=True)  # the older way, which every pytest in use understands
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show under a test that failed what its gateway was asked."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    gateway = item.stash.get(_GATEWAY, None)
    if gateway is not None and report.when == "call" and report.failed:
        report.sections.append(("Segmind gateway", _told(gateway)))


def _told(gateway: LocalGateway) -> str:
    from langchain_segmind.testing.live_log import LiveLog  # noqa: PLC0415 - see above

    lines: list[str] = []
    log = LiveLog(lines.append)
    for asked in gateway.requests:
        log.show(asked)
    left_out = len(lines) - _ASKED
    before = [f"... {left_out} requests before"] if left_out > 0 else []
    end = f"{gateway.executions} runs executed, {gateway.credits:.6f} USD left"
    return "\n".join([*before, *lines[-_ASKED:], end])
