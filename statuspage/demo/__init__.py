"""A small company of real local servers, to be broken and mended."""
