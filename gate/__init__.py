"""The chaos gate: it stands between staging and production, and opens only on proof. Importing this does nothing."""
