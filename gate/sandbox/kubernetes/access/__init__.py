"""The door of the API: who asks (tokens), what he wants (attributes), and whether roles in the store allow it."""
