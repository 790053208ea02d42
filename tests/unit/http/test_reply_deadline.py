"""One timer serves all replies of a connection: none is ended by another's deadline."""

import asyncio
import gc

import pytest

from langchain_segmind._http.reply_deadline import ReplyDeadline

SOON, NEVER = 0.01, 600.0
ONE_READ = 256 * 1024


class Connection:
    def __init__(self):
        self.bytes_read = 0
        self.late_work = 0.0
        self.ended = asyncio.Event()
        self.errors = []

    def end_wait(self, error):
        self.errors.append(error)
        self.ended.set()


@pytest.fixture
async def connection():
    return Connection()


@pytest.fixture
async def deadline(connection):
    return ReplyDeadline(connection)


async def later(seconds=4 * SOON):
    await asyncio.sleep(seconds)


async def test_wait_ends_with_a_timeout(connection, deadline):
    deadline.start("call", SOON)

    await asyncio.wait_for(connection.ended.wait(), 10)

    (error,) = connection.errors
    assert isinstance(error, asyncio.TimeoutError)


async def test_reply_in_time_is_not_ended(connection, deadline):
    deadline.start("call", SOON)
    deadline.stop("call")

    await later()

    assert connection.errors == []


async def test_shorter_deadline_after_a_longer_one_ends_the_wait(connection, deadline):
    deadline.start("first", NEVER)
    deadline.stop("first")
    deadline.start("second", SOON)

    await asyncio.wait_for(connection.ended.wait(), 10)

    assert len(connection.errors) == 1


async def test_longer_deadline_after_a_shorter_one_is_kept(connection, deadline):
    deadline.start("first", SOON)
    deadline.stop("first")
    deadline.start("second", 6 * SOON)
    began = asyncio.get_running_loop().time()

    await asyncio.wait_for(connection.ended.wait(), 10)

    assert asyncio.get_running_loop().time() - began >= 5 * SOON


async def test_call_that_stops_late_leaves_the_next_deadline(connection, deadline):
    deadline.start("first", NEVER)
    deadline.start("second", SOON)
    deadline.stop("first")

    await asyncio.wait_for(connection.ended.wait(), 10)

    assert len(connection.errors) == 1


async def test_next_call_is_not_ended_by_the_late_passes_of_the_last(connection, deadline):
    deadline.start("first", 0.0)
    for _ in range(2):
        await asyncio.sleep(0)
    assert deadline._pass is not None  # it is due, and counts passes of the loop

    deadline.start("second", NEVER)
    for _ in range(20):
        await asyncio.sleep(0)

    assert connection.errors == []


async def test_closed_connection_is_not_kept_by_its_timer(connection, deadline):
    deadline.start("call", NEVER)

    deadline.close()
    gc.collect()

    assert not any(
        timer.when() - asyncio.get_running_loop().time() > 60 and not timer.cancelled()
        for timer in gc.get_objects()
        if isinstance(timer, asyncio.TimerHandle)
    )


class LoopOfMilliseconds(asyncio.SelectorEventLoop):
    """A loop like uvloop (0.23): a timer that is due at once does not know when that is."""

    def call_at(self, when, callback, *args, context=None):  # type: ignore[override]
        if when - self.time() < 0.0005:
            return self.call_soon(callback, *args, context=context)
        return super().call_at(when, callback, *args, context=context)


def test_timer_that_is_due_at_once_may_be_followed_by_another():
    async def two_calls():
        connection = Connection()
        deadline = ReplyDeadline(connection)
        deadline.start("first", 0.0004)
        deadline.stop("first")
        deadline.start("second", SOON)
        await asyncio.wait_for(connection.ended.wait(), 10)
        return connection.errors

    loop = LoopOfMilliseconds()
    try:
        assert len(loop.run_until_complete(two_calls())) == 1
    finally:
        loop.close()


async def test_last_read_that_is_allowed_leaves_the_call_time_to_go_on(connection, deadline):
    deadline.start("first", 0.0)
    for _ in range(2):
        await asyncio.sleep(0)
    assert deadline._pass is not None  # it is due, and counts passes of the loop
    connection.bytes_read += ONE_READ
    connection.late_work += 100  # more than is allowed, but it ended the reply
    await asyncio.sleep(0)
    deadline.stop("first")

    await later()

    assert connection.errors == []


async def test_replies_that_never_end_are_ended(connection, deadline):
    deadline.start("call", 0.0)
    for _ in range(100):
        connection.bytes_read += ONE_READ
        connection.late_work += 0.1
        await asyncio.sleep(0)

    assert len(connection.errors) == 1


async def test_reply_that_is_quick_to_read_is_read_however_long_it_is(connection, deadline):
    deadline.start("call", 0.0)
    for _ in range(100):
        connection.bytes_read += ONE_READ
        await asyncio.sleep(0)
    deadline.stop("call")

    await later()

    assert connection.errors == []
