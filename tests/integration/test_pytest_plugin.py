"""The fixture `segmind_gateway` in a project of its own, as users have one."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/testing.md").read_text()
pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    pytester.makepyfile(
        app="""
        from langchain_segmind import ChatSegmind

        def capital_of(country):
            model = ChatSegmind(model="gpt-4o", max_retries=1)
            return model.invoke(f"What is the capital of {country}?").text
        """
    )
    return pytester


def test_scripts_answers_and_keeps_a_log(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from app import capital_of

        def test_it(segmind_gateway):
            segmind_gateway.reply("Paris.")
            segmind_gateway.fail(status=503)
            assert capital_of("France") == "Paris."
            assert [request.status for request in segmind_gateway.requests] == [503, 200]
            assert segmind_gateway.executions == 1
            assert segmind_gateway.credits < 10
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_is_reached_without_a_proxy_of_the_environment(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    project.makepyfile(
        """
        from app import capital_of

        def test_it(segmind_gateway):
            segmind_gateway.reply("Paris.")
            assert capital_of("France") == "Paris."
            assert segmind_gateway.executions == 1
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_does_what_the_documentation_says(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n((?:(?!```).)*def test_.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        pytester.makepyfile(**{f"test_block_{number}": block})
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_gives_each_test_a_gateway_of_its_own_with_settings_from_marks(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
        import pytest
        from app import capital_of
        from langchain_segmind import SegmindInsufficientCreditsError

        pytestmark = pytest.mark.segmind_gateway(credits=5, api_key="SG_mine")

        def test_of_the_module(segmind_gateway):
            capital_of("France")
            assert (segmind_gateway.api_key, len(segmind_gateway.requests)) == ("SG_mine", 1)

        @pytest.mark.segmind_gateway(credits=0)
        def test_of_its_own(segmind_gateway):
            with pytest.raises(SegmindInsufficientCreditsError):
                capital_of("France")
            assert (segmind_gateway.api_key, len(segmind_gateway.requests)) == ("SG_mine", 1)
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=2)


def test_shows_what_was_asked_when_a_test_fails(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from app import capital_of

        def test_it(segmind_gateway):
            segmind_gateway.reply("Paris.")
            assert capital_of("France") == "Lyon."
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- Segmind gateway -*",
            'POST /v1/gpt-4o "What is the capital of France[?]" -> 200, billed',
            "1 runs executed, * USD left",
        ]
    )


def test_leaves_the_environment_as_it_was(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_real")
    project.makepyfile(
        """
        import os

        def test_one(segmind_gateway):
            assert os.environ["SEGMIND_API_KEY"] == segmind_gateway.api_key

        def test_two():
            assert os.environ["SEGMIND_API_KEY"] == "SG_real"
            assert "SEGMIND_API_BASE" not in os.environ
        """
    )
    project.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_costs_nothing_where_it_is_not_asked_for(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_it():
            assert "pytest_segmind" in sys.modules
            assert not [name for name in sys.modules if name.startswith("langchain_segmind")]
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_is_explained_by_pytest_itself(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--markers", "--fixtures")
    result.stdout.fnmatch_lines(["*segmind_gateway(*settings): build*"])
