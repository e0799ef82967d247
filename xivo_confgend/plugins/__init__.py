"""The HTTP plugins that come with the daemon, one folder each."""
