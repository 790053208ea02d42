"""The neutral types, and LangChain's messages, tools and schemas read into them."""
