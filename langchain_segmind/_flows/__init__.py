"""Conversations with the gateway as generators: no I/O, no clock, no randomness."""
