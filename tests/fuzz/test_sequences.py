"""A few random sequences of calls; ``make fuzz`` goes on for as long as asked."""

from fuzz.machine import Sequences
from hypothesis import HealthCheck, settings

Sequences.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestSequences = Sequences.TestCase
