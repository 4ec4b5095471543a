"""What Python users call: ``attrbank.apply``, ``attrbank.learn`` and ``attrbank.open``, which keeps a model loaded.

It stands above ``editing``, ``learning`` and ``evaluation``, because it does what all three can do.
"""
