"""Search over encrypted names: `folding` of words, the `blind` index, `queries` as typed, `ranking` of what was found."""
