"""Organizations, their members and their invitations."""
