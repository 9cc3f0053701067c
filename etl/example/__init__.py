"""The example study: three synthetic hospitals, written the way hospitals send their data."""
