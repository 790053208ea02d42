"""An MCP server with the issues of a small project; examples/mcp_agent.py starts it."""

from __future__ import annotations

from mcp.server.fastmcp import FastMCP

ISSUES = {
    12: ("bug", "The export fails for files over 2 GB."),
    15: ("feature", "Add a dark theme."),
    18: ("bug", "The search ignores umlauts."),
}

server = FastMCP("issues", log_level="WARNING")


def list_issues(label: str) -> str:
    """List the open issues with a label: bug or feature."""
    return "\n".join(f"#{n}: {text}" for n, (kind, text) in ISSUES.items() if kind == label)


def close_issue(number: int, reason: str) -> str:
    """Close an issue, and give the reason."""
    if number not in ISSUES:
        raise ValueError(f"there is no open issue #{number}")
    _, text = ISSUES.pop(number)
    return f"Closed #{number} ({text}) because: {reason}"


for tool in (list_issues, close_issue):
    server.add_tool(tool)

if __name__ == "__main__":
    server.run(transport="stdio")
