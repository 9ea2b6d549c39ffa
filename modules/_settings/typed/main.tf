# Gives `rules` and `encryption` their types and defaults. It drops misspelt words: ../mistakes.tf and ../encryption.tf find
# them in what was given.
