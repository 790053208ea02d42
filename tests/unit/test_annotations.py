"""Every public annotation resolves: LangChain evaluates those of a model behind `with_fallbacks`.

`RunnableWithFallbacks.__getattr__` calls `typing.get_type_hints` on each method that it passes on
(langchain-core 1.0 and later), and a name that only type checkers import raises `NameError` there.
"""

import inspect
import subprocess
import sys
import typing
from functools import partial

import pytest

import langchain_segmind
import langchain_segmind.testing
import pytest_segmind
from langchain_segmind import (
    ChatSegmind,
    SegmindJob,
    chat_models,
    embeddings,
    errors,
    jobs,
    media,
    progress,
)
from langchain_segmind import usage as of_credits

MODULES = (
    langchain_segmind,
    langchain_segmind.testing,
    chat_models,
    of_credits,
    embeddings,
    errors,
    jobs,
    media,
    progress,
)


def owned(thing):
    return str(getattr(thing, "__module__", "")).startswith(("langchain_segmind", "pytest_segmind"))


def methods(cls):
    """Give the methods, properties and late-bound functions that our classes define."""
    for owner in filter(owned, cls.__mro__):
        yield owner.__qualname__, owner
        for name, value in list(vars(owner).items()):  # pydantic may finish a class meanwhile
            thing = value.fget if isinstance(value, property) else getattr(cls, name, None)
            if name in {"list_models", "alist_models"} or inspect.isroutine(thing):
                yield f"{owner.__qualname__}.{name}", thing


def annotated():
    """Give all that may be asked for its type hints, by name."""
    tops = {name: getattr(m, name) for m in MODULES for name in m.__all__}
    tops["SegmindBinding"] = jobs.SegmindBinding  # what `bind` returns
    tops["segmind_gateway"] = pytest_segmind.segmind_gateway
    found = {}
    for name, thing in tops.items():
        if inspect.isclass(thing) and owned(thing):
            found.update(methods(thing))
        elif callable(thing) and owned(thing):
            found[name] = thing
    return {name: thing for name, thing in found.items() if owned(thing)}


ANNOTATED = annotated()


def test_the_list_has_methods_properties_functions_and_classes():
    assert {
        "ChatSegmind.bind_tools",
        "ChatSegmind.list_models",
        "ChatBase.model_name",
        "GatewayClient.get_credits",
        "SegmindEmbeddings.embed_query",
        "SegmindBinding.submit",
        "LocalGateway.reply",
        "UsageTracker",
        "content_block_from_file",
        "segmind_gateway",
    } <= ANNOTATED.keys()


@pytest.mark.parametrize("name", ANNOTATED)
def test_annotations_resolve(name):
    typing.get_type_hints(ANNOTATED[name])


@pytest.mark.parametrize("name", ["submit", "asubmit", "get_job"])
def test_annotations_name_the_job_itself(name):
    assert typing.get_type_hints(getattr(ChatSegmind, name))["return"] is SegmindJob


def test_annotations_of_bind_name_a_runnable_with_jobs():
    assert typing.get_type_hints(ChatSegmind.bind)["return"] is jobs.SegmindBinding


def test_annotations_cost_an_import_nothing():
    late = ["langchain_core.tools.base", "langchain_segmind.testing"]
    code = (
        f"import sys, langchain_segmind, pytest_segmind\nprint([m in sys.modules for m in {late}])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str([False] * len(late))


def test_the_catalogue_methods_keep_their_signature_on_class_and_model():
    model = ChatSegmind(model="gpt-4o", api_key="SG_test")
    for owner in (ChatSegmind, model):
        assert list(inspect.signature(owner.list_models).parameters) == ["base_url"]
        assert inspect.iscoroutinefunction(owner.alist_models)
        assert not isinstance(owner.list_models, partial)
