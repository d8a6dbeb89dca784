"""OpenID Connect for jobs: the key, and what their tokens say."""
