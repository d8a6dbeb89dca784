"""`.gitlab-ci.yml`: what it may say, and what it means."""
