"""What a store holds, as numbers, tables, pictures and films."""
