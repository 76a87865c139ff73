"""What those who run the service do: seed, start, check."""
