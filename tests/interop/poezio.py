"""poezio.py - poezio in tmux, with somebody at its keyboard."""

import os
import shutil

from terminal import Terminal, as_nobody, give_to_nobody, wait_for


class Poezio(Terminal):
    """Logs in by itself, and trusts nothing but what the server shows."""

    def __init__(self, name, at):
        super().__init__(name)
        cert = os.path.join(self.home, "trusted.crt")
        shutil.copy(at.authority, cert)
        config = os.path.join(self.home, "poezio.cfg")
        with open(config, "w", encoding="utf-8") as f:
            f.write("[Poezio]\n"
                    f"jid = {name.lower()}@{at.domain}\n"
                    "password = secret\n"
                    f"custom_host = {at.address}\n"
                    f"custom_port = {at.port}\n"
                    f"ca_cert_path = {cert}\n"
                    f"default_nick = {name}\n")
        give_to_nobody(self.home)
        self.run(as_nobody(["poezio", "-f", config]))

    def input(self):
        """It is the last line; ends in a newline."""
        return self.screen().rstrip().rpartition("\n")[2] + "\n"

    def type(self, line):
        """As by hand: poezio takes what comes at once for something pasted,
        with the Enter, and one of its tabs has no input before the slash."""
        for part in ("/", line[1:]) if line[0] == "/" else (line,):
            self.tmux("send-keys", "-l", part)
            wait_for(part.rstrip() + "\n", self.input, self.name)
        self.press("Enter")
