"""`python -m haptik_actions.cli`: the command line where the script is not on the path."""

from haptik_actions.cli import main

if __name__ == "__main__":
    main(prog_name="haptik-actions")
