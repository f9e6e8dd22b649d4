"""How fast crowdkit is: ratios against plain implementations, measured in one run with the agreement of the results."""
