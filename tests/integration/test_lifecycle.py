"""One model in event loops, threads and processes; interrupts, cancellation and closing."""

import asyncio
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from langchain_segmind import ChatSegmind, SegmindInvalidRequestError, SegmindTimeoutError
from tests.faults import server as faults
from tests.faults.catalog.places import over_tls, without_reading_bodies
from tests.faults.catalog.scenario import Scenario
from tests.faults.checks import both_drivers, call
from tests.faults.server import FaultServer, answer, gathers, in_turn, reply, waits
from tests.integration.processes import wait_until


@contextmanager
def silence(capfd):
    """Assert that nothing is warned about or written to stderr."""
    capfd.readouterr()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(w.message) for w in caught] == []
    assert capfd.readouterr().err == ""


def echo(n):
    return f"Reply with the word w{n}."


def build(gateway, **kwargs):
    return ChatSegmind(model="gpt-4o", base_url=gateway.base_url, api_key=gateway.api_key, **kwargs)


def build_on(server, **kwargs):
    return ChatSegmind(model="m", base_url=server.url, api_key="k", **kwargs)


def connections(gateway):
    return len({request.connection for request in gateway.requests})


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_one_model_works_in_many_event_loops(gateway, capfd):
    with silence(capfd):
        model = build(gateway)
        texts = [asyncio.run(model.ainvoke(echo(n))).text for n in range(3)]
        del model

    assert [f"w{n}" in text for n, text in enumerate(texts)] == [True] * 3


def test_ended_loops_leave_no_open_descriptors(gateway):
    model = build(gateway)
    asyncio.run(model.ainvoke("Hello"))
    before = descriptors()

    for _ in range(20):
        asyncio.run(model.ainvoke("Hello"))
    gc.collect()

    wait_until(lambda: descriptors() <= before)  # the gateway closes its ends a little later


def test_one_model_works_in_concurrent_event_loops(gateway, capfd):
    async def three(n):
        return await asyncio.gather(*(model.ainvoke(echo(f"{n}b{i}")) for i in range(3)))

    with silence(capfd):
        model = build(gateway)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: asyncio.run(three(n)), range(8)))

    for n, messages in enumerate(answers):
        assert all(f"w{n}b{i}" in message.text for i, message in enumerate(messages))


def test_fifty_threads_share_one_model(gateway, capfd):
    with silence(capfd), build(gateway) as model, ThreadPoolExecutor(50) as pool:
        texts = list(pool.map(lambda n: model.invoke(echo(n)).text, range(200)))

    assert all(f"w{n}" in text for n, text in enumerate(texts))
    assert gateway.executions == 200
    assert connections(gateway) <= 50


def test_sequential_calls_reuse_one_connection(gateway):
    async def five():
        async with build(gateway) as model:
            for _ in range(5):
                await model.ainvoke("Hello")

    with build(gateway) as model:
        for _ in range(5):
            model.invoke("Hello")
    assert connections(gateway) == 1
    asyncio.run(five())
    assert connections(gateway) == 2


@both_drivers
@pytest.mark.parametrize("limit", [1, 3])
def test_max_connections_is_kept(limit, driver):
    with FaultServer({"m": [in_turn(gathers(limit), waits(0.02), answer())]}) as server:
        model = build_on(server, max_connections=limit)
        call(driver, model, ["hi"] * 12, {"max_concurrency": 12}, method="batch")

        assert (server.connections, server.executions["m"]) == (limit, 12)


@both_drivers
def test_waiting_for_a_connection_does_not_count_toward_timeout(driver):
    act = in_turn(waits(1.5), answer())
    with FaultServer({"m": [act]}) as server:
        model = build_on(server, max_connections=1, timeout=4)
        messages = call(driver, model, ["hi"] * 3, method="batch")

    assert [message.text for message in messages] == ["fine"] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings(
    "ignore:.*fork.*:DeprecationWarning"
)  # Python 3.12 warns of the fork itself
def test_forked_child_uses_its_own_connections(gateway):
    model = build(gateway)
    model.invoke(echo("parent"))
    readable, writable = os.pipe()

    child = os.fork()
    if child == 0:
        try:
            text = model.invoke(echo("child")).text + asyncio.run(model.ainvoke(echo("aio"))).text
            os.write(writable, text.encode())
        finally:
            os._exit(0)
    texts = [model.invoke(echo(n)).text for n in range(5)]
    os.waitpid(child, 0)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        from_child = pipe.read()
    model.close()

    assert "wchild" in from_child
    assert "waio" in from_child
    assert all(f"w{n}" in text for n, text in enumerate(texts))
    assert connections(gateway) == 3


