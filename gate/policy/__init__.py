"""What the administrators allow. Pure: asked with facts, answers with reasons."""
