"""`python -m radar_cleaner SUBCOMMAND ...`: what every rule of the workflow calls."""

from radar_cleaner.cli import main

if __name__ == "__main__":
    main()
