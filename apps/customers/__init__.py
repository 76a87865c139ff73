"""The customers whom an organization invoices."""
