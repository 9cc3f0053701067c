"""From an unknown delivery to a proposed mapping and the worksheet of what a person must decide."""
