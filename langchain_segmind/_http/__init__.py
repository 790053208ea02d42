"""The only I/O, sleep and randomness: flows driven over requests and aiohttp."""
