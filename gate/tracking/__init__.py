"""What an upgrade is, and what follows from it: pure decisions, and the reconciler around them."""
