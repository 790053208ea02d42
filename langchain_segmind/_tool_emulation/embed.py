"""Put JSON schemas from anywhere into one document; see `_messages.schema_document`."""

from langchain_segmind._messages.schema_document import Document

__all__ = ["Document"]
