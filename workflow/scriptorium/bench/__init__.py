"""Speed against a peer, measured in the same run: never in a test, never by two runs on two days."""
