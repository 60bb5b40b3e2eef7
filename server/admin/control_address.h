/* control_address.h - the control socket's name, however long the path. */
#ifndef ADMIN_CONTROL_ADDRESS_H
#define ADMIN_CONTROL_ADDRESS_H

#include <sys/un.h>

struct err;

/* dir_out: a descriptor that the address may go through, to be closed after
 * bind or connect. */
int control_address(const char *data_dir, struct sockaddr_un *out, int *dir_out,
		    struct err *err);

#endif
