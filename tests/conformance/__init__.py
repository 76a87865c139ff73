"""The documents, held against what is really answered."""
