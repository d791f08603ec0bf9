"""The recorder: what arrives becomes steps, is coded and judged."""
