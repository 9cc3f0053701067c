"""The mappings that come with the registry, one folder a hospital."""
