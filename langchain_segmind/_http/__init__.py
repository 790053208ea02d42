"""Drive flows over requests and aiohttp. Only this folder opens connections and waits."""
