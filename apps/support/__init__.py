"""What the house's own staff may see of an organization, and for how long."""
