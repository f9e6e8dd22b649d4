"""Train a model: the loop, what feeds it, what it minimises, and what it leaves on disk."""
