"""The API server made to misbehave: rules from a file or a test, decided from a seed, done to answers and watches."""
