"""What the registry stands on: its locked dependencies as an SBOM, their licences as NOTICE, and that nothing opens a socket at run time."""
