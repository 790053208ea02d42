"""What calls cost: by message, by block, by model, and held to a budget.

Runs on the live gateway when SEGMIND_API_KEY is set, else on a local one that needs no key and
bills play money.
"""

from __future__ import annotations

import logging
import sys

from langchain_segmind import ChatSegmind, SegmindBudgetExceededError, track_usage
from langchain_segmind.testing import live_or_local


def main() -> None:
    with ChatSegmind(model="gpt-4o", max_tokens=100) as model:
        balance = model.get_credits()  # free of charge, and a good check of the key
        print(f"You have {balance.total:.4f} USD, {balance.free_credits:.4f} of them for free.")
        one_message(model)
        one_block(model)
        one_budget(model)
        one_part(model)


def one_message(model: ChatSegmind) -> None:
    message = model.invoke("What is a large language model?")
    metadata = message.response_metadata
    print(f"\nOne message: {message.usage_metadata}")
    print(f"  cost {metadata.get('cost')} USD; {metadata.get('remaining_credits')} USD are left")


def one_block(model: ChatSegmind) -> None:
    """Count all calls in a block, whoever makes them: chains, agents, threads, embeddings."""
    with track_usage(warn_below=1_000) as spent:  # a warning in the log, once, below 1,000 USD
        model.batch(["Hello", "Good morning", "What is 2 + 2?"])
        model.invoke("Write a haiku about bees", model="claude-4.5-sonnet")
    print(f"\nOne block: {spent.calls} calls, {spent.total_tokens} tokens, {spent.cost:.6f} USD")
    for slug, share in spent.by_model.items():
        print(f"  {slug}: {share.calls} calls, {share.cost:.6f} USD")
    if spent.unpriced_calls:  # the gateway does not promise to tell
        print(f"  {spent.unpriced_calls} calls cost nobody knows what")


def one_budget(model: ChatSegmind) -> None:
    """Stop before the next call when the money is used up; calls under way are answered."""
    answers = 0
    with track_usage(budget=0.0002) as spent:
        try:
            for n in range(100):
                model.invoke(f"What is {n} + {n}?")
                answers += 1
        except SegmindBudgetExceededError as error:
            print(f"\nOne budget: {error}")
    print(f"  {answers} answers, {spent.calls} calls, {spent.cost:.6f} USD")


def one_part(model: ChatSegmind) -> None:
    """Count only the calls that are given the tracker, as a user's share of a service."""
    ada = track_usage()
    model.invoke("Hello")
    model.invoke("Hello", config={"callbacks": [ada]})
    print(f"\nOne part: {ada.calls} of 2 calls was Ada's, for {ada.cost:.6f} USD")


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout, format="  (log) %(levelname)s: %(message)s")
    with live_or_local():
        main()
