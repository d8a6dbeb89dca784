"""The engine: it executes one run, journals every act so that it can be taken back, and judges the evidence."""
