"""The base of every error whose text a reader can be shown."""


class InceptionError(Exception):
    """Something that cannot be done, said in one plain sentence; pages and the command line show that sentence."""


class InputError(InceptionError, ValueError):
    """A value that cannot be used: an unknown name, a number out of range, options that contradict each other."""
