"""The tracker: sees every upgrade, has each version judged exactly once, and keeps the standing answer."""
