"""What happens to the files, as it happens."""
