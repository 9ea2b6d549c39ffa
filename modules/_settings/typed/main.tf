# Gives `rules` its types and defaults, once its words are checked: see ../checks.tf.
