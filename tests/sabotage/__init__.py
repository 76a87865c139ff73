"""A protection that no test misses may be gone already: take each away in turn, and demand red."""
