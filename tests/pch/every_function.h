/* SPDX-License-Identifier: MIT */
/* Read once for all of them: what nearly every file includes, and on Windows most of the time. */
#include <uv.h>
