"""From a hospital's files to the store and back to the hospital: each room is one step of a delivery's way."""
