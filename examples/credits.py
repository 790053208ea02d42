"""The cost of calls: per message, per block and per model, and with a budget.

Calls the live gateway if SEGMIND_API_KEY is set, and otherwise a local gateway, which charges
play money.
"""

from __future__ import annotations

import logging
import sys

from langchain_segmind import ChatSegmind, SegmindBudgetExceededError, track_usage
from langchain_segmind.testing import live_or_local


def main() -> None:
    with ChatSegmind(model="gpt-4o", max_tokens=100) as model:
        balance = model.get_credits()  # free of charge; also checks the key
        print(f"You have ${balance.total:.2f}, ${balance.free_credits:.2f} of it in free credits.")
        cost_of_a_message(model)
        cost_of_a_block(model)
        warn_before_it_is_too_late(model, balance.total)
        stop_at_a_budget(model)
        cost_of_a_user(model)


def cost_of_a_message(model: ChatSegmind) -> None:
    message = model.invoke("What is a large language model?")
    cost = message.response_metadata.get("cost")  # None if the gateway does not report it
    print(f"\nOne message: {message.usage_metadata}")
    print(f"  cost: {'unknown' if cost is None else f'${cost:.6f}'}")


def cost_of_a_block(model: ChatSegmind) -> None:
    """Count all calls in a block, including those of chains, agents, threads and embeddings."""
    with track_usage() as usage:
        model.batch(["Hello", "Good morning", "What is 2 + 2?"])
        model.invoke("Write a haiku about bees", model="claude-4.5-sonnet")
    print(f"\nOne block: {usage}")
    for slug, share in usage.by_model.items():
        print(f"  {slug}: {share}")


def warn_before_it_is_too_late(model: ChatSegmind, balance: float) -> None:
    """Log one warning when the balance falls below a limit: here, what it is now."""
    print(f"\nA warning below ${balance:.2f}, so that the next call logs it:")
    with track_usage(warn_below=balance):
        model.invoke("Hello")


def stop_at_a_budget(model: ChatSegmind) -> None:
    """Stop before the next call once the budget is used up; calls in flight are still answered."""
    answers = 0
    with track_usage(budget=0.0002) as usage:
        try:
            for n in range(100):
                model.invoke(f"What is {n} + {n}?")
                answers += 1
        except SegmindBudgetExceededError as error:
            print(f"\nOne budget: {error}")
    print(f"  {answers} answers, {usage}")


def cost_of_a_user(model: ChatSegmind) -> None:
    """Count only the calls that the tracker is passed to, for example those of one user."""
    ada = track_usage()
    model.invoke("Hello")
    model.invoke("Hello", config={"callbacks": [ada]})
    print(f"\nOne user: {ada.calls} of 2 calls was Ada's, for ${ada.cost:.6f}")


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout, format="  (log) %(levelname)s: %(message)s")
    with live_or_local():
        main()
