"""How far each organization's trail had come, signed and kept outside the database."""
