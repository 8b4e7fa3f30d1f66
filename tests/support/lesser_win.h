/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_LESSER_WIN_H
#define TESTS_SUPPORT_LESSER_WIN_H

#include <stdbool.h>

/** For tests of who may do what on Windows, which have one user: this thread goes on as that user
 *  without what makes it more than anybody at the screen. In the token the user itself and the
 *  administrators may only deny. False when that cannot be had. Ended by lesser_end. */
bool lesser_begin(void);
void lesser_end(void);

#endif
