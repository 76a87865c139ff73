"""The benchmark: what every layer costs, and how that compares with code that has fewer."""
