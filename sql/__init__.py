"""The SQL of the warehouse as package data; `etl/store` alone reads it."""
