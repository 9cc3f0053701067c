"""An unknown delivery becomes a mapping that a person has decided; stands on delivery, mapping, quality, pages."""
