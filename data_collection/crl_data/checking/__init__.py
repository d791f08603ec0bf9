"""Is a store sound, and what makes it sound again?"""
