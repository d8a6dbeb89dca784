"""GitLab, spoken over its REST API: what the gate says there, and what it looks up."""
