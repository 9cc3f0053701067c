"""What a hospital and the coordinating centre read about a delivery, and the answers they send back; stands on delivery, mapping, store, pages."""
