"""The suite: it mirrors the code, and beside the mirror stand the stories."""
