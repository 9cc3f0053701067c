"""Commands that are killed, cut off from the disk or run at the same time: what is left is what their messages say, and goes on."""
