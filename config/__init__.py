"""What this deployment is: its settings, its roles, its routes."""
