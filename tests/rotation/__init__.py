"""Every secret of the register changes under load, by the way that the register names."""
