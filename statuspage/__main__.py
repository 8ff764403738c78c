"""``python -m statuspage``: the same as the command ``statuspage``."""

from statuspage.cli.main import main

if __name__ == "__main__":
    main()
