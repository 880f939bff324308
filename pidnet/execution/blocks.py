"""How much is worked on at once: sizes that bound memory or keep threads busy, and change no result."""

TABLE_BYTES = 2**25  # of the tables in a block of pairs, of which there is one more than threads
COVARIANCE_BYTES = (
    2**22
)  # of the covariances in a block of pairs; eigenvalues of small matrices profit from the cache
CLOSED_FORMS_AT_ONCE = 2**13  # pairs whose terms of every class stand in the cache
PAIRS_AT_ONCE = 256  # of Gaussian I_ccs, whose arrays are (pair, 4, direction)
REMEMBERED_BYTES = 2**27  # of means of counts that come again and again
FEWEST_PAIRS = 16  # that a thread takes: fewer are done before the thread has started
PARTS_PER_WORKER = 4  # so that no thread waits long for the last one
