"""The tables of the paper, trained again: ``python -m benchmarks.paper --help``."""
