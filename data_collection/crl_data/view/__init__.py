"""A page to browse the episodes of a store; everything it needs is served from here."""
