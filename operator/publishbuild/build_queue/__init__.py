"""The only room that talks to Redis: an index of what waits, that may vanish at any moment."""
