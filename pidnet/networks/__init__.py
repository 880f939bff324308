"""Any torch model: what its layers are, how it is run, and what is seen inside. No information theory here."""
