"""Retrain the tables of the paper: ``python -m benchmarks.paper --help``."""
