"""What other systems hold of an organization: keys, clients, grants."""
