"""What all tests share."""

from hypothesis import settings

# Hypothesis fails an example that takes longer than 0.2 s, which says more about how busy the
# machine is than about the code. The laws on time count steps or compare ratios.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
