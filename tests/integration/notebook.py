"""Execute the notebook on a local gateway: in a test, and to store its outputs again.

    make notebook

Only what a reader sees is stored, and nothing of the machine: no times, counters or versions.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from langchain_segmind.testing import Call, LocalGateway, ScriptedModel

NOTEBOOK = Path(__file__).parents[2] / "docs/chat_segmind.ipynb"

REPLIES = {  # by a part of the prompt
    "Good morning": "Bonjour",
    "a joke about bees": "What do bees and good code have in common? Nobody notices them.",
    "I keep bees": "Nice to meet you, Ada.",
    "What is my name?": "Your name is Ada.",
    "Thank you": "Danke",
    "the weather in Paris": [Call("get_weather", {"city": "Paris"}), "It is sunny in Paris."],
    "Ada Lovelace was born": '{"name": "Ada Lovelace", "year_of_birth": 1815}',
    "What is in this picture?": "A single red pixel.",
    "Hello": "Hello! How can I help you?",
    "the capital of Japan": "The capital of Japan is Tokyo.",
    "What is 99 + 99?": "99 + 99 = 198",
    "What is 7 times 7?": "7 * 7 = 49",
    "What is 8 times 8?": "8 * 8 = 64",
}


def scripted() -> LocalGateway:
    """Make the gateway whose replies the notebook shows."""
    return LocalGateway(responder=ScriptedModel(REPLIES))


def stored() -> NotebookNode:
    """Read the notebook as it is stored."""
    notebook: NotebookNode = nbformat.read(NOTEBOOK, as_version=4)
    return notebook


def executed(notebook: NotebookNode, gateway: LocalGateway) -> NotebookNode:
    """Execute all cells in a kernel of their own, which calls this gateway.

    Returns:
        A copy with the new outputs.

    Raises:
        CellExecutionError: If a cell fails; its traceback is in the message.
    """
    fresh = copy.deepcopy(notebook)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    place = {"SEGMIND_API_BASE": gateway.base_url, "SEGMIND_API_KEY": gateway.api_key}
    with patch.dict(os.environ, place), TemporaryDirectory() as folder:
        # Not through TCP: until the kernel listens, others may take the ports chosen for it.
        through_files = Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})
        NotebookClient(
            fresh, timeout=200, startup_timeout=200, kernel_name="python3", config=through_files
        ).execute()
    fresh.metadata = notebook.metadata
    for cell in fresh.cells:
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                output.pop("execution_count", None)
                if output.output_type == "execute_result":
                    output.execution_count = None
    return fresh


def main() -> None:
    """Execute the notebook and store its outputs."""
    with scripted() as gateway:
        nbformat.write(executed(stored(), gateway), NOTEBOOK)


if __name__ == "__main__":
    main()
