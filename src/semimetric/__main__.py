"""`python -m semimetric`: the command line, for an environment whose scripts are not on the path."""

from semimetric.cli import main

if __name__ == "__main__":
    main()
