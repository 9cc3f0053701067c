"""Statements about joins and grain; a row that comes back violates one."""
