"""What all tests share."""

from hypothesis import HealthCheck, settings

# Hypothesis fails examples that take long to run or to generate, which says more about how busy the
# machine is than about the code. The laws on time count steps or compare ratios.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")
