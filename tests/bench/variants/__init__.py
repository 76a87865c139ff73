"""The rivals: the same three requests, written as their documentation writes them."""
