"""The samplers that come with attrbank, one file each."""
