"""What calls cost: the ledger, and the recorder that turns a call's events into entries."""
