"""Benchmarks of the client's overhead, without the model's own time: `make bench`."""
