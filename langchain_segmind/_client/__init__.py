"""What both models share: fields, validation, the settings of a call, streaming hooks."""
