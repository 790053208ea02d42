"""Handlers that a run has when it ends get its end; a run without any starts no tasks for it."""

import asyncio
import gc
import weakref

from langchain_core.callbacks import AsyncCallbackHandler, AsyncCallbackManagerForLLMRun
from langchain_core.outputs import LLMResult

from langchain_segmind._client.observers import skip_empty_end

RESULT = LLMResult(generations=[])


class Recorder(AsyncCallbackHandler):
    def __init__(self):
        self.ends = []

    async def on_llm_end(self, response, **kwargs):
        self.ends.append(response)


def run():
    manager = AsyncCallbackManagerForLLMRun.get_noop_manager()
    skip_empty_end(manager)
    return manager


async def test_end_without_handlers_starts_no_task():
    manager = run()

    (nothing,) = await asyncio.gather(manager.on_llm_end(RESULT))

    assert nothing is None
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_handler_added_during_a_run_gets_its_end():
    manager, recorder = run(), Recorder()
    manager.handlers.append(recorder)

    await manager.on_llm_end(RESULT)

    assert recorder.ends == [RESULT]


async def test_handler_of_a_second_run_gets_its_end():
    manager, recorder = run(), Recorder()
    await manager.on_llm_end(RESULT)
    manager.handlers.append(recorder)

    await manager.on_llm_end(RESULT)

    assert recorder.ends == [RESULT]


def test_end_may_be_awaited_in_another_loop():
    async def begin():
        return run()

    manager = asyncio.run(begin())

    async def end():
        return await manager.on_llm_end(RESULT)

    assert asyncio.run(end()) is None


async def test_manager_is_freed_at_its_end_without_a_search():
    manager = run()
    freed = weakref.ref(manager)
    gc.collect()
    gc.disable()
    try:
        await manager.on_llm_end(RESULT)
        del manager
        assert freed() is None
    finally:
        gc.enable()
