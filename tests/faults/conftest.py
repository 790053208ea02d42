from importlib.util import find_spec

import pytest

# LangChain's agents ask for newer packages than the lowest versions that are supported.
collect_ignore = [] if find_spec("langchain") else ["test_frameworks.py"]


@pytest.fixture(autouse=True)
def _no_proxies_in_the_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
