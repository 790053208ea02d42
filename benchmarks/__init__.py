"""Benchmarks: the client's overhead (`make bench`), and tool calling (`make bench-tools`)."""
