"""The routes of the REST API, one file for each kind of thing, each a table."""
