"""What the gate shows over HTTP: its health, its gates and runs, and the answer that pipelines wait for."""
