"""What happened in an organization, for its own eyes."""
