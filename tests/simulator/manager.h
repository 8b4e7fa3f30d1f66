/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_MANAGER_H
#define SIMULATOR_MANAGER_H

#include "home.h"

/* The manager's window, dnmultiplayer: it reads the configurations when it opens and writes them
 * when it closes, which undoes what was changed meanwhile.  Ended by force it writes nothing. */

/** Live until somebody closes the window. */
void manager_live(const struct home *home);

/** Open or close the window and wait until that is so.  Returns 0, or -1 when it is not. */
int manager_open(const struct home *home);
int manager_close(const struct home *home);

#endif
