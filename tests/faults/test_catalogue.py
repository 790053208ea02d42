"""Every fault of the catalogue, through requests and through aiohttp, comes to what it must."""

import logging

import pytest

from tests.faults.catalogue import CATALOGUE
from tests.faults.checks import DRIVERS, KEY, assert_fit_to_show, play
from tests.faults.server import JOB


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("scenario", CATALOGUE, ids=lambda scenario: scenario.name)
def test_a_fault_comes_to_what_it_must(scenario, driver, caplog):
    caplog.set_level(logging.DEBUG)
    with scenario.at() as place:
        settings = {**place.settings, **scenario.settings}
        end = play(driver, place.url, calls=scenario.calls, pause=0.4, **settings)
        if scenario.gone:
            assert place.gateway.await_gone(scenario.gone)

    told = end.error and (str(end.error), end.error.outcome)
    assert type(end.error) is (scenario.error or type(None)), told
    assert end.text == (None if scenario.error else scenario.text)
    if place.gateway is not None:
        assert place.gateway.requests["m"] == scenario.requests, told
        assert place.gateway.executions["m"] == scenario.runs
        assert place.gateway.requests["*"] == 0
        polls = place.gateway.requests["status"] + place.gateway.requests["result"]
        assert scenario.polled in (None, polls), told
    for canary in place.canaries:
        assert canary.connections == 0
    if end.error is not None:
        assert end.error.outcome == scenario.outcome, told
        arrived = place.gateway.requests.total() if place.gateway else 0
        assert end.error.attempts == (scenario.attempts or arrived), told
        assert scenario.says in str(end.error)
        assert_fit_to_show(end.error, caplog.text)
        if scenario.polls:
            assert end.error.request_id == JOB
            assert JOB in caplog.text
            assert not end.error.is_retryable
        assert "proxy-secret" not in str(end.error) + repr(vars(end.error)) + caplog.text


def test_every_scenario_has_a_name_of_its_own():
    names = [scenario.name for scenario in CATALOGUE]
    assert sorted(set(names)) == sorted(names)
    assert KEY not in "".join(names)
