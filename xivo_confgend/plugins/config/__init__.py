"""The merged configuration with origins."""
