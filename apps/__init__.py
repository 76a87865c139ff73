"""The product: one folder for each thing that a customer would name."""
