"""The command `heatsvc`: one file per subcommand."""
