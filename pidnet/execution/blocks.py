"""How much is worked on at once: sizes that bound memory or keep threads busy, and change no result."""

TABLE_BYTES = (
    2**27
)  # of the one-hot products of a block of units; a large matrix product pays off, and 128 MB fit
SAMPLES_AT_ONCE = 2048  # one-hot codes of so many samples stay in the cache of a core
COVARIANCE_BYTES = (
    2**22
)  # of the covariances in a block of pairs; eigenvalues of small matrices profit from the cache
PAIRS_AT_ONCE = 256  # of Gaussian I_ccs, whose arrays are (pair, 4, direction)
REMEMBERED_SAMPLES = 512  # of a class up to which means of counts are kept: its square times 8 bytes a class
FEWEST_PAIRS = 16  # that a thread takes: fewer are done before the thread has started
PARTS_PER_WORKER = 4  # so that no thread waits long for the last one
