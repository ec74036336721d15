"""The command `reasonflux`: one file a subcommand, all of them in `main.COMMANDS`."""
