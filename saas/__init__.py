"""The kit: everything between a request and the business, and nothing of the business itself."""
