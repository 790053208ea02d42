"""Drive flows over requests and aiohttp. Only this folder does I/O, sleeps or uses randomness."""
