"""Invented patients of whom it is known whether somebody should be asked: right ones, rare ones, and ones with one broken constraint.

SYNTHETIC EXAMPLE DATA. What limits what is written in docs/constraints.md, who is right though rare in docs/rare-patients.md.
"""
