"""The fixture `segmind_gateway` in a project of its own, as users have one."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from langchain_segmind.testing import LocalGateway

PAGE = (Path(__file__).parents[2] / "docs/testing.md").read_text()
pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with this plugin alone: the others of this environment are slow to import."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_segmind")
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


def assert_passes(project: pytest.Pytester, code: str, passed: int = 1) -> None:
    project.makepyfile(code)
    project.runpytest_subprocess().assert_outcomes(passed=passed)


def test_fixture_scripts_answers_and_keeps_a_log(project: pytest.Pytester) -> None:
    assert_passes(
        project,
        """
        from app import capital_of

        def test_it(segmind_gateway):
            segmind_gateway.reply("Paris.")
            segmind_gateway.fail(status=503)
            assert capital_of("France") == "Paris."
            assert [request.status for request in segmind_gateway.requests] == [503, 200]
            assert segmind_gateway.executions == 1
            assert segmind_gateway.credits < 10
        """,
    )


def test_fixture_is_reached_without_a_proxy_of_the_environment(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert_passes(
        project,
        """
        from app import capital_of

        def test_it(segmind_gateway):
            segmind_gateway.reply("Paris.")
            assert capital_of("France") == "Paris."
            assert segmind_gateway.executions == 1
        """,
    )


def test_fixture_works_as_documented(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n((?:(?!```).)*def test_.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    for number, block in enumerate(blocks):
        pytester.makepyfile(**{f"test_block_{number}": block})
    pytester.runpytest_subprocess().assert_outcomes(passed=5)


def test_fixture_has_the_settings_of_the_marks(
    project: pytest.Pytester,
) -> None:
    assert_passes(
        project,
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
        """,
        2,
    )


def test_report_shows_the_requests_when_a_test_fails(project: pytest.Pytester) -> None:
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
            "1 model run, $9.99* left",
        ]
    )


def test_test_fails_when_a_scripted_reply_or_failure_is_not_used(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from app import capital_of

        def test_reply(segmind_gateway):
            segmind_gateway.reply("Paris.", "Lyon.")
            assert capital_of("France") == "Paris."

        def test_failure(segmind_gateway):
            segmind_gateway.fail(status=503, slug="gpt-5")
            assert capital_of("France")

        def test_part_of_a_failure(segmind_gateway):
            segmind_gateway.fail(status=503, times=9)
            with pytest.raises(RuntimeError):
                capital_of("France")

        def test_failed_anyway(segmind_gateway):
            segmind_gateway.reply("Paris.")
            assert capital_of is None

        @pytest.mark.segmind_gateway(allow_unused=True, credits=5)
        def test_allowed(segmind_gateway):
            segmind_gateway.reply("Paris.")
            assert segmind_gateway.unused == ["reply('Paris.')"]
        """
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "segmind_gateway: the test passed without using reply('Lyon.').",
            "Script only *allow it with @pytest.mark.segmind_gateway(allow_unused=True).",
            'POST /v1/gpt-4o "What is the capital of France[?]" -> 200, billed',
            "segmind_gateway: the test passed without using fail(status=503, slug='gpt-5').",
            "*assert * is None",
        ]
    )
    lines = [line for line in result.outlines if line.startswith("segmind_gateway: ")]
    assert len(lines) == 2  # with CI=true, pytest repeats them behind FAILED


def test_fixture_restores_the_environment(
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


def test_plugin_imports_nothing_when_the_fixture_is_not_used(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")  # it is found where it is installed
    monkeypatch.delenv("PYTEST_PLUGINS")
    assert_passes(
        project,
        """
        import sys

        def test_it():
            assert "pytest_segmind" in sys.modules
            assert not [name for name in sys.modules if name.startswith("langchain_segmind")]
        """,
    )


def test_marker_is_explained_by_pytest(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--markers", "--fixtures")
    result.stdout.fnmatch_lines(["*segmind_gateway(*settings): build*"])


def test_model_goes_to_the_gateway_whenever_it_was_built(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_real")
    with LocalGateway(api_key="SG_real") as live:  # another process's: not one of the test's own
        monkeypatch.setenv("SEGMIND_API_BASE", live.base_url)
        project.makepyfile(
            application="""
            from langchain_segmind import ChatSegmind, SegmindEmbeddings

            model = ChatSegmind(model="gpt-4o")
            elsewhere = ChatSegmind(model="gpt-4o", base_url="https://elsewhere.invalid/v1")
            embeddings = SegmindEmbeddings(model="text-embedding-3-small")
            """
        )
        project.makepyfile(
            """
            import os
            from application import elsewhere, embeddings, model
            from langchain_segmind import ChatSegmind

            same = ChatSegmind(model="gpt-4o", base_url=os.environ["SEGMIND_API_BASE"])

            def test_it(segmind_gateway):
                segmind_gateway.reply("Paris.")
                assert model.invoke("capital?").text == "Paris."
                elsewhere.submit("capital?").result()
                same.invoke("capital?")
                embeddings.embed_query("capital?")
                assert segmind_gateway.executions == 4
                keys = {r.headers["x-api-key"] for r in segmind_gateway.requests}
                assert keys == {segmind_gateway.api_key}

            def test_another(segmind_gateway):
                assert model.invoke("capital?").text
                assert segmind_gateway.executions == 1
            """
        )
        project.runpytest_subprocess().assert_outcomes(passed=2)

        assert live.requests == []


WITHOUT_A_KEY = """
    import os
    import pytest
    from langchain_segmind import ChatSegmind, SegmindEmbeddings

    model = ChatSegmind(model="gpt-4o")
    embeddings = SegmindEmbeddings(model="text-embedding-3-small")

    def build():
        return ChatSegmind(model="gpt-4o")
"""


def test_application_is_imported_without_a_key(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEGMIND_API_KEY", raising=False)
    project.makepyfile(application=WITHOUT_A_KEY, late=WITHOUT_A_KEY)
    project.makeconftest("import application")
    assert_passes(
        project,
        """
        import os
        import pytest
        from application import build, embeddings, model

        @pytest.fixture(scope="module")
        def late():
            import late
            return late.model

        def test_with_the_gateway(late, segmind_gateway):
            assert all(m.invoke("Hi").text for m in (model, late, build()))
            assert embeddings.embed_query("Hi")
            assert segmind_gateway.executions == 4

        def test_without():
            assert "SEGMIND_ALLOW_MISSING_KEY" not in os.environ
            with pytest.raises(ValueError, match="api_key is blank"):
                build()
            with pytest.raises(ValueError, match="api_key is blank"):
                model.invoke("Hi")
        """,
        2,
    )
    if find_spec("xdist"):
        project.runpytest_subprocess("-p", "xdist.plugin", "-n", "2").assert_outcomes(passed=2)


def test_plugin_keeps_the_users_setting_of_missing_keys(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_ALLOW_MISSING_KEY", "1")
    assert_passes(
        project,
        """
        import os

        def test_it():
            assert os.environ["SEGMIND_ALLOW_MISSING_KEY"] == "1"
        """,
    )
