"""A plugin for pytest: the fixture `segmind_gateway`, a Segmind gateway of one test's own.

It stands outside the package, and imports it only when a test asks for the fixture: every run of
pytest loads its plugins, and before coverage is measured. For the same reason it allows models
without a key by an environment variable: test modules are imported before any fixture runs.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from langchain_segmind.testing import LocalGateway
else:
    LocalGateway = Any  # so that the annotations resolve without loading it

_MARK = "segmind_gateway"
_ASKED = 20  # requests shown under a test that failed
_GATEWAY = pytest.StashKey["LocalGateway"]()
_ALLOW_UNUSED = pytest.StashKey[bool]()

_LACK_KEY = "SEGMIND_ALLOW_MISSING_KEY"
_BY_PYTEST = "pytest"  # our value: a worker of pytest-xdist must not take it for the user's


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Allow models without a key in what pytest imports, until all tests are collected."""
    _allow_missing_key()


def pytest_collection_finish() -> None:
    """Want a key again, as the tests begin."""
    _want_key()


def pytest_unconfigure() -> None:
    """Want a key again where nothing was collected, as in what starts the workers of xdist."""
    _want_key()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, None]:
    """Allow models without a key in the fixtures that are set up before ours."""
    if _MARK not in getattr(item, "fixturenames", ()):
        yield
        return
    _allow_missing_key()
    yield
    _want_key()


def _allow_missing_key() -> None:
    os.environ.setdefault(_LACK_KEY, _BY_PYTEST)


def _want_key() -> None:
    if os.environ.get(_LACK_KEY) == _BY_PYTEST:
        del os.environ[_LACK_KEY]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    _allow_missing_key()  # where the plugin was loaded too late for the first hook
    config.addinivalue_line(
        "markers",
        f"{_MARK}(**settings): build the fixture of that name with settings of LocalGateway, as "
        "credits=0.5 or responder=...; allow_unused=True allows scripted replies and failures that "
        "are not used",
    )


@pytest.fixture
def segmind_gateway(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalGateway]:
    """Run a local gateway for one test, and redirect every model to it.

    Every `ChatSegmind` and `SegmindEmbeddings` calls this gateway, no matter when it was built and
    which address and key it has. The only exception is a model with the address of another
    `LocalGateway` of this process.

    The gateway sends the replies that `reply` scripts, fails as `fail` scripts, and logs the
    `requests`. If the test fails, the report shows them. A test that passes without using every
    scripted reply and failure fails, unless its mark is ``segmind_gateway(allow_unused=True)``.
    """
    from langchain_segmind.testing import LocalGateway  # noqa: PLC0415 - see above
    from langchain_segmind.testing.active import taking_all  # noqa: PLC0415

    marks = reversed([*request.node.iter_markers(_MARK)])  # the nearest one has the last word
    settings = {name: value for mark in marks for name, value in mark.kwargs.items()}
    allow_unused = settings.pop("allow_unused", False)
    with LocalGateway(**settings) as gateway:
        request.node.stash[_GATEWAY] = gateway
        request.node.stash[_ALLOW_UNUSED] = allow_unused
        monkeypatch.setenv("SEGMIND_API_BASE", gateway.base_url)
        monkeypatch.setenv("SEGMIND_API_KEY", gateway.api_key)
        with taking_all(gateway.base_url, gateway.api_key):
            yield gateway


@pytest.hookimpl(hookwrapper=True)  # the older way, which every pytest in use understands
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Fail a test that passed, but did not use all that it scripted: it tests less than it says."""
    outcome = yield
    gateway = item.stash.get(_GATEWAY, None)
    if gateway is None or outcome.excinfo or item.stash[_ALLOW_UNUSED]:
        return
    if unused := gateway.unused:
        message = (
            f"segmind_gateway: the test passed without using {', '.join(unused)}.\n"
            "Script only what is needed, or allow it with "
            "@pytest.mark.segmind_gateway(allow_unused=True)."
        )
        outcome.force_exception(pytest.fail.Exception(message, pytrace=False))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show under a test that failed what its gateway was asked."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    gateway = item.stash.get(_GATEWAY, None)
    if gateway is not None and report.when == "call" and report.failed:
        report.sections.append(("Segmind gateway", _summary(gateway)))


def _summary(gateway: LocalGateway) -> str:
    from langchain_segmind.testing.live_log import LiveLog  # noqa: PLC0415 - see above

    lines: list[str] = []
    log = LiveLog(lines.append)
    for asked in gateway.requests:
        log.show(asked)
    left_out = len(lines) - _ASKED
    before = [f"... {left_out} requests before"] if left_out > 0 else []
    runs = f"{gateway.executions} model run{'s' * (gateway.executions != 1)}"
    end = f"{runs}, ${gateway.credits:.6f} left"
    return "\n".join([*before, *lines[-_ASKED:], end])
