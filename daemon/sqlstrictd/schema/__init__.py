"""Schemas: DDL to frozen values, those to prompt text, and a question to the tables it needs."""
