"""Neutral types of a conversation; LangChain's messages, tools and schemas in and out."""
