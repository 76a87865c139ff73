"""People: who signs in, whatever organizations they belong to."""
