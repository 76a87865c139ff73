"""Invoices: drafted, issued, paid."""
