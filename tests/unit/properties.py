"""Help tests of any input: generate nested JSON, and check that a function takes linear time."""

import time

from hypothesis import strategies as st


def nested_json(leaves, keys):
    """Generate JSON values with these leaves, in objects with these keys."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=20,
    )


def assert_linear_time(function, build, size):
    """Check that four times the input takes about four times the time: 16 times is quadratic."""
    few, many = build(size), build(4 * size)
    _seconds(function, few)

    # A busy machine may spoil an attempt, but not all of them.
    ratios = (_seconds(function, many) / max(_seconds(function, few), 1e-4) for _ in range(8))
    assert any(ratio < 9 for ratio in ratios)


def _seconds(function, value):
    start = time.thread_time()
    function(value)
    return time.thread_time() - start
