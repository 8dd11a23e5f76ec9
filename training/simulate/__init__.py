"""Structural simulator of loans on ecological rights, with the truth kept beside every row.

Nothing it makes is real and every row says so (``synthetic`` is true).
"""

from training.simulate.applications import simulate_applications
from training.simulate.tape import simulate_tape

__all__ = ["simulate_applications", "simulate_tape"]
