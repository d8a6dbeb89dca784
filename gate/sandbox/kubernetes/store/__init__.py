"""Where objects lie: their versions, the history that watches are answered from, and what a write does to an object."""
