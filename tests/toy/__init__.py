"""The smallest product that the kit can carry: notes, of which the bodies are private."""
