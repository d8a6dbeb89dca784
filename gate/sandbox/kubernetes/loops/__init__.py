"""What a part that follows the store is made of: changes in their order, keys to look at, and events to tell of it."""
