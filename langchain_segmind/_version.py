"""The version, a literal: read by the build, never looked up at run time."""

__version__ = "0.1.0"
