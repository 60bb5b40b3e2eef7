/* notify.h - what systemd wants to know; nothing where it did not start us. */
#ifndef ADMIN_NOTIFY_H
#define ADMIN_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
