"""What the client costs beside the model's own seconds: `make bench`."""
