"""An MCP server with two tools, which a test starts as a program and calls over its pipes."""

from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel

server = FastMCP("geometry", log_level="WARNING")


class Point(BaseModel):
    """A point of the plane."""

    x: float
    y: float


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def distance(start: Point, end: Point) -> float:
    """Return the distance between two points."""
    return float(abs(complex(start.x - end.x, start.y - end.y)))


for tool in (add, distance):
    server.add_tool(tool)

if __name__ == "__main__":
    server.run(transport="stdio")
