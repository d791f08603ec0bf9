"""Does a camera still stand where it stood for the data?"""
