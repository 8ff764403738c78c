"""Keep what was judged, and show it."""
