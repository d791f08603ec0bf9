"""Between every command source and every arm: the controller, its limits and what it watches."""
