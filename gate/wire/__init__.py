"""Where the parts meet: each file builds what one command needs from the rooms below, and ties it together."""
