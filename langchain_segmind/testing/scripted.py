"""A brain that says what a test tells it to say, and nothing else."""

from collections import deque
from collections.abc import Iterable

from langchain_segmind.testing.conversation import Question, Reply


class ScriptExhaustedError(RuntimeError):
    """More questions came than replies were listed."""


def as_reply(reply: str | Reply) -> Reply:
    """Let a plain text stand for a plain reply."""
    return Reply(text=reply) if isinstance(reply, str) else reply


class ScriptedBrain:
    """Gives the listed replies in order.

    Example:
        >>> brain = ScriptedBrain(["Hello.", Reply("Too lo", finish_reason="length")])

    Args:
        replies: One for each question; a text is short for a plain `Reply`.

    Attributes:
        questions: Every question asked so far, in order.
    """

    threads = 0  # in the order of arrival, that is

    def __init__(self, replies: Iterable[str | Reply]) -> None:
        self.questions: list[Question] = []
        self._replies = deque(as_reply(reply) for reply in replies)
        self._length = len(self._replies)

    def answer(self, question: Question) -> Reply:
        """Give the next reply of the script.

        Args:
            question: What was asked; remembered, never looked at.

        Returns:
            The next reply.

        Raises:
            ScriptExhaustedError: The script is used up.
        """
        self.questions.append(question)
        if not self._replies:
            raise ScriptExhaustedError(
                f"the script is used up: it lists {self._length} replies, "
                f"and this is question {len(self.questions)}"
            )
        return self._replies.popleft()
