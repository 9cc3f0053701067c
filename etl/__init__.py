"""From a hospital's delivery to the warehouse and the quality pages."""
