"""A backup is worth what its restore was proved to be."""
