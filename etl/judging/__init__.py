"""Contracts and rules decide what is accepted, and say of the rest what is wrong and where; stands on mapping, pages."""
