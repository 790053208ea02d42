"""Check whether an OpenAI-compatible server answers, and print how to get one if not.

python -m tests.llm.server http://localhost:11434/v1 qwen2.5:1.5b
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import requests

HELP = """\
Any server with OpenAI's chat completions will do, such as

  Ollama     https://ollama.com/download, and then: ollama pull qwen2.5:1.5b
             SERVER=http://localhost:11434/v1 MODEL=qwen2.5:1.5b
  llama.cpp  llama-server -m model.gguf
             SERVER=http://localhost:8080/v1 MODEL=any
  vLLM       vllm serve Qwen/Qwen2.5-1.5B-Instruct
             SERVER=http://localhost:8000/v1 MODEL=Qwen/Qwen2.5-1.5B-Instruct"""


def problem(server: str, model: str) -> str | None:
    """Return why a server cannot be used, or None if it can."""
    if not server or not model:
        return "SERVER says where a server listens, and MODEL which of its models replies."
    try:
        if not urlsplit(server).hostname:
            return f"SERVER={server} is not an address."
        requests.get(f"{server.rstrip('/')}/models", timeout=10)
    except (ValueError, requests.RequestException) as error:
        return f"Nothing answers at {server}: {type(error).__name__}."
    return None


def main(server: str = "", model: str = "") -> int:
    """Print what is wrong, and what to do; the exit code is 0 if nothing is."""
    wrong = problem(server, model)
    if wrong is not None:
        sys.stderr.write(f"{wrong}\n{HELP}\n")
    return int(wrong is not None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
