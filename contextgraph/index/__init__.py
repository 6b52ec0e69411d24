"""The index: a projection of notes and history into SQLite and Chroma, which can be deleted at any time."""