def run(code, *arguments, options=("-W", "always")):
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, *options, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


UNPICKLE = """
import pathlib, pickle, sys

with pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()) as model:
    print(model.invoke("Reply with the word fresh.").text)
"""


def test_pickled_model_works_in_another_process(gateway, tmp_path):
    model = build(gateway, temperature=0.5)
    model.invoke("Hello")
    (tmp_path / "model").write_bytes(pickle.dumps(model))
    model.close()

    done = run(UNPICKLE, str(tmp_path / "model"), options=("-W", "error"))

    assert "fresh" in done.stdout, done.stderr
    assert done.stderr == ""
    assert gateway.requests[-1].body["temperature"] == 0.5


def test_closed_model_reconnects(gateway, capfd):
    with silence(capfd):
        model = build(gateway)
        model.invoke("Hello")
        model.close()
        model.close()
        assert model.invoke("Hello").text
        model.close()

    assert connections(gateway) == 2


BUILD = """
import asyncio, gc, sys
from langchain_segmind import ChatSegmind

model = ChatSegmind(model="gpt-4o", base_url=sys.argv[1], api_key=sys.argv[2])
"""
NEVER_CLOSED = f"""{BUILD}
model.invoke("Hello")
asyncio.run(model.ainvoke("Hello"))
loop = asyncio.new_event_loop()
loop.run_until_complete(model.ainvoke("Hello"))
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
print("done")
"""
CLOSED_LOOPS = f"""{BUILD}
for _ in range(2):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(model.ainvoke("Hello"))
    loop.close()
del loop, model
gc.collect()
"""


def test_model_that_is_never_closed_does_not_warn(gateway):
    options = ("-X", "dev", "-W", "always")

    done = run(NEVER_CLOSED, gateway.base_url, gateway.api_key, options=options)

    assert done.stdout == "done\n", done.stderr
    # asyncio's debug mode also reports when the machine was slow.
    assert [line for line in done.stderr.splitlines() if not line.startswith("Executing <")] == []


def test_loop_closed_without_cleanup_leaves_no_open_session(gateway):
    done = run(CLOSED_LOOPS, gateway.base_url, gateway.api_key)

    assert done.returncode == 0, done.stderr
    assert "Unclosed" not in done.stderr


@pytest.mark.parametrize("place", [without_reading_bodies, over_tls()], ids=["http", "https"])
def test_loop_that_ends_after_a_call_leaves_no_open_socket(place, capfd):
    """The gateway leaves the connection open, with bytes of the request or of TLS still to send."""
    refuses = reply(413, {"error": "too big"}, {"Connection": "close"})
    act = in_turn(waits(0.2), refuses, waits(10))
    with Scenario("refused", acts=(act,), place=place).at() as gateway, silence(capfd):
        model = build_on(gateway, model_kwargs={"big": "x" * 9_000_000}, **gateway.settings)
        with pytest.raises(SegmindInvalidRequestError):
            asyncio.run(model.ainvoke("hi"))


async def test_cancellation_closes_the_connection():
    with FaultServer({"m": [faults.hang, answer()]}) as server:
        async with build_on(server) as model:
            task = asyncio.create_task(model.ainvoke("hi"))
            await asyncio.to_thread(server.arrived.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert server.requests["m"] == 1

            assert (await model.ainvoke("hi")).text == "fine"


async def test_wait_for_timeout_is_not_a_segmind_error():
    with FaultServer({"m": [faults.hang]}) as server:
        async with build_on(server) as model:
            call = asyncio.create_task(model.ainvoke("hi"))
            await asyncio.to_thread(server.arrived.wait)
            with pytest.raises(asyncio.TimeoutError) as caught:
                await asyncio.wait_for(call, 0.05)

    assert not isinstance(caught.value, SegmindTimeoutError)
    assert server.requests["m"] == 1


@pytest.mark.parametrize(
    "acts", [[faults.hang], [reply(503, {"error": "x"}, {"Retry-After": "30"})]]
)
def test_ctrl_c_is_raised_and_not_retried(acts):
    def interrupt():
        server.arrived.wait()
        server.wait(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    server = FaultServer({"m": [*acts, answer()]})
    with server, build_on(server) as model:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            model.invoke("hi")
        thread.join()
        assert server.requests["m"] == 1

        assert model.invoke("hi").text == "fine"
