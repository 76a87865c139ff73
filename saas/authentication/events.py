"""What happens at sign-in, in the words of the access log."""

FAILED = "sign-in.failed"
SUCCEEDED = "sign-in.succeeded"
STOPPED = "sign-in.stopped"  # the password was right, and nobody was let in by it
