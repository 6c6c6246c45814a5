"""The page and the guide: as a browser shows them, as GitHub does, and in numbers."""
