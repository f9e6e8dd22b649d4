"""One file a loss: its formula, written naively in float64, and its case. The contract collects them."""
