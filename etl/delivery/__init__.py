"""The files of a delivery become grids of text with coordinates, and nothing is interpreted; stands on pages."""
