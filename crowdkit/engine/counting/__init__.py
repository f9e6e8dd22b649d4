"""Count people in images: read ahead, whole or in tiles, on one process or a crew of them."""
