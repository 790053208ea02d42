"""How the default brain uses tools: hears of them, chooses them, calls them, and reports."""
