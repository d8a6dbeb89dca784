"""What runs in the warden: a process of its own that owns the pods' processes. Standard library only, one thread."""
