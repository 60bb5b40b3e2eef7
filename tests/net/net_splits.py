"""net_splits.py - rooms on several servers, while links break."""


class Split:
    pass


class Timeout:
    pass


class OneWay:
    pass


class Restarts:
    pass
