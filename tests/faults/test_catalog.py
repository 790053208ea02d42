"""Every fault of the catalog ends as it must, through requests and through aiohttp.

What a complete reply means is decided by a flow, and `tests/unit/flows/test_faults.py` plays all of
those without a network; here each of them comes through one of the drivers, in turn.
"""

import logging

import pytest

from tests.faults.catalog import CATALOG, JOB_DETAILS
from tests.faults.checks import DRIVERS, KEY, assert_fit_to_show, play
from tests.faults.server import JOB, Reply


def _is_for_flows(scenario):
    acts = (*scenario.acts, *scenario.polls, *scenario.results)
    is_plain = scenario.place is None and scenario.calls == 1
    return is_plain and all(isinstance(act, Reply) for act in acts)


PLAYS = [
    pytest.param(scenario, driver, id=f"{scenario.name}-{driver}")
    for n, scenario in enumerate(CATALOG)
    for driver in ([DRIVERS[n % 2]] if _is_for_flows(scenario) else DRIVERS)
]


@pytest.mark.parametrize(("scenario", "driver"), PLAYS)
def test_call_ends_as_the_fault_requires(scenario, driver, caplog):
    caplog.set_level(logging.DEBUG)
    with scenario.at() as place:
        server = place.gateway

        def first_act_has_ended():
            assert server.wait_until(lambda: server.ended == 1)

        settings = {**place.settings, **scenario.settings}
        between = first_act_has_ended
        end = play(driver, place.url, calls=scenario.calls, between=between, **settings)
        if scenario.gone:
            assert server.wait_until(lambda: server.gone >= scenario.gone)

    shown = end.error and (str(end.error), end.error.outcome)
    assert type(end.error) is (scenario.error or type(None)), shown
    assert end.text == (None if scenario.error else scenario.text)
    if place.gateway is not None:
        assert place.gateway.requests["m"] == scenario.requests, shown
        assert place.gateway.executions["m"] == scenario.runs
        assert place.gateway.requests["*"] == 0
        polls = place.gateway.requests["status"] + place.gateway.requests["result"]
        assert scenario.polled in (None, polls), shown
    for canary in place.canaries:
        assert canary.connections == 0
    if end.error is not None:
        assert end.error.outcome == scenario.outcome, shown
        arrived = place.gateway.requests.total() if place.gateway else 0
        assert end.error.attempts == (scenario.attempts or arrived), shown
        assert scenario.message in str(end.error)
        assert not end.error.is_retryable or scenario.outcome in ("not_sent", "rejected")
        assert_fit_to_show(end.error, caplog.text)
        if scenario.polls:
            assert end.error.request_id == JOB
            assert JOB in caplog.text
            assert not end.error.is_retryable
        assert "proxy-secret" not in str(end.error) + repr(vars(end.error)) + caplog.text


def test_every_scenario_has_a_name_of_its_own():
    names = [scenario.name for scenario in (*CATALOG, *JOB_DETAILS)]

    assert sorted(set(names)) == sorted(names)
    assert KEY not in "".join(names)
