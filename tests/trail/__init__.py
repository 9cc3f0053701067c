"""What happened is on record and is found again: the trail, and `registry verify` against changes made behind the registry's back."""
