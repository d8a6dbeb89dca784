"""What runs leave behind for later: each report is a module."""
