"""What was worked out before, kept in the user's cache directory.

In: questions as bytes. Out: the answers, as long as all that they depended on is as it was.
Whatever happens to the cache, an answer is never another one than without it: what cannot be
read is worked out again, what cannot be written is not kept, and one warning says so.

Floor 0: imports only :mod:`pagefix.errors`, :mod:`pagefix.overlay` and :mod:`pagefix.reads`.
"""

from pagefix.cache.answers import Answers, Known
from pagefix.cache.place import cache_folder
from pagefix.cache.store import Info, Store
from pagefix.cache.values import key_of, pack, unpack

__all__ = ["Answers", "Info", "Known", "Store", "cache_folder", "key_of", "pack", "unpack"]
