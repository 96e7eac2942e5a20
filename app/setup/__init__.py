"""Installing, and looking at the machine: first start, system needs, doctor."""
