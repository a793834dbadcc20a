"""A bounded queue that serves its clients in turn."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Client(NamedTuple):
    """Who asks: a host, and one of its browsers or programs (`name`, chosen by itself)."""

    host: str
    name: str = ""


class QueueFullError(Exception):
    """There is no room; `whole` tells whether the whole queue is full or the client's share."""

    def __init__(self, message: str, whole: bool) -> None:
        super().__init__(message)
        self.whole = whole


class FairQueue(Generic[T]):
    """Hosts take turns, and within a host its clients; safe for threads.

    A client with a hundred jobs therefore delays another one by one job at most. Turns are by
    host first, because a client may call itself anything.
    """

    def __init__(self, capacity: int, per_client: int) -> None:
        self._capacity, self._per_client = capacity, per_client
        self._hosts: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return self._count()

    def put(self, client: Client, item: T) -> int:
        """Add a new item and return how many wait in all, this one included.

        Raises:
            QueueFullError: the queue or the client's share of it is full.
        """
        with self._changed:
            if self._count() >= self._capacity:
                raise QueueFullError(
                    f"the server is busy: {self._capacity} requests are waiting; try again later",
                    whole=True,
                )
            if len(self._line(client)) >= self._per_client:
                raise QueueFullError(
                    f"{self._per_client} of your requests are waiting already; "
                    "let one of them finish first",
                    whole=False,
                )
            self._own_line(client).append(item)
            self._changed.notify()
            return self._count()

    def put_back(self, client: Client, item: T) -> None:
        """Return an unfinished item: first of its client's, but the client's turn is over."""
        with self._changed:
            self._own_line(client).appendleft(item)
            self._changed.notify()

    def get(self) -> T | None:
        """Wait for the next item and take it; None once the queue is closed."""
        with self._changed:
            while not self._hosts and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            host, lines = next(iter(self._hosts.items()))
            name, line = next(iter(lines.items()))
            item = line.popleft()
            lines.move_to_end(name)
            self._hosts.move_to_end(host)
            self._drop_empty(Client(host, name))
            return item

    def remove(self, client: Client, item: T) -> bool:
        """Take an item out; False if it does not wait (any more)."""
        with self._changed:
            line = self._line(client)
            if item not in line:
                return False
            line.remove(item)
            self._drop_empty(client)
            return True

    def close(self) -> list[T]:
        """End all waiting; returns what was left."""
        with self._changed:
            self._closed = True
            left = [i for lines in self._hosts.values() for line in lines.values() for i in line]
            self._hosts.clear()
            self._changed.notify_all()
            return left

    def _count(self) -> int:
        return sum(len(line) for lines in self._hosts.values() for line in lines.values())

    def _line(self, client: Client) -> deque[T]:
        return self._hosts.get(client.host, OrderedDict()).get(client.name, deque())

    def _own_line(self, client: Client) -> deque[T]:
        lines = self._hosts.setdefault(client.host, OrderedDict())
        return lines.setdefault(client.name, deque())

    def _drop_empty(self, client: Client) -> None:
        lines = self._hosts[client.host]
        if not lines[client.name]:
            del lines[client.name]
        if not lines:
            del self._hosts[client.host]
