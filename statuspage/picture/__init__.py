"""The one picture: what is kept, seen at one instant, as the public and the desk may see it. Pure values; spelled by ``render``."""
