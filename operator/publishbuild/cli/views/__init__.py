"""What the verbs show, as pure functions: objects and the time in, text out."""
