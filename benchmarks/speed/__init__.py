"""The speed of crowdkit: ratios to plain implementations, measured together with the agreement of the results."""
