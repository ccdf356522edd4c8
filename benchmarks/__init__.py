"""Measured runs: how long, how much memory. Never tests: nothing fails because a machine is slow."""
