"""Tool calling through text: tools rendered into a prompt, replies parsed into calls."""
