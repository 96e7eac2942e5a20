"""The memory of what was seen and done: one SQLite file, one writer, readers anywhere.

:class:`recorder.store.store.Store` writes, :class:`recorder.store.reader.Reader` reads.
"""
