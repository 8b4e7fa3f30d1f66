/* SPDX-License-Identifier: MIT */
#ifndef SVC_NODE_ID_H
#define SVC_NODE_ID_H

#include "base/system/random.h"

/** Who this node is to others, for ever: a UUID in a file of the data directory, made when it is
 *  first asked for. It is not in the database, so that a restored backup, or a database that was
 *  taken to another machine, does not make two nodes one. Copying the whole data directory does:
 *  remove the file in the copy. */
#define SVC_NODE_ID_FILE "node-id"

/** Whoever calls this holds the lock of DATA_DIR. Returns 0, UV_EINVAL when the file holds
 * something else, or why it cannot be read or written. */
int svc_node_id_read(const char *data_dir, char ret[UUID_SIZE]);

#endif
