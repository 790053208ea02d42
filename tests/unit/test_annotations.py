"""Every public annotation resolves: LangChain evaluates those of a model behind `with_fallbacks`.

`RunnableWithFallbacks.__getattr__` calls `typing.get_type_hints` on each method that it passes on
(langchain-core 1.0 and later), and a name that only type checkers import raises `NameError` there.
"""

import inspect
import typing
from functools import partial

import pytest

import pytest_segmind
from langchain_segmind import ChatSegmind, bindings, fallbacks
from tests.unit.public_api import CLASSES, FUNCTIONS, MEMBERS, Named, members

ANNOTATED = {**CLASSES, **FUNCTIONS, **MEMBERS}
BOUND = (bindings.SegmindBinding, fallbacks.SegmindFallbacks)  # what models return when wrapped
ANNOTATED |= {named.name: named for cls in BOUND for named in members(cls)}
ANNOTATED |= {
    thing.__name__: Named(thing.__name__, thing)
    for thing in (*BOUND, pytest_segmind.segmind_gateway)
}


@pytest.mark.parametrize("name", ANNOTATED)
def test_annotations_resolve(name):
    named = ANNOTATED[name]

    typing.get_type_hints(named.thing if inspect.isclass(named.thing) else named.function)


def test_catalog_methods_keep_their_signature_on_class_and_model():
    model = ChatSegmind(model="gpt-4o", api_key="SG_test")
    for owner in (ChatSegmind, model):
        assert list(inspect.signature(owner.list_models).parameters) == ["base_url"]
        assert inspect.iscoroutinefunction(owner.alist_models)
        assert not isinstance(owner.list_models, partial)
