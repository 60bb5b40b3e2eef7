"""net_drain.py - a copy that is ended while all talk."""

from net_scenes import Scene
from net_users import check, check_left, check_no_errors, hear, talk


class Drain(Scene):
    n = 5

    async def play_all(self):
        await self.cell("a copy is drained while all talk", self.drain())
        await self.cell("its users are ordinary occupants", self.ordinary())

    async def show(self):
        return await self.play.hub.command("room", "show",
                                           self.room(self.play.hub))

    async def drain(self):
        play, room = self.play, self.room(self.play.hub)
        owner = await self.seat(play.hub, 0, room, "Owner")
        await owner.create()
        for i in range(self.n):
            guest = await self.seat(play.two, i, room, f"Guest {i}")
            await guest.enter()
            await owner.sees(guest.jid)
        domain = play.two.domains["main"]
        if f"{domain}  follows" not in await self.show():
            raise RuntimeError(f"no copy: {await self.show()}")
        self.start()
        self.said = [s.say() for _ in range(5) for s in self.seats]
        await play.hub.command("room", "drain", room, domain)
        self.said += [s.say() for _ in range(5) for s in self.seats]
        await hear(self.seats, self.said)
        check(self.seats, self.said)
        check_left(self.seats)
        check_no_errors(self.seats)
        if "copies" in await self.show():
            raise RuntimeError(f"still a copy: {await self.show()}")
        copies = await play.two.command("room", "copies")
        if room in copies:
            raise RuntimeError(f"still a copy: {copies}")

    async def ordinary(self):
        self.said += await talk(self.seats, self.seats, 1)
        check(self.seats, self.said)
        owner, *_, last = self.seats
        guest = await self.seat(self.play.two, self.n, last.room, "Late")
        await guest.enter()
        await owner.sees(guest.jid)
        if "copies" in await self.show():
            raise RuntimeError("it was asked again")
